//! Work that waits for others (hosts, stores), to its end or to a signal.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::exit::{Exit, Failure};

/// What follows a signal so soon is the same one.
const SAME_SIGNAL: Duration = Duration::from_secs(1);

/// Does `work` to its end. Where `cancel` is given, the first signal asks it to clean up after itself;
/// any other one ends it where it is, which leaves behind what `left` says.
///
/// # Errors
/// Those of the work, and its interruption.
pub fn finish(
    cancel: Option<&CancellationToken>,
    left: &str,
    work: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    use tokio::signal::unix::{SignalKind, signal};

    let failed = |error: std::io::Error| Failure::new("Could not begin").because(&error);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(failed)?;
    let outcome = runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        tokio::pin!(work);
        let mut asked_at = None;
        loop {
            tokio::select! {
                ended = &mut work => return ended,
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            match (cancel, asked_at) {
                (Some(cancel), None) => {
                    cancel.cancel();
                    asked_at = Some(Instant::now());
                }
                // `timeout` signals a process and then its group: that is one signal, told twice.
                (Some(_), Some(asked_at)) if asked_at.elapsed() < SAME_SIGNAL => {}
                _ => return Err(Failure::new("The command was interrupted").with(left)),
            }
        }
    });
    // What still reads a file or waits for a command is not waited for.
    runtime.shutdown_background();
    outcome
}
