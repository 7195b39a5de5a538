//! Slow readers, early ends, and what is left on the host.

use std::time::Duration;

use remote::{Command, Error, Executor, Input, conformance::patiently, run};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{sleep, timeout},
};

use crate::server::Sshd;

async fn quick_command(exec: &dyn Executor) {
    let command = Command::new(["true"]).timeout(None);
    let ended = patiently("a quick command", run(exec, &command, Input::Nothing)).await;
    assert_eq!(ended.unwrap().status, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unread_stream_does_not_freeze_the_others() {
    let sshd = Sshd::start(&[]);
    let exec = sshd.executor();
    let unread = Command::new(["head", "-c", "40000000", "/dev/zero"]).timeout(None);
    let mut process = exec.start(&unread).await.unwrap();
    sleep(Duration::from_millis(300)).await;
    for _ in 0..5 {
        quick_command(&*exec).await;
    }
    let mut all = Vec::new();
    process.stdout.read_to_end(&mut all).await.unwrap();
    assert_eq!((all.len(), process.control.wait().await.unwrap()), (40_000_000, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_never_read_ends_with_a_clear_error() {
    let sshd = Sshd::start(&[]);
    let exec = sshd.executor();
    let mut process = exec.start(&Command::new(["cat", "/dev/zero"]).timeout(None)).await.unwrap();
    let ended = patiently("the end of what nobody reads", process.control.wait()).await;
    let Err(Error::Io { operation, source, .. }) = ended else { panic!("{ended:?}") };
    assert_eq!(operation, "read the output of \"cat\"");
    assert!(source.to_string().contains("64 MiB"), "{source}");
    let error = process.stdout.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert!(error.to_string().contains("too slow"), "{error}");
    quick_command(&*exec).await;
    gone(&sshd, "cat").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_of_a_bulk_stream_makes_the_host_wait() {
    let sshd = Sshd::start(&[]);
    let exec = sshd.executor();
    let bulk = Command::new(["head", "-c", "200000000", "/dev/zero"]).bulk().timeout(None);
    let mut process = exec.start(&bulk).await.unwrap();
    sleep(Duration::from_millis(500)).await;
    quick_command(&*exec).await;
    let mut all = Vec::new();
    process.stdout.read_to_end(&mut all).await.unwrap();
    assert_eq!((all.len(), process.control.wait().await.unwrap()), (200_000_000, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_bulk_stream_can_be_cancelled() {
    let sshd = Sshd::start(&[]);
    let exec = sshd.executor();
    let mut process = exec.start(&Command::new(["cat", "/dev/zero"]).bulk().timeout(None)).await.unwrap();
    sleep(Duration::from_millis(500)).await;
    patiently("cancelling", process.control.cancel()).await;
    gone(&sshd, "cat").await;
}

/// Waits until no process of that name is left among those that the server started.
async fn gone(sshd: &Sshd, program: &str) {
    let runs = |pid: &u32| {
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        name.trim() == program
    };
    patiently(&format!("the end of {program}"), async {
        while sshd.sessions().iter().any(runs) {
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_timed_out_and_dropped_commands_are_gone_from_the_host() {
    let sshd = Sshd::start(&[]);
    let exec = sshd.executor();
    let sleeping = Command::new(["sleep", "1000"]).timeout(None);

    let mut process = exec.start(&sleeping).await.unwrap();
    patiently("cancelling", process.control.cancel()).await;
    assert!(matches!(process.control.wait().await, Err(Error::Cancelled)));
    gone(&sshd, "sleep").await;

    let limited = sleeping.clone().timeout(Some(Duration::from_millis(200)));
    let error = run(&*exec, &limited, Input::Nothing).await.unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    gone(&sshd, "sleep").await;

    drop(exec.start(&sleeping).await.unwrap());
    gone(&sshd, "sleep").await;

    let abandoned = timeout(Duration::from_millis(200), run(&*exec, &sleeping, Input::Nothing)).await;
    assert!(abandoned.is_err());
    gone(&sshd, "sleep").await;
    quick_command(&*exec).await;
}

/// Futures dropped at every moment of a start leave neither a process nor a lost session slot.
#[tokio::test(flavor = "multi_thread")]
async fn starts_that_are_given_up_leave_nothing() {
    let sshd = Sshd::start(&[]);
    let exec = sshd.executor();
    quick_command(&*exec).await;
    for step in 0..60 {
        let sleeping = Command::new(["sleep", "1000"]).timeout(None);
        let _ = timeout(Duration::from_micros(step * 150), exec.start(&sleeping)).await;
    }
    gone(&sshd, "sleep").await;
    for _ in 0..20 {
        quick_command(&*exec).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_ended_by_a_signal_has_the_status_a_shell_would_tell() {
    let sshd = Sshd::start(&[]);
    let exec = sshd.executor();
    for (signal, number) in [("TERM", 15), ("KILL", 9), ("HUP", 1), ("USR1", 10), ("SEGV", 11)] {
        let suicide = Command::new(["sh", "-c", &format!("kill -{signal} $$; sleep 5")]);
        assert_eq!(run(&*exec, &suicide, Input::Nothing).await.unwrap().status, 128 + number, "{signal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_reads_no_more_breaks_the_writer() {
    let sshd = Sshd::start(&[]);
    let exec = sshd.executor();
    let mut process = exec.start(&Command::new(["head", "-c", "1"])).await.unwrap();
    let chunk = vec![7; 1 << 16];
    let writing = async {
        loop {
            if let Err(error) = process.stdin.write_all(&chunk).await {
                break error;
            }
        }
    };
    let error = patiently("the writer", writing).await;
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    assert_eq!(process.control.wait().await.unwrap(), 0);
    quick_command(&*exec).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn much_data_passes_both_ways_unchanged() {
    let sshd = Sshd::start(&[]);
    let exec = sshd.executor();
    let sent: Vec<u8> = (0..20_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for command in [Command::new(["cat"]), Command::new(["cat"]).bulk()] {
        let mut process = exec.start(&command).await.unwrap();
        let mut received = Vec::new();
        let mut stdin = process.stdin;
        let writing = async {
            stdin.write_all(&sent).await.unwrap();
            stdin.shutdown().await.unwrap();
        };
        let ((), read) = tokio::join!(writing, process.stdout.read_to_end(&mut received));
        read.unwrap();
        assert!(received == sent, "bulk: {}", command.is_bulk());
        assert_eq!(process.control.wait().await.unwrap(), 0);
    }
}
