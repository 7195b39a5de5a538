//! Running commands on this machine, to their end and not.

use std::time::Duration;

use bytes::Bytes;
use remote::{
    Command, Error, Executor, Input, Local,
    collect::{self, Limits, Overflow},
    conformance::patiently,
    run, run_checked,
};
use tokio_util::sync::CancellationToken;

fn sh(script: &str) -> Command {
    Command::new(["sh", "-c", script])
}

#[tokio::test]
async fn only_the_variables_of_a_login_are_seen() {
    let output = run_checked(&Local::new(), &Command::new(["env"]), Input::Nothing).await.unwrap();
    for line in output.stdout_text().lines() {
        let name = line.split('=').next().unwrap();
        assert!(["HOME", "LANG", "LOGNAME", "PATH", "USER"].contains(&name), "{line}");
    }
}

#[tokio::test]
async fn a_failure_carries_the_last_lines_of_stderr() {
    let error = run_checked(&Local::new(), &sh("seq 1 30 >&2; exit 3"), Input::Nothing).await.unwrap_err();
    let Error::Failed { program, status, stderr, .. } = error else { panic!("{error:?}") };
    assert_eq!((program.as_str(), status), ("sh", 3));
    let expected: Vec<String> = (11..=30).map(|number| number.to_string()).collect();
    assert_eq!(stderr, expected.join("\n"));
}

#[tokio::test]
async fn the_cap_ends_the_command() {
    let limits = Limits { cap: 1000, ..Limits::default() };
    let command = Command::new(["cat", "/dev/zero"]).timeout(Some(Duration::from_secs(30)));
    let error = collect::run_with(&Local::new(), &command, Input::Nothing, &limits).await.unwrap_err();
    assert!(matches!(error, Error::TooMuchOutput { limit: 1000, .. }), "{error:?}");
}

#[tokio::test]
async fn the_cap_can_truncate() {
    let limits = Limits { cap: 3, overflow: Overflow::Truncate, ..Limits::default() };
    let output = collect::run_with(&Local::new(), &sh("echo abcdef"), Input::Nothing, &limits).await.unwrap();
    assert_eq!((output.status, output.stdout.as_slice()), (0, b"abc".as_slice()));
}

#[tokio::test]
async fn cancelling_before_the_start_starts_nothing() {
    let token = CancellationToken::new();
    token.cancel();
    let mark = tempfile::tempdir().unwrap();
    let command = Command::new(["touch"]).arg(mark.path().join("started").to_str().unwrap());
    let limits = Limits::cancelled_by(&token);
    let error = collect::run_with(&Local::new(), &command, Input::Nothing, &limits).await.unwrap_err();
    assert!(matches!(error, Error::Cancelled));
    assert!(!mark.path().join("started").exists());
}

#[tokio::test]
async fn a_command_that_reads_no_more_decides_by_its_status() {
    let input = Input::bytes(Bytes::from(vec![b'x'; 8 << 20]));
    let output = run(&Local::new(), &Command::new(["head", "-c", "3"]), input).await.unwrap();
    assert_eq!((output.status, output.stdout.as_slice()), (0, b"xxx".as_slice()));
}

#[tokio::test]
async fn an_input_that_fails_ends_the_command() {
    struct Failing;
    impl tokio::io::AsyncRead for Failing {
        fn poll_read(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            _: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            std::task::Poll::Ready(Err(std::io::Error::other("the disk is on fire")))
        }
    }
    let input = Input::Reader(Box::new(Failing));
    let error = run(&Local::new(), &Command::new(["cat"]), input).await.unwrap_err();
    let Error::Io { operation, .. } = error else { panic!("{error:?}") };
    assert_eq!(operation, "read the input for \"cat\"");
}

#[tokio::test]
async fn an_endless_input_does_not_outlive_the_command() {
    let (_open, reader) = tokio::io::duplex(16);
    let command = sh("exit 4").timeout(None);
    let local = Local::new();
    let running = run(&local, &command, Input::Reader(Box::new(reader)));
    assert_eq!(patiently("the end of the command", running).await.unwrap().status, 4);
}

#[tokio::test]
async fn the_children_of_a_cancelled_command_end_too() {
    let command = sh("trap '' TERM; sleep 301 & echo $!; wait").timeout(Some(Duration::from_secs(2)));
    let mut shown = Vec::new();
    let error = collect::stream(&Local::new(), &command, Input::Nothing, &mut shown, &Limits::default())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    let pid: u32 = String::from_utf8(shown).unwrap().trim().parse().unwrap();
    // A zombie has ended too; who reaps it is not ours to say. A killed process takes its moment.
    let stat = || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let is_gone = |stat: &str| stat.is_empty() || stat.contains(") Z ") || stat.contains(") X ");
    patiently("the end of the child", async {
        while !is_gone(&stat()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert!(is_gone(&stat()), "process {} is still there", stat());
}

#[tokio::test]
async fn sudo_stands_before_privileged_commands_only() {
    let local = Local::new().with_sudo(remote::connection::Sudo::All);
    let plain = run_checked(&local, &Command::new(["echo", "plain"]), Input::Nothing).await.unwrap();
    assert_eq!(plain.stdout_text(), "plain\n");
    assert_eq!(local.name(), "this machine");
}
