//! Looking again and again until something is as it should be.
//!
//! Only what all such loops share is here: the pause between two looks, the end of the time, and
//! being cancelled. What a look is, and what its last result means, differs too much between them.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// The pace of one loop; the time runs from when it is made.
#[derive(Debug)]
pub struct Poll<'a> {
    begun: Instant,
    interval: Duration,
    limit: Duration,
    cancel: &'a CancellationToken,
}

/// Why there is no next look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The time is up, or would be before the next look.
    Late,
    /// We were cancelled.
    Cancelled,
}

impl<'a> Poll<'a> {
    /// Pauses for `interval` between two looks, for no longer than `limit` in all.
    pub fn new(interval: Duration, limit: Duration, cancel: &'a CancellationToken) -> Self {
        Self { begun: Instant::now(), interval, limit, cancel }
    }

    /// How long it has been going on.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// How much of the time is left.
    pub fn left(&self) -> Duration {
        self.limit.saturating_sub(self.elapsed())
    }

    /// Waits until it is time for the next look. That there is no time for one is said at once.
    ///
    /// # Errors
    /// [`Ended`] when there is no next look.
    pub async fn next(&self) -> Result<(), Ended> {
        self.next_after(self.interval).await
    }

    /// As [`Poll::next`], where this look is worth another pause.
    ///
    /// # Errors
    /// [`Ended`] when there is no next look.
    pub async fn next_after(&self, pause: Duration) -> Result<(), Ended> {
        if self.elapsed() + pause > self.limit {
            return Err(Ended::Late);
        }
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Ended::Cancelled),
            () = sleep(pause) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn there_are_as_many_looks_as_there_is_time_for() {
        let never = CancellationToken::new();
        let poll = Poll::new(Duration::from_millis(20), Duration::from_millis(200), &never);
        let mut pauses = 0;
        let ended = loop {
            match poll.next().await {
                Ok(()) => pauses += 1,
                Err(ended) => break ended,
            }
        };
        assert_eq!(ended, Ended::Late);
        assert!((1..=10).contains(&pauses), "{pauses}");
        assert!(poll.left() < Duration::from_millis(20));
    }

    #[tokio::test]
    async fn no_pause_goes_on_after_the_end() {
        let cancel = CancellationToken::new();
        let hour = Duration::from_secs(3600);
        assert_eq!(Poll::new(hour, hour / 2, &cancel).next().await, Err(Ended::Late));
        let poll = Poll::new(hour, hour * 2, &cancel);
        let (ended, ()) = tokio::join!(poll.next(), async { cancel.cancel() });
        assert_eq!(ended, Err(Ended::Cancelled));
    }
}
