//! Streams of commands, and streams beside each other.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{Command, Executor, Input, collect::Limits, run, run_checked};

use super::shell;

pub(super) async fn stderr_is_separate(exec: &dyn Executor) {
    // More than any pipe or window holds, on both at once.
    let script =
        "i=0; while [ $i -lt 3000 ]; do printf '%01000d\n' 1; printf '%01000d\n' 2 >&2; i=$((i+1)); done";
    let command = Command::new(["sh", "-c", script]);
    let output = run(exec, &command, Input::Nothing).await.expect("sh runs");
    assert_eq!((output.status, output.stdout.len()), (0, 3000 * 1001));
    assert!(output.stdout.iter().all(|byte| b"01\n".contains(byte)), "stdout has bytes of stderr");
    assert!(output.stderr.iter().all(|byte| b"02\n".contains(byte)), "stderr has bytes of stdout");
    assert!(output.stderr.len() > 500_000, "most of stderr is missing: {}", output.stderr.len());
}

/// Both ways at once; neither direction may wait for the other to be finished.
pub(super) async fn echo(exec: &dyn Executor) {
    let sent: Vec<u8> =
        (0..16_u32 << 20).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let sent = Bytes::from(sent);
    let limits = Limits { cap: 32 << 20, ..Limits::default() };
    for command in [Command::new(["cat"]), Command::new(["cat"]).bulk()] {
        let output = crate::collect::run_with(exec, &command, Input::Bytes(sent.clone()), &limits)
            .await
            .expect("cat runs");
        assert_eq!(output.status, 0);
        assert!(
            output.stdout == sent,
            "{} bytes came back, not the ones that were sent",
            output.stdout.len()
        );
    }
}

pub(super) async fn input_may_be_ignored(exec: &dyn Executor) {
    let input = || Input::bytes(vec![b'x'; 4 << 20]);
    let output = run(exec, &Command::new(["head", "-c", "3"]), input()).await.expect("head runs");
    assert_eq!((output.status, output.stdout.as_slice()), (0, &b"xxx"[..]));
    let output = run(exec, &Command::new(["sh", "-c", "exit 9"]), input()).await.expect("sh runs");
    assert_eq!(output.status, 9);
}

/// The end of stdin is the end of the command's input, by dropping it and by shutting it down.
pub(super) async fn end_of_input(exec: &dyn Executor) {
    for shut_down in [true, false] {
        let mut process = exec.start(&Command::new(["wc", "-c"])).await.expect("wc starts");
        process.stdin.write_all(b"12345").await.expect("wc reads");
        process.stdin.flush().await.expect("wc reads");
        if shut_down {
            process.stdin.shutdown().await.expect("stdin can be shut down");
        } else {
            drop(std::mem::replace(&mut process.stdin, Box::new(tokio::io::sink())));
        }
        let mut text = String::new();
        process.stdout.read_to_string(&mut text).await.expect("wc writes");
        assert_eq!(text.trim(), "5");
        assert_eq!(process.control.wait().await.expect("wc ends"), 0);
    }
}

pub(super) async fn an_unread_stream_blocks_nobody(exec: &dyn Executor) {
    let mut unread = exec.start(&Command::new(["cat", "/dev/zero"])).await.expect("cat starts");
    // Long enough for every buffer on the way to fill.
    tokio::time::sleep(Duration::from_millis(500)).await;
    for _ in 0..10 {
        assert_eq!(shell(exec, "echo here", &[]).await, "here\n");
    }
    unread.control.cancel().await;
}

pub(super) async fn fifty_at_once(exec: &dyn Executor) {
    let mut at_once = Vec::new();
    for index in 0..50 {
        at_once.push(async move {
            let command = Command::new(["sh", "-c", "cat; echo $1 >&2", "check", &index.to_string()]);
            let output = run_checked(exec, &command, Input::bytes(index.to_string())).await.expect("sh runs");
            assert_eq!(output.stdout_text(), index.to_string());
            assert_eq!(output.stderr_text(), format!("{index}\n"));
        });
    }
    join_all(at_once).await;
}

/// Waits for all of `futures`, which run beside each other.
async fn join_all<F: Future<Output = ()>>(futures: Vec<F>) {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|context| {
        futures.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if futures.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}
