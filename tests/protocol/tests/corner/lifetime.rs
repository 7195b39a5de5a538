//! What ends the process, what does not, and what is left afterwards.

use std::time::Duration;

use crate::{BINARY, answers};
use protocol_tests::{Core, Launch, Mode, Signal};
use tfplugin5::{pb::read_resource, plugin::grpc_stdio_client::GrpcStdioClient};
use tokio::task::JoinHandle;

fn nothing_is_left(core: &Core) {
    let left = core.left_behind().unwrap();
    assert!(left.is_empty(), "{left:?}");
}

/// Starts a ReadResource of `type_name` and gives it time to arrive.
async fn begin_read(core: &Core, type_name: &str) -> JoinHandle<bool> {
    let mut client = core.client();
    let type_name = type_name.to_owned();
    let call = tokio::spawn(async move {
        let request = read_resource::Request { type_name, ..Default::default() };
        client.read_resource(request).await.is_ok()
    });
    // A second call on the same connection is answered after the first one has arrived.
    assert_eq!(answers(core.client()).await, Ok(()));
    tokio::time::sleep(Duration::from_millis(50)).await;
    call
}

#[tokio::test]
async fn shutdown_ends_it_and_removes_the_socket() {
    for mode in [Mode::Tls, Mode::Plain] {
        let mut core = Core::start(BINARY, mode).await.unwrap();
        assert_eq!(answers(core.client()).await, Ok(()));
        assert_eq!(core.left_behind().unwrap().len(), 1);
        assert_eq!(core.end().await.unwrap().code(), Some(0));
        nothing_is_left(&core);
        assert_eq!(core.stdout().len(), 1);
        assert_eq!(core.stderr(), [""; 0]);
    }
}

#[tokio::test]
async fn shutdown_does_not_wait_for_running_calls() {
    for type_name in ["slow", "blocked"] {
        let mut core = Core::start(BINARY, Mode::Tls).await.unwrap();
        let call = begin_read(&core, type_name).await;
        assert_eq!(core.end().await.unwrap().code(), Some(0), "{type_name}");
        assert!(!call.await.unwrap());
        nothing_is_left(&core);
    }
}

#[tokio::test]
async fn termination_and_hangup_clean_up() {
    for signal in [Signal::TERM, Signal::HUP] {
        let mut core = Core::start(BINARY, Mode::Tls).await.unwrap();
        let call = begin_read(&core, "slow").await;
        core.signal(signal).unwrap();
        assert_eq!(core.exit().await.unwrap().code(), Some(0), "{signal:?}");
        assert!(!call.await.unwrap());
        nothing_is_left(&core);
    }
}

#[tokio::test]
async fn interrupts_are_ignored() {
    let core = Core::start(BINARY, Mode::Tls).await.unwrap();
    for _ in 0..3 {
        core.signal(Signal::INT).unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(answers(core.client()).await, Ok(()));
    }
    assert!(core.shutdown().await.unwrap().success());
}

#[tokio::test]
async fn the_stdio_stream_stays_open_until_the_end() {
    let mut core = Core::start(BINARY, Mode::Tls).await.unwrap();
    let mut stdio = GrpcStdioClient::new(core.channel());
    let mut stream = stdio.stream_stdio(()).await.unwrap().into_inner();
    let next = tokio::time::timeout(Duration::from_millis(100), stream.message()).await;
    assert!(next.is_err(), "the stream ended early: {next:?}");
    assert_eq!(core.end().await.unwrap().code(), Some(0));
    assert_eq!(stream.message().await.unwrap(), None);
}

#[tokio::test]
async fn a_panic_fails_only_its_call_or_leaves_nothing_behind() {
    let mut core = Core::start(BINARY, Mode::Tls).await.unwrap();
    let type_name = "panic".to_owned();
    let request = read_resource::Request { type_name, ..Default::default() };
    assert!(core.client().read_resource(request).await.is_err());
    // Where a panic aborts (release builds), the process is gone already.
    let _ = core.end().await.unwrap();
    nothing_is_left(&core);
    let said = core.stderr().join("\n");
    assert!(said.starts_with("panic: "), "{said}");
}

#[tokio::test]
async fn it_ends_when_its_core_has_died() {
    // A shell is the core: it starts the provider in the background and is killed.
    let script = format!("{BINARY} & echo $! >&2; wait");
    let mut shell = Launch::new("/bin/sh", Mode::Plain).unwrap().arg("-c").arg(script).spawn().unwrap();
    let line = shell.stdout_line(|_| true).await.unwrap();
    let handshake = protocol_tests::Handshake::parse(&line).unwrap();
    let channel = protocol_tests::connect(&handshake, None).await.unwrap();
    assert_eq!(answers(tfplugin5::pb::provider_client::ProviderClient::new(channel)).await, Ok(()));
    shell.signal(Signal::KILL).unwrap();
    // The end of the output means that the provider, which shares it, is gone too.
    shell.exit().await.unwrap();
    assert!(!handshake.socket.exists());
}
