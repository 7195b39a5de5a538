//! What ran, how long it took and how it ended: the table at the end.

use anyhow::Result;
use std::time::{Duration, Instant};

enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

struct Line {
    name: String,
    took: Duration,
    outcome: Outcome,
}

/// The steps so far.
pub struct Report {
    began: Instant,
    lines: Vec<Line>,
}

impl Default for Report {
    fn default() -> Self {
        Self { began: Instant::now(), lines: Vec::new() }
    }
}

impl Report {
    /// Runs a step and keeps how it went; the error still goes to the caller.
    pub fn step<T>(&mut self, name: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        eprintln!("\n== {name}");
        let started = Instant::now();
        let result = work();
        self.done(name, started.elapsed(), &result);
        result
    }

    /// Keeps how something went that ran beside other steps.
    pub fn done<T>(&mut self, name: &str, took: Duration, result: &Result<T>) {
        let outcome = match result {
            Ok(_) => Outcome::Passed,
            Err(error) => {
                eprintln!("error: {error:#}");
                Outcome::Failed(first_line(&format!("{error:#}")))
            }
        };
        self.lines.push(Line { name: name.to_owned(), took, outcome });
    }

    /// Keeps that a step was left out, and why.
    pub fn skipped(&mut self, name: &str, why: &str) {
        eprintln!("\n== {name}: skipped, {why}");
        self.lines.push(Line {
            name: name.to_owned(),
            took: Duration::ZERO,
            outcome: Outcome::Skipped(why.to_owned()),
        });
    }

    /// The steps that failed.
    pub fn failed(&self) -> Vec<&str> {
        let failed = self.lines.iter().filter(|line| matches!(line.outcome, Outcome::Failed(_)));
        failed.map(|line| line.name.as_str()).collect()
    }

    /// One line per step, and the time since the first one, which is less than their sum where
    /// some ran at the same time.
    pub fn table(&self) -> String {
        self.table_after(self.began.elapsed())
    }

    fn table_after(&self, total: Duration) -> String {
        let width = self.lines.iter().map(|line| line.name.len()).max();
        let width = width.unwrap_or(0).max("total".len());
        let mut text = String::new();
        for line in &self.lines {
            let outcome = match &line.outcome {
                Outcome::Passed => "ok".to_owned(),
                Outcome::Failed(why) => format!("FAILED  {why}"),
                Outcome::Skipped(why) => format!("skipped  {why}"),
            };
            text += &row(width, &line.name, line.took, &outcome);
        }
        text + row(width, "total", total, "").trim_end() + "\n"
    }
}

fn row(width: usize, name: &str, took: Duration, outcome: &str) -> String {
    format!("{name:width$}  {:>8.1} s  {outcome}\n", took.as_secs_f64())
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn the_table_shows_every_step_and_how_it_ended() {
        let mut report = Report::default();
        assert_eq!(report.step("format", || Ok(5)).unwrap(), 5);
        report.skipped("licences", "cargo-deny is not installed");
        let failed: Result<()> = report.step("tests", || Err(anyhow!("two failed\nmore")));
        assert!(failed.is_err());
        for (line, seconds) in report.lines.iter_mut().zip([1, 0, 61]) {
            line.took = Duration::from_secs(seconds);
        }
        assert_eq!(report.failed(), ["tests"]);
        let expected = [
            "format         1.0 s  ok",
            "licences       0.0 s  skipped  cargo-deny is not installed",
            "tests         61.0 s  FAILED  two failed",
            "total         62.0 s",
            "",
        ];
        assert_eq!(report.table_after(Duration::from_secs(62)), expected.join("\n"));
    }
}
