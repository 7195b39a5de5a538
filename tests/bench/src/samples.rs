//! Repeated measurements of one quantity.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// Measurements of one quantity, in the order in which they were made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// Adds one value.
    pub(crate) fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Adds a time, in milliseconds.
    pub(crate) fn time(&mut self, elapsed: Duration) {
        self.add(elapsed.as_secs_f64() * 1000.0);
    }

    /// Runs `work` and adds how long it took.
    pub(crate) async fn of<T>(&mut self, work: impl Future<Output = T>) -> T {
        let begun = Instant::now();
        let answer = work.await;
        self.time(begun.elapsed());
        answer
    }

    /// The middle value; the mean of the two in the middle when their number is even.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn median(&self) -> Result<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let upper = *sorted.get(sorted.len() / 2).context("nothing was measured")?;
        let lower = sorted.get((sorted.len() - 1) / 2).copied().unwrap_or(upper);
        Ok(f64::midpoint(lower, upper))
    }

    /// The smallest and the largest value.
    pub(crate) fn spread(&self) -> (f64, f64) {
        let fold = |pick: fn(f64, f64) -> f64| self.0.iter().copied().reduce(pick).unwrap_or(f64::NAN);
        (fold(f64::min), fold(f64::max))
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert!(Samples::default().median().is_err());
        for (values, median) in
            [(vec![7.0], 7.0), (vec![9.0, 1.0, 5.0], 5.0), (vec![4.0, 1.0, 2.0, 9.0], 3.0)]
        {
            assert!((Samples(values).median().unwrap() - median).abs() < 1e-9);
        }
    }

    #[test]
    fn the_spread_is_from_least_to_most() {
        assert_eq!(Samples(vec![3.0, 1.0, 2.0]).spread(), (1.0, 3.0));
    }
}
