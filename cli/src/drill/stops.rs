//! When a drill is to end early: by signals, or because its time is up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit::Failure;
use crate::terminal;

/// What follows a signal so soon is the same one: `timeout` signals a process and then its group.
const SAME_SIGNAL: Duration = Duration::from_secs(1);

/// What signals, one after another, ask for.
#[derive(Clone, Default)]
pub struct Stops {
    /// To destroy what is there, and do nothing else.
    pub first: CancellationToken,
    /// To stop that as well.
    pub second: CancellationToken,
    /// To end at once.
    pub third: CancellationToken,
    /// Whether it was not a signal but the clock.
    is_late: Arc<AtomicBool>,
}

impl Stops {
    /// Listens to signals from now on, and to the clock.
    ///
    /// # Errors
    /// When the system does not tell of signals.
    pub fn watch(timeout: Option<Duration>) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::new("Could not begin").because(&error);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        // Before anything is started, so that none is missed.
        let entered = runtime.enter();
        let [interrupt, terminate, hangup] =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        let (mut interrupt, mut terminate) = (interrupt.map_err(failed)?, terminate.map_err(failed)?);
        let mut hangup = hangup.map_err(failed)?;
        drop(entered);
        let stops = Self::default();
        let of_thread = stops.clone();
        std::thread::spawn(move || {
            runtime.block_on(async {
                let late = async {
                    match timeout {
                        Some(timeout) => tokio::time::sleep(timeout).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::pin!(late);
                let (mut last, mut is_over) = (None::<Instant>, false);
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                        _ = hangup.recv() => {}
                        () = &mut late, if !is_over => {
                            is_over = true;
                            of_thread.late();
                            continue;
                        }
                    }
                    if last.is_none_or(|last| last.elapsed() > SAME_SIGNAL) {
                        of_thread.next();
                    }
                    last = Some(Instant::now());
                }
            });
        });
        Ok(stops)
    }

    /// Why the drill ends early, if it does.
    pub fn why(&self) -> Option<&'static str> {
        match (self.first.is_cancelled(), self.is_late.load(Ordering::SeqCst)) {
            (false, _) => None,
            (true, true) => Some("Its time was up (`timeout`)."),
            (true, false) => Some("It was interrupted."),
        }
    }

    /// The time is up.
    fn late(&self) {
        if !self.first.is_cancelled() {
            self.is_late.store(true, Ordering::SeqCst);
            self.first.cancel();
            terminal::note("The time of the drill is up. What it has made is destroyed now.");
        }
    }

    /// One more signal.
    fn next(&self) {
        if !self.first.is_cancelled() {
            self.first.cancel();
            terminal::note(
                "The drill is interrupted. What it has made is destroyed first; one more signal stops that.",
            );
        } else if !self.second.is_cancelled() {
            self.second.cancel();
            terminal::note("Stopping. What is left stays for the next drill, which destroys it first.");
        } else {
            self.third.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_signal_asks_for_more() {
        let stops = Stops::default();
        let told = || (stops.why(), stops.second.is_cancelled(), stops.third.is_cancelled());
        assert_eq!(told(), (None, false, false));
        stops.next();
        stops.late();
        assert_eq!(told(), (Some("It was interrupted."), false, false));
        stops.next();
        assert_eq!(told(), (Some("It was interrupted."), true, false));
        stops.next();
        assert_eq!(told(), (Some("It was interrupted."), true, true));
    }

    #[test]
    fn a_drill_whose_time_is_up_is_destroyed_and_a_signal_stops_that() {
        let stops = Stops::default();
        stops.late();
        assert_eq!((stops.why(), stops.second.is_cancelled()), (Some("Its time was up (`timeout`)."), false));
        stops.next();
        assert!(stops.second.is_cancelled());
    }
}
