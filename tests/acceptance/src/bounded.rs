//! Processes that cannot outlive their test: each has a time limit and a process group of its own.

use std::{
    io::Read,
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::Run;

/// How long a CLI may take before it counts as hung.
const LIMIT: Duration = Duration::from_secs(300);

/// How often a running process is looked at.
const TICK: Duration = Duration::from_millis(5);

/// A CLI that runs. Dropping it ends it together with the provider it started.
pub struct Running {
    child: Child,
    line: String,
    started: Instant,
    output: Option<(Collected, Collected)>,
}

type Collected = JoinHandle<Vec<u8>>;

impl Running {
    /// Starts `command`, its output captured.
    pub(crate) fn start(mut command: Command) -> Self {
        let line = format!("{command:?}");
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{line}: {error}"));
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        Self { child, line, started: Instant::now(), output: Some((stdout, stderr)) }
    }

    /// Presses Ctrl-C: as a terminal does, for the CLI and its provider alike.
    pub fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    /// Ends the CLI and the provider at once, as a power cut does.
    pub fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it takes longer than five minutes; it is ended then, and its output shown.
    #[track_caller]
    pub fn finish(mut self) -> Run {
        let mut hung = false;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if self.started.elapsed() > LIMIT && !hung {
                hung = true;
                self.kill();
            }
            thread::sleep(TICK);
        };
        let run = self.ended(status);
        assert!(!hung, "{} hung:\n{}\n{}", self.line, run.stdout, run.stderr);
        run
    }

    fn ended(&mut self, status: ExitStatus) -> Run {
        let took = self.started.elapsed();
        // Whatever is left of the group would keep the pipes open for ever.
        self.signal(Signal::KILL);
        let (stdout, stderr) = self.output.take().unwrap();
        Run::of(status, &stdout.join().unwrap(), &stderr.join().unwrap(), took)
    }

    fn signal(&self, signal: Signal) {
        // The group may be gone already.
        let _ = kill_process_group(Pid::from_child(&self.child), signal);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.output.is_some() {
            self.kill();
            let _ = self.child.wait();
        }
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> Collected {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came until an error is what there is.
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}
