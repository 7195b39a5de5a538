//! Work that goes on beside the steps, and what it has to say when it is waited for.

use super::areas::Area;
use super::report::Report;
use crate::interrupt::Interrupt;
use crate::{provider_binary, shell};
use anyhow::{Context, Result, bail};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Work in a thread of its own; dropping it stops it and waits for its end.
pub struct Background<T> {
    name: &'static str,
    log: PathBuf,
    interrupt: Interrupt,
    thread: Option<JoinHandle<(Result<T>, Duration)>>,
}

impl<T: Send + 'static> Background<T> {
    /// Begins `work`, whose commands write to a log.
    ///
    /// # Errors
    /// When there can be no log.
    pub fn begin(
        name: &'static str,
        interrupt: &Interrupt,
        work: impl FnOnce(&Interrupt, &Log) -> Result<T> + Send + 'static,
    ) -> Result<Self> {
        let log = Log::new(name)?;
        let interrupt = interrupt.apart();
        eprintln!("\n== {name}: begins, and goes on beside what follows");
        let (path, inside) = (log.path.clone(), interrupt.clone());
        let thread = std::thread::spawn(move || {
            let started = Instant::now();
            (work(&inside, &log), started.elapsed())
        });
        Ok(Self { name, log: path, interrupt, thread: Some(thread) })
    }

    /// Waits for its end, shows its log and keeps how it went; only the wait counts.
    ///
    /// # Errors
    /// Those of the work.
    pub fn end(mut self, report: &mut Report) -> Result<T> {
        let name = self.name;
        eprintln!("\n== {name}");
        let waiting = Instant::now();
        let (result, took) = match self.thread.take().map(JoinHandle::join) {
            Some(Ok(ended)) => ended,
            Some(Err(_)) | None => (Err(anyhow::anyhow!("{name} panicked")), Duration::ZERO),
        };
        eprint!("{}", fs::read_to_string(&self.log).unwrap_or_default());
        report.done(Area::Builds, name, took, waiting.elapsed(), &result);
        result
    }
}

impl<T> Drop for Background<T> {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.interrupt.set();
            // What it could not do is of no interest any more.
            let _ = thread.join();
        }
    }
}

/// The file that keeps what commands say which run beside others.
pub struct Log {
    file: File,
    path: PathBuf,
}

impl Log {
    /// An empty one under the target directory.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(name: &str) -> Result<Self> {
        let directory = provider_binary::in_target("logs");
        let path = directory.join(format!("{}.log", name.replace([' ', '/'], "-")));
        let file = fs::create_dir_all(&directory).and_then(|()| File::create(&path));
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { file, path })
    }

    /// What was written so far.
    pub fn text(&self) -> String {
        fs::read(&self.path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Runs a command to its end, as [`Interrupt::run`] does, its output in here. What the
    /// command has a place for already goes there.
    ///
    /// # Errors
    /// As [`Interrupt::run`].
    pub fn run(&self, interrupt: &Interrupt, command: &mut Command) -> Result<()> {
        let mut file = self.file.try_clone().context("cannot write a log")?;
        writeln!(file, "$ {}", shell::words(command)).context("cannot write a log")?;
        interrupt.run_quietly(command.stderr(file))
    }

    /// The log as a place for a command's stdout.
    ///
    /// # Errors
    /// When there are too many open files.
    pub fn stdout(&self) -> Result<File> {
        self.file.try_clone().context("cannot write a log")
    }
}

/// Fails when one of several has failed.
pub fn all(outcomes: impl IntoIterator<Item = Result<()>>) -> Result<()> {
    let failed: Vec<String> =
        outcomes.into_iter().filter_map(Result::err).map(|error| format!("{error:#}")).collect();
    if !failed.is_empty() {
        bail!("{}", failed.join("; "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_beside_is_shown_and_kept_when_it_is_waited_for() {
        let mut report = Report::default();
        let work = Background::begin("said", &Interrupt::unset(), |interrupt, log| {
            let mut command = Command::new("sh");
            command.args(["-c", "echo out; echo err >&2; exit 4"]).stdout(log.stdout()?);
            log.run(interrupt, &mut command)?;
            Ok(())
        });
        let work = work.unwrap();
        let log = work.log.clone();
        assert!(work.end(&mut report).unwrap_err().to_string().contains("exit status: 4"));
        let text = fs::read_to_string(log).unwrap();
        assert_eq!(text, "$ sh -c 'echo out; echo err >&2; exit 4'\nout\nerr\n");
        assert_eq!(report.failed(), ["said"]);
    }

    #[test]
    fn work_that_nobody_waits_for_is_stopped() {
        let interrupt = Interrupt::unset();
        let started = Instant::now();
        let work = Background::begin("sleeping", &interrupt, |interrupt, log| {
            log.run(interrupt, Command::new("sleep").arg("600"))
        });
        drop(work.unwrap());
        assert!(started.elapsed() < Duration::from_secs(60));
        assert!(interrupt.check().is_ok());
    }
}
