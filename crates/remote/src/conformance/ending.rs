//! Commands that are ended from our side.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio_util::sync::CancellationToken;

use crate::{
    Command, Error, Executor, Input, Process,
    collect::{self, Limits},
};

use super::{has_ended, is_running};

/// Writes its process id and then does nothing for longer than any check takes.
fn sleeper() -> Command {
    Command::new(["sh", "-c", "echo $$; exec sleep 600"])
}

pub(super) async fn timeout(exec: &dyn Executor) {
    let mut pid = Vec::new();
    let limit = Duration::from_secs(1);
    let command = sleeper().timeout(Some(limit));
    let error = collect::stream(exec, &command, Input::Nothing, &mut pid, &Limits::default())
        .await
        .expect_err("the time is up");
    assert!(matches!(error, Error::Timeout { limit: told, .. } if told == limit), "{error:?}");
    has_ended(exec, std::str::from_utf8(&pid).expect("a process id")).await;
}

pub(super) async fn cancel(exec: &dyn Executor) {
    let token = CancellationToken::new();
    let limits = Limits::cancelled_by(&token);
    let mut pid = Vec::new();
    let cancel_soon = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        token.cancel();
    };
    let command = sleeper();
    let (ended, ()) =
        tokio::join!(collect::stream(exec, &command, Input::Nothing, &mut pid, &limits), cancel_soon);
    assert!(matches!(ended, Err(Error::Cancelled)), "{ended:?}");
    has_ended(exec, std::str::from_utf8(&pid).expect("a process id")).await;
}

/// A process that nobody waits for any more ends too.
pub(super) async fn drop_process(exec: &dyn Executor) {
    let Process { stdin, stdout, stderr, control } = exec.start(&sleeper()).await.expect("sh starts");
    let mut lines = BufReader::new(stdout).lines();
    let pid = lines.next_line().await.expect("sh writes").expect("a process id");
    assert!(is_running(exec, &pid).await, "the process ended before it was dropped");
    drop((stdin, lines, stderr, control));
    has_ended(exec, &pid).await;
}
