//! The task that renews a lock while it is held.

use std::time::{Duration, SystemTime};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    sync::{mpsc, oneshot, watch},
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use super::{LostBecause, MARGIN};
use crate::{Error, Process};

/// What renews it: any line does.
const RENEW: &[u8] = b"renew\n";

/// A point in time of which the age is told as the host sees it: also through a sleep of this
/// machine, in which a monotonic clock may stand still.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    steady: Instant,
    wall: SystemTime,
}

impl Moment {
    pub(super) fn now() -> Self {
        Self { steady: Instant::now(), wall: SystemTime::now() }
    }

    pub(super) fn age(&self) -> Duration {
        self.steady.elapsed().max(self.wall.elapsed().unwrap_or_default())
    }
}

/// What is known of a lock.
#[derive(Clone, Debug)]
pub(super) enum LockState {
    /// It was ours at this moment, for the host has confirmed what we sent then.
    Held(Moment),
    /// It is ours no more.
    Lost(LostBecause),
}

/// A lock's process, and what was asked of it.
pub(super) struct Keeper {
    process: Process,
    state: watch::Sender<LockState>,
    renewal: Duration,
    /// When the renewal was sent that is not confirmed yet.
    sent: Option<Moment>,
}

/// The owner's end of a [`Keeper`].
pub(super) struct Handle {
    /// What is known of the lock.
    pub(super) state: watch::Receiver<LockState>,
    /// Asks for a renewal now.
    pub(super) renew: mpsc::Sender<()>,
    /// Asks to let it go, and where to say how that went. Dropping it lets it go as well.
    pub(super) release: oneshot::Sender<oneshot::Sender<Result<(), Error>>>,
}

/// Keeps the lock that `process` holds since `taken`, renewing it every `renewal`.
pub(super) fn keep(process: Process, taken: Moment, renewal: Duration) -> Handle {
    let (state_writer, state) = watch::channel(LockState::Held(taken));
    let (renew, asked) = mpsc::channel(1);
    let (release, released) = oneshot::channel();
    tokio::spawn(Keeper { process, state: state_writer, renewal, sent: None }.run(asked, released));
    Handle { state, renew, release }
}

impl Keeper {
    async fn run(
        mut self,
        mut asked: mpsc::Receiver<()>,
        mut released: oneshot::Receiver<oneshot::Sender<Result<(), Error>>>,
    ) {
        let mut ticks = interval(self.renewal);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick comes at once, when the lock is as new as can be.
        ticks.tick().await;
        let stdout = std::mem::replace(&mut self.process.stdout, Box::new(tokio::io::empty()));
        let mut lines = BufReader::new(stdout).lines();
        loop {
            tokio::select! {
                biased;
                answer = &mut released => {
                    // Without an answer the owner is gone: dropping the process ends it.
                    if let Ok(answer) = answer {
                        drop(answer.send(self.release().await));
                    }
                    return;
                }
                line = next(&mut lines) => {
                    if let Some(why) = self.heard(line.as_deref()) {
                        break self.lose(why);
                    }
                }
                _ = ticks.tick() => self.renew().await,
                Some(()) = asked.recv() => self.renew().await,
            }
        }
        // What the script still does is to end.
        if let Ok(answer) = released.await {
            drop(answer.send(self.release().await));
        }
    }

    /// Sends a renewal, unless one is under way.
    async fn renew(&mut self) {
        if self.sent.is_some_and(|sent| sent.age() < MARGIN) {
            return;
        }
        let sent = Moment::now();
        let sending = async {
            self.process.stdin.write_all(RENEW).await?;
            self.process.stdin.flush().await
        };
        // What cannot be sent is not confirmed, and that is what counts.
        if let Ok(Ok(())) = timeout(MARGIN, sending).await {
            self.sent = Some(sent);
        }
    }

    /// Takes in what the script says; why the lock is lost, if it is.
    fn heard(&mut self, line: Option<&str>) -> Option<LostBecause> {
        match line {
            Some("renewed") => {
                if let Some(sent) = self.sent.take() {
                    self.state.send_replace(LockState::Held(sent));
                }
                None
            }
            Some("late") => Some(LostBecause::Late),
            Some("removed") => Some(LostBecause::Removed),
            Some(_) => None,
            None => Some(LostBecause::Ended),
        }
    }

    fn lose(&self, why: LostBecause) {
        tracing::warn!(%why, "a lock was lost");
        self.state.send_replace(LockState::Lost(why));
    }

    /// Lets go of it and waits until the host has done so.
    async fn release(self) -> Result<(), Error> {
        let Process { stdin, mut control, .. } = self.process;
        drop(stdin);
        match timeout(MARGIN, control.wait()).await {
            Ok(status) => status.map(drop),
            Err(_) => {
                control.cancel().await;
                Ok(())
            }
        }
    }
}

/// The next line; `None` when there is no more, for whatever reason.
async fn next<R: tokio::io::AsyncBufRead + Unpin>(lines: &mut Lines<R>) -> Option<String> {
    lines.next_line().await.ok().flatten()
}
