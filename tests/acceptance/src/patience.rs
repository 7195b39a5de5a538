//! Waiting for a condition instead of a time.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How long anything may take on the slowest machine.
const LIMIT: Duration = Duration::from_secs(120);

/// Waits until `is_so`, which it asks every 100 ms; `what` is the condition in words.
///
/// # Panics
/// When it is not so within two minutes.
#[track_caller]
pub fn eventually(what: &str, is_so: impl FnMut() -> bool) {
    eventually_every(Duration::from_millis(100), what, is_so);
}

/// [`eventually`] for what is over in a moment.
///
/// # Panics
/// When it is not so within two minutes.
#[track_caller]
pub fn eventually_every(pause: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        thread::sleep(pause);
    }
}
