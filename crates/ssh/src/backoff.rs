//! Waiting between attempts.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    time::Duration,
};

/// The first wait, before jitter.
const FIRST: Duration = Duration::from_millis(100);

/// No wait is longer than this.
const LONGEST: Duration = Duration::from_secs(5);

/// Doubling waits, each somewhere between half of it and all of it, so that those who failed
/// together do not come back together.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// How long to wait before the next attempt.
    pub(crate) fn next_wait(&mut self) -> Duration {
        let full = FIRST.saturating_mul(1 << self.attempts.min(16)).min(LONGEST);
        self.attempts += 1;
        full.mul_f64(0.5 + 0.5 * random_part())
    }
}

/// A number in 0..1. Spreading waits needs no better randomness than the one hash maps are
/// seeded with.
fn random_part() -> f64 {
    let random = RandomState::new().build_hasher().finish();
    f64::from((random >> 32) as u32) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound_and_differ() {
        let waits: Vec<Duration> = {
            let mut backoff = Backoff::default();
            (0..100).map(|_| backoff.next_wait()).collect()
        };
        assert!(waits[0] >= FIRST / 2 && waits[0] <= FIRST, "{:?}", waits[0]);
        assert!(waits.iter().all(|wait| *wait <= LONGEST));
        assert!(waits[20..].iter().all(|wait| *wait >= LONGEST / 2));
        assert!(waits[20..].windows(2).any(|pair| pair[0] != pair[1]));
    }
}
