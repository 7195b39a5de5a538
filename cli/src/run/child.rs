//! The command as a process: its signals, its end, and what happens to it when this one ends first.

use std::ffi::OsString;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ExitStatus, Stdio};

use rustix::process::{DumpableBehavior, Pid, Resource, Rlimit, Signal, set_dumpable_behavior, setrlimit};
use secret::Secret;
use tokio::io::AsyncReadExt;
use tokio::process::ChildStdout;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::told::Told;

use crate::exit::{Exit, Failure};

/// The name of the command that becomes the child.
pub const EXECUTE: &str = "run-as-child";

/// No core dumps from here on, in children neither, and no other process of this user looks in.
pub fn keep_memory_private() {
    // Where a system forbids either, the run is as safe as any other program there.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// What becomes of the command's stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stdout {
    /// It is ours.
    Shown,
    /// It is read.
    Kept,
    /// It goes to our stderr, as its stderr does, and the end of both is read.
    Told,
}

/// Who ends a command early.
#[derive(Clone, Debug, Default)]
pub enum Ending {
    /// The signals that this process gets.
    #[default]
    Signals,
    /// Whoever holds these. The command has a process group of its own, so that no terminal reaches it, and no input.
    Asked {
        /// Asks it to end as it should.
        gently: CancellationToken,
        /// Ends it and all that it has started, wherever they are.
        hard: CancellationToken,
        /// Whether all that it has started is asked too; a core asks its providers by itself.
        whole_group: bool,
    },
}

/// How a command has ended.
pub struct Ended {
    /// Its exit code.
    pub exit: Exit,
    /// What it wrote to stdout, where that was kept; what it wrote last to both streams, where that was told.
    pub stdout: Secret,
}

/// Runs the command to its end.
///
/// # Errors
/// When it cannot be started, or what was kept of it is no text.
pub async fn run(
    words: &[OsString],
    environment: &[(String, Secret)],
    stdout: Stdout,
    ending: &Ending,
) -> Result<Ended, Failure> {
    let name = words.first().map(|word| word.to_string_lossy().into_owned()).unwrap_or_default();
    let failed = || Failure::new(format!("Could not run `{name}`"));
    let program = std::env::current_exe().map_err(|error| failed().because(&error))?;
    // Before the child is there, so that none is missed.
    let mut forwarding = Forwarding::new(ending).map_err(|error| failed().because(&error))?;
    let mut command = tokio::process::Command::new(program);
    command.arg(EXECUTE).arg(std::process::id().to_string()).arg("--").args(words);
    command.envs(environment.iter().map(|(name, value)| (name, value.expose())));
    let mut told = None;
    match stdout {
        Stdout::Shown => {}
        Stdout::Kept => {
            command.stdout(Stdio::piped()).stdin(Stdio::null());
        }
        Stdout::Told => {
            let streams = Told::new().map_err(|error| failed().because(&error))?;
            let stream = || streams.stream().map_err(|error| failed().because(&error));
            command.stdout(stream()?).stderr(stream()?).stdin(Stdio::null());
            told = Some(streams);
        }
    }
    if matches!(ending, Ending::Asked { .. }) {
        command.stdin(Stdio::null()).process_group(0);
    }
    let mut child = command.spawn().map_err(|error| failed().because(&error))?;
    if let Some(told) = &mut told {
        told.pass().map_err(|error| failed().because(&error))?;
    }
    let kept = tokio::spawn(all_of(child.stdout.take()));
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    loop {
        let (signal, whole_group) = tokio::select! {
            ended = child.wait() => {
                let exit = exit(ended.map_err(|error| failed().because(&error))?);
                if let Some(told) = told {
                    return Ok(Ended { exit, stdout: told.end().await });
                }
                let kept = kept.await.map_err(|error| failed().because(&error))?;
                let stdout = kept.map_err(|error| failed().because(&error))?;
                return Ok(Ended { exit, stdout });
            }
            next = forwarding.next() => next,
        };
        // The child ends in its own time: it writes its state and unlocks first.
        if let Some(pid) = pid {
            let _ = match whole_group {
                true => rustix::process::kill_process_group(pid, signal),
                false => rustix::process::kill_process(pid, signal),
            };
        }
    }
}

