//! When a drill is to end early: by signals, or because its time is up.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

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
    /// What listens to signals from now on, and to the clock; to be called within a runtime, and to be run there.
    ///
    /// It is a task of the only thread, and no thread of its own: when a process with several is killed, the kernel tells
    /// its children so more than once, and a core that is told twice ends before it has written its state.
    ///
    /// # Errors
    /// When the system does not tell of signals.
    pub fn listener(
        &self,
        timeout: Option<Duration>,
    ) -> std::io::Result<impl Future<Output = ()> + Send + use<>> {
        let [interrupt, terminate, hangup] =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        let (mut interrupt, mut terminate, mut hangup) = (interrupt?, terminate?, hangup?);
        let stops = self.clone();
        Ok(async move {
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
                        stops.late();
                        continue;
                    }
                }
                if last.is_none_or(|last| last.elapsed() > SAME_SIGNAL) {
                    stops.next();
                }
                last = Some(Instant::now());
            }
        })
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
