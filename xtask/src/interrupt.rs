//! Ctrl-C and SIGTERM: noticed between and inside steps, so that what a command
//! started is always taken down by that command. Work beside the steps can be
//! stopped in the same way by the one that began it.

use crate::shell;
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long an interrupted step may take to clean up after itself.
const GRACE: Duration = Duration::from_secs(60);
/// How often a running step is looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// Whether somebody wants us to stop.
#[derive(Clone)]
pub struct Interrupt {
    /// Set by a signal; all have the same one.
    signal: Arc<AtomicBool>,
    /// Set by [`Interrupt::set`]; shared by clones, not by [`Interrupt::apart`].
    own: Arc<AtomicBool>,
}

impl Interrupt {
    /// From now on the two signals set this instead of ending the process.
    pub fn watch() -> Result<Self> {
        let flag = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&flag)).context("cannot watch for signals")?;
        }
        Ok(Self { signal: flag, own: Arc::default() })
    }

    /// One that no signal sets.
    #[cfg(test)]
    pub fn unset() -> Self {
        Self { signal: Arc::default(), own: Arc::default() }
    }

    /// One for work beside this: a signal sets both, [`Interrupt::set`] only the one.
    pub fn apart(&self) -> Self {
        Self { signal: Arc::clone(&self.signal), own: Arc::default() }
    }

    /// What a signal does, for this one and its clones alone.
    pub fn set(&self) {
        self.own.store(true, Ordering::Relaxed);
    }

    /// Fails once a signal has come.
    pub fn check(&self) -> Result<()> {
        if self.signal.load(Ordering::Relaxed) || self.own.load(Ordering::Relaxed) {
            bail!("interrupted");
        }
        Ok(())
    }

    /// Runs a command to its end, or asks it and all that it started to end
    /// when a signal comes.
    ///
    /// # Errors
    /// As [`shell::run`], and when interrupted.
    pub fn run(&self, command: &mut Command) -> Result<()> {
        eprintln!("$ {}", shell::words(command));
        self.run_quietly(command)
    }

    /// As [`Interrupt::run`], and returns what the command wrote to stdout.
    ///
    /// # Errors
    /// As [`Interrupt::run`], and when there is no place for what it writes.
    pub fn stdout(&self, command: &mut Command) -> Result<Vec<u8>> {
        let mut file = tempfile::tempfile().context("cannot create a temporary file")?;
        self.run(command.stdout(file.try_clone().context("too many open files")?))?;
        let mut stdout = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut stdout)).context("cannot read a temporary file")?;
        Ok(stdout)
    }

    /// As [`Interrupt::run`], without saying what is run.
    ///
    /// # Errors
    /// As [`Interrupt::run`].
    pub fn run_quietly(&self, command: &mut Command) -> Result<()> {
        self.check()?;
        let line = shell::words(command);
        // A group of its own: Ctrl-C reaches it through us alone, once.
        let mut child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start `{line}`"))?;
        let status = loop {
            if let Some(status) = child.try_wait().context("cannot wait for a command")? {
                break status;
            }
            if self.check().is_err() {
                end(&mut child)?;
                bail!("interrupted while `{line}` ran");
            }
            std::thread::sleep(PAUSE);
        };
        succeeded(&line, status)
    }
}

fn succeeded(line: &str, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    Ok(())
}

/// Ends a command and its group: first by asking, after the grace by force.
fn end(child: &mut Child) -> Result<()> {
    let group = Pid::from_child(child);
    // The group may be gone already, which is what is wanted.
    let signal = |signal| {
        let _ = kill_process_group(group, signal);
    };
    signal(Signal::TERM);
    let asked = Instant::now();
    while child.try_wait().context("cannot wait for a command")?.is_none() {
        if asked.elapsed() > GRACE {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    signal(Signal::KILL);
    child.wait().context("cannot wait for a command")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_fails_is_named() {
        let error = Interrupt::unset().run(Command::new("sh").args(["-c", "exit 7"]));
        let text = error.unwrap_err().to_string();
        assert!(text.contains("sh -c") && text.contains("status: 7"), "{text}");
    }

    #[test]
    fn nothing_starts_after_an_interrupt() {
        let interrupt = Interrupt::unset();
        interrupt.set();
        let scratch = tempfile::tempdir().unwrap();
        let touched = scratch.path().join("touched");
        assert!(interrupt.run(Command::new("touch").arg(&touched)).is_err());
        assert!(!touched.exists());
    }

    #[test]
    fn work_apart_is_stopped_alone() {
        let interrupt = Interrupt::unset();
        let apart = interrupt.apart();
        apart.set();
        assert!(apart.clone().check().is_err());
        assert!(interrupt.check().is_ok());
        interrupt.signal.store(true, Ordering::Relaxed);
        assert!(interrupt.apart().check().is_err());
    }

    /// The child of the child, which only a signal to the group reaches, must
    /// be gone too: the pipe that both hold open closes.
    #[test]
    fn an_interrupt_ends_the_whole_group() {
        use std::io::Read;
        let (mut reader, writer) = std::io::pipe().unwrap();
        let interrupt = Interrupt::unset();
        let remote = interrupt.clone();
        let worker = std::thread::spawn(move || {
            let mut command = Command::new("sh");
            command.args(["-c", "sleep 600 & echo started; wait"]).stdout(writer);
            interrupt.run(&mut command)
        });
        let mut started = [0; 8];
        reader.read_exact(&mut started).unwrap();
        remote.set();
        let error = worker.join().unwrap().unwrap_err().to_string();
        assert!(error.starts_with("interrupted while"), "{error}");
        assert_eq!(reader.read(&mut started).unwrap(), 0);
    }
}