/// What a child is told by a signal.
enum Forwarding<'a> {
    /// What this process is told.
    Signals(Box<[tokio::signal::unix::Signal; 3]>),
    /// What it is asked.
    Asked { gently: &'a CancellationToken, hard: &'a CancellationToken, whole_group: bool, told: usize },
}

impl<'a> Forwarding<'a> {
    fn new(ending: &'a Ending) -> std::io::Result<Self> {
        match ending {
            Ending::Signals => {
                let of = |kind: SignalKind| signal(kind);
                let [interrupt, terminate, hangup] =
                    [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(of);
                Ok(Self::Signals(Box::new([interrupt?, terminate?, hangup?])))
            }
            Ending::Asked { gently, hard, whole_group } => {
                Ok(Self::Asked { gently, hard, whole_group: *whole_group, told: 0 })
            }
        }
    }

    /// Waits for the next one: the signal, and whether it is for the whole group.
    async fn next(&mut self) -> (Signal, bool) {
        match self {
            Self::Signals(signals) => loop {
                let [interrupt, terminate, hangup] = &mut **signals;
                let signal = tokio::select! {
                    _ = interrupt.recv() => if is_in_foreground() { None } else { Some(Signal::INT) },
                    _ = terminate.recv() => Some(Signal::TERM),
                    _ = hangup.recv() => Some(Signal::HUP),
                };
                if let Some(signal) = signal {
                    return (signal, false);
                }
            },
            Self::Asked { gently, hard, whole_group, told } => {
                *told += 1;
                match told {
                    1 => {
                        gently.cancelled().await;
                        (if *whole_group { Signal::TERM } else { Signal::INT }, *whole_group)
                    }
                    2 => {
                        hard.cancelled().await;
                        (Signal::KILL, true)
                    }
                    _ => std::future::pending().await,
                }
            }
        }
    }
}

async fn all_of(stdout: Option<ChildStdout>) -> std::io::Result<Secret> {
    let mut text = String::new();
    if let Some(mut stdout) = stdout {
        stdout.read_to_string(&mut text).await?;
    }
    Ok(Secret::new(text))
}

/// Whether a terminal sends its Ctrl-C to the child as well: a second one would kill it.
fn is_in_foreground() -> bool {
    std::fs::File::open("/dev/tty")
        .ok()
        .and_then(|terminal| rustix::termios::tcgetpgrp(terminal).ok())
        .is_some_and(|group| group == rustix::process::getpgrp())
}

/// The exit code, or what a shell makes of a signal.
fn exit(status: ExitStatus) -> Exit {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    Exit(u8::try_from(code).unwrap_or(1))
}

/// What the command takes that becomes the child.
#[derive(clap::Args, Debug)]
pub struct Execute {
    /// The process that waits for it
    parent: u32,
    /// What to become
    #[arg(last = true, required = true)]
    words: Vec<OsString>,
}

/// Becomes the command. The system asks it to end when the process that waits for it has gone; that
/// can only be said in the child, before it becomes another program.
///
/// # Errors
/// When there is no such program.
pub fn execute(arguments: &Execute) -> Result<Exit, Failure> {
    let Some((program, words)) = arguments.words.split_first() else { return Ok(Exit::USAGE) };
    let failed = || Failure::new(format!("Could not run `{}`", program.to_string_lossy()));
    rustix::process::set_parent_process_death_signal(Some(Signal::TERM))
        .map_err(|error| failed().because(&error))?;
    if std::os::unix::process::parent_id() != arguments.parent {
        return Err(failed().with("The process that would have its state has ended."));
    }
    Err(failed().because(&std::process::Command::new(program).args(words).exec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_pass_and_signals_are_those_of_a_shell() {
        assert_eq!(exit(ExitStatus::from_raw(2 << 8)), Exit(2));
        assert_eq!(exit(ExitStatus::from_raw(15)), Exit(143));
    }
}
