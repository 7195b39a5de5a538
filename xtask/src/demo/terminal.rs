//! How the demo talks: a heading for each step, and each program's own words behind its name.

use crate::interrupt::Interrupt;
use crate::shell;
use anyhow::{Context, Result, anyhow};
use std::io::{BufRead as _, BufReader, PipeReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The steps of the demo, counted and timed.
pub struct Steps {
    began: Instant,
    number: usize,
    total: usize,
    step: Instant,
}

impl Steps {
    pub fn new(total: usize) -> Self {
        Self { began: Instant::now(), number: 0, total, step: Instant::now() }
    }

    /// Says what comes next, and how long that is going to take.
    pub fn next(&mut self, what: &str, duration: &str) {
        self.number += 1;
        self.step = Instant::now();
        eprintln!("\n[{} of {}] {what} ({duration})", self.number, self.total);
    }

    /// Says that this step is done.
    pub fn done(&self, what: &str) {
        let (step, all) = (in_words(self.step.elapsed()), in_words(self.began.elapsed()));
        eprintln!("        {what} after {step}; {all} since the beginning");
    }

    /// Since the first step.
    pub fn took(&self) -> String {
        in_words(self.began.elapsed())
    }
}

fn in_words(time: Duration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, seconds) => format!("{minutes} min {seconds:02} s"),
    }
}

/// Runs a command to its end, with each line of what it says behind a name.
///
/// # Errors
/// As [`Interrupt::run`].
pub fn run(interrupt: &Interrupt, name: &str, command: &mut Command) -> Result<()> {
    let (said, pipe) = std::io::pipe().context("there can be no pipe")?;
    command.stdout(pipe.try_clone().context("there can be no pipe")?).stderr(pipe);
    eprintln!("$ {}", shell::words(command));
    std::thread::scope(|scope| {
        let shown = scope.spawn(|| show(said, name));
        let outcome = interrupt.run_quietly(command);
        // The command holds ends of the pipe, for as long as which nobody sees its end.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        shown.join().map_err(|_| anyhow!("a thread panicked"))?;
        outcome
    })
}

fn show(said: PipeReader, name: &str) {
    for line in BufReader::new(said).split(b'\n').map_while(Result::ok) {
        eprintln!("{}", labelled(name, &line));
    }
}

fn labelled(name: &str, line: &[u8]) -> String {
    format!("{name:>9} | {}", String::from_utf8_lossy(line).trim_end()).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_program_says_is_behind_its_name() {
        assert_eq!(labelled("terraform", b"Plan: 2 to add\r"), "terraform | Plan: 2 to add");
        assert_eq!(labelled("host", b""), "     host |");
    }

    #[test]
    fn a_command_that_fails_is_an_error_after_what_it_said() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exit 2"]);
        let error = run(&Interrupt::unset(), "sh", &mut command).unwrap_err().to_string();
        assert!(error.contains("exit status: 2"), "{error}");
    }

    #[test]
    fn times_are_minutes_and_seconds() {
        assert_eq!(in_words(Duration::from_millis(3400)), "3 s");
        assert_eq!(in_words(Duration::from_secs(605)), "10 min 05 s");
    }
}
