//! What ends the process besides Shutdown: signals, and a core that is gone.

use std::{io, os::unix::process::parent_id, time::Duration};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::incoming::Census;

/// How often to look whether the core is still there.
const PARENT_INTERVAL: Duration = Duration::from_secs(2);

/// The signals that we handle; they must be taken before anything needs cleaning up.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// Takes over SIGINT, SIGTERM and SIGHUP from their defaults.
    pub fn install() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Cancels `end` on SIGTERM and SIGHUP, and on SIGINT where `interruptible`.
    ///
    /// Under a core SIGINT is swallowed: Ctrl-C reaches the whole process group, and the core
    /// then says by the Stop call what is to happen.
    pub async fn watch(mut self, end: CancellationToken, interruptible: bool) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.hangup.recv() => break,
                _ = self.interrupt.recv() => if interruptible { break },
            }
        }
        end.cancel();
    }
}

/// Cancels `end` when the core has died without a Shutdown: our parent is another one now
/// and the connections that there were are closed.
pub(crate) async fn watch_parent(census: Census, end: CancellationToken) {
    let parent = parent_id();
    loop {
        tokio::time::sleep(PARENT_INTERVAL).await;
        if parent_id() != parent && census.deserted() {
            end.cancel();
            return;
        }
    }
}
