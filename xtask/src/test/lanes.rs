//! Several test programs at the same time: as many as there are lanes.
//!
//! What a lane has (a lab) no other one has, so a program may do to it what it wants, as if it
//! were alone. Most of what tests with real hosts do is to wait.

use super::areas::Area;
use super::background::Log;
use super::programs::Program;
use super::report::Report;
use crate::interrupt::Interrupt;
use anyhow::{Result, bail};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What the programs of one lane are told through the environment.
pub type Lane = Vec<(&'static str, OsString)>;

/// Runs all programs, whatever becomes of each, and shows what each said when it has ended.
///
/// # Errors
/// When some failed; the text names them.
pub fn run(programs: Vec<Program>, lanes: &[Lane], interrupt: &Interrupt, report: &mut Report) -> Result<()> {
    // What runs at the same time shares the time.
    let beside = u32::try_from(lanes.len().min(programs.len())).unwrap_or(u32::MAX).max(1);
    let queue = Mutex::new(VecDeque::from(programs));
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let ended = Mutex::new(report);
    let mut failed: Vec<String> = std::thread::scope(|scope| {
        let work = |lane| {
            let (next, ended) = (&next, &ended);
            move || {
                let mut failed = Vec::new();
                while let Some(program) = next().filter(|_| interrupt.check().is_ok()) {
                    let name = program.name();
                    let (outcome, took, said) = one(&program, lane, interrupt);
                    // One at a time, so that what programs said stays together.
                    let mut report = ended.lock().unwrap_or_else(PoisonError::into_inner);
                    eprintln!("\n== {name}\n{said}");
                    report.done(Area::of(&program), &name, took, took / beside, &outcome);
                    failed.extend(outcome.err().map(|_| name));
                }
                failed
            }
        };
        let threads: Vec<_> = lanes.iter().map(|lane| scope.spawn(work(lane))).collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended.flat_map(|failed| failed.unwrap_or_else(|_| vec!["a lane panicked".to_owned()])).collect()
    });
    interrupt.check()?;
    failed.sort();
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// Runs one program and gives what it said.
fn one(program: &Program, lane: &Lane, interrupt: &Interrupt) -> (Result<()>, Duration, String) {
    let started = Instant::now();
    let run = || {
        let log = Log::new(&program.name())?;
        let mut command = program.command();
        command.envs(lane.iter().map(|(name, value)| (name, value))).stdout(log.stdout()?);
        let outcome = log.run(interrupt, &mut command);
        Ok((outcome, log.text()))
    };
    let (outcome, said) = run().unwrap_or_else(|error| (Err(error), String::new()));
    (outcome, started.elapsed(), said)
}
