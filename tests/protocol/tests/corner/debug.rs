//! A developer runs the provider and attaches a core to it.

use crate::{BINARY, answers};
use protocol_tests::{Handshake, Launch, ProviderProcess, Signal, connect};
use serde_json::Value;
use tfplugin5::pb::provider_client::ProviderClient;

const PREFIX: &str = "export TF_REATTACH_PROVIDERS=";

async fn start() -> (ProviderProcess, Value) {
    let mut process = Launch::by_hand(BINARY).arg("--debug").spawn().unwrap();
    let line = process.stdout_line(|line| line.starts_with(PREFIX)).await.unwrap();
    // The line is for a shell, so a shell reads it.
    let script = format!("{line}; printf %s \"$TF_REATTACH_PROVIDERS\"");
    let shell = std::process::Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
    let value: Value = serde_json::from_slice(&shell.stdout).unwrap();
    (process, value["registry.example/tests/corner"].clone())
}

/// Calls the provider as a core with this reattach entry does.
async fn call(entry: &Value) {
    let handshake = Handshake {
        core_protocol: 1,
        protocol: 5,
        socket: entry["Addr"]["String"].as_str().unwrap().into(),
        certificate: None,
        fields: Vec::new(),
    };
    let channel = connect(&handshake, None).await.unwrap();
    assert_eq!(answers(ProviderClient::new(channel)).await, Ok(()));
}

#[tokio::test]
async fn the_printed_line_attaches_core_after_core() {
    let (mut process, entry) = start().await;
    assert_eq!(entry["Protocol"], "grpc");
    assert_eq!(entry["ProtocolVersion"], 5);
    assert_eq!(entry["Test"], true);
    assert_eq!(entry["Pid"], process.pid().unwrap());
    assert_eq!(entry["Addr"]["Network"], "unix");
    call(&entry).await;
    call(&entry).await;
    process.signal(Signal::INT).unwrap();
    assert_eq!(process.exit().await.unwrap().code(), Some(0));
    assert_eq!(process.left_behind().unwrap().len(), 0);
}

#[tokio::test]
async fn termination_ends_it_too() {
    let (mut process, _) = start().await;
    process.signal(Signal::TERM).unwrap();
    assert_eq!(process.exit().await.unwrap().code(), Some(0));
    assert_eq!(process.left_behind().unwrap().len(), 0);
}
