//! What ran, how long it took and how it ended: the table at the end, by area and against what
//! each area may take. To be over a budget is no failure: machines differ.

use super::areas::{self, Area};
use anyhow::Result;
use std::time::{Duration, Instant};

enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

struct Line {
    area: Area,
    name: String,
    took: Duration,
    /// The part of the whole run's time that it stands for.
    counted: Duration,
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
    pub fn step<T>(&mut self, area: Area, name: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        eprintln!("\n== {name}");
        let started = Instant::now();
        let result = work();
        let took = started.elapsed();
        self.done(area, name, took, took, &result);
        result
    }

    /// Keeps how something went that ran beside other steps: of what it took, `counted` is the part
    /// that the run would have been shorter without.
    pub fn done<T>(&mut self, area: Area, name: &str, took: Duration, counted: Duration, result: &Result<T>) {
        let outcome = match result {
            Ok(_) => Outcome::Passed,
            Err(error) => {
                eprintln!("error: {error:#}");
                Outcome::Failed(first_line(&format!("{error:#}")))
            }
        };
        self.lines.push(Line { area, name: name.to_owned(), took, counted, outcome });
    }

    /// Keeps that a step was left out, and why.
    pub fn skipped(&mut self, area: Area, name: &str, why: &str) {
        eprintln!("\n== {name}: skipped, {why}");
        self.lines.push(Line {
            area,
            name: name.to_owned(),
            took: Duration::ZERO,
            counted: Duration::ZERO,
            outcome: Outcome::Skipped(why.to_owned()),
        });
    }

    /// The steps that failed.
    pub fn failed(&self) -> Vec<&str> {
        let failed = self.lines.iter().filter(|line| matches!(line.outcome, Outcome::Failed(_)));
        failed.map(|line| line.name.as_str()).collect()
    }

    /// One line per step below its area, and the time since the first one.
    pub fn table(&self) -> String {
        self.table_after(self.began.elapsed())
    }

    fn table_after(&self, total: Duration) -> String {
        let width = self.lines.iter().map(|line| line.name.len() + 2);
        let width = width.chain(Area::ALL.map(|area| area.name().len())).max().unwrap_or(0);
        let mut text = String::new();
        for area in Area::ALL {
            let lines = || self.lines.iter().filter(|line| line.area == area);
            if lines().next().is_none() {
                continue;
            }
            let counted = lines().map(|line| line.counted).sum();
            text += &format!("{:width$}  {}\n", area.name(), areas::against(counted, area.budget()));
            for line in lines() {
                let name = format!("  {}", line.name);
                text += &format!("{name:width$}  {:>8.1} s  {}\n", line.took.as_secs_f64(), line.outcome);
            }
        }
        text + &format!("{:width$}  {}\n", "total", areas::against(total, areas::TOTAL))
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Passed => to.write_str("ok"),
            Self::Failed(why) => write!(to, "FAILED  {why}"),
            Self::Skipped(why) => write!(to, "skipped  {why}"),
        }
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn the_table_shows_every_step_below_its_area_and_how_it_ended() {
        let mut report = Report::default();
        assert_eq!(report.step(Area::Checks, "format", || Ok(5)).unwrap(), 5);
        let beside = Duration::from_secs(75);
        report.done(Area::Stacks, "acceptance-tests edge", beside * 2, beside, &Ok(()));
        report.skipped(Area::Checks, "licences", "cargo-deny is not installed");
        let failed: Result<()> = report.step(Area::Checks, "tests", || Err(anyhow!("two failed\nmore")));
        assert!(failed.is_err());
        for (line, seconds) in report.lines.iter_mut().zip([1, 150, 0, 181]) {
            line.took = Duration::from_secs(seconds);
            line.counted = line.counted.max(Duration::from_secs(u64::from(seconds != 150) * seconds));
        }
        assert_eq!(report.failed(), ["tests"]);
        let total = format!("total                    4.3 of {} min", areas::TOTAL);
        let expected = [
            "checks                   3.0 of 3 min, over",
            "  format                      1.0 s  ok",
            "  licences                    0.0 s  skipped  cargo-deny is not installed",
            "  tests                     181.0 s  FAILED  two failed",
            "compose stacks           1.2 of 7 min",
            "  acceptance-tests edge     150.0 s  ok",
            &total,
            "",
        ];
        assert_eq!(report.table_after(Duration::from_secs(257)), expected.join("\n"));
    }
}
