//! Waiting in tests, for as long as it makes sense.

use std::{pin::pin, process::Stdio, time::Duration};

/// How much work the yardstick is: a minute and a half on a machine that has nothing else to do.
const ROUNDS: u32 = 600;

/// The pause between two pieces of it.
const PAUSE: Duration = Duration::from_millis(150);

/// What `future` comes to. That it hangs is found by a yardstick: other work of this machine, beside
/// it, of which nothing under test is a part. A machine that is slow, or stands still for a while,
/// is so for both, which a limit in seconds would take for a failure.
///
/// # Panics
/// When the yardstick is done first.
pub async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    for _ in 0..ROUNDS {
        tokio::select! {
            biased;
            done = &mut future => return done,
            () = a_piece_of_work() => {}
        }
    }
    panic!("{what}: it hangs; as much other work as {ROUNDS} programs, started one after the other, is done");
}

/// Starts a program and waits for its end, after a pause.
async fn a_piece_of_work() {
    tokio::time::sleep(PAUSE).await;
    let mut program = tokio::process::Command::new("true");
    let program = program.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // A machine that cannot start it has another trouble than what is tested.
    let _ = program.kill_on_drop(true).status().await;
}
