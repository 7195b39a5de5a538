//! Calls and the sizes of their messages.

use crate::BINARY;
use protocol_tests::{Core, Mode};
use remote::conformance::patiently;
use tfplugin5::pb::{DynamicValue, call_function, prepare_provider_config, stop};
use tonic::Code;

/// What a core accepts at least; more must pass as well.
const MEGABYTES_64: usize = 64 << 20;

#[tokio::test]
async fn messages_of_more_than_64_megabytes_pass_both_ways() {
    for mode in [Mode::Tls, Mode::Plain] {
        let core = Core::start(BINARY, mode).await.unwrap();
        let msgpack = vec![0xa5; MEGABYTES_64 + 1];
        let config = DynamicValue { msgpack: msgpack.clone(), json: Vec::new() };
        let request = prepare_provider_config::Request { config: Some(config) };
        let response = core.client().prepare_provider_config(request).await.unwrap();
        let echo = response.into_inner().prepared_config.unwrap().msgpack;
        assert!(echo == msgpack);
        assert!(core.shutdown().await.unwrap().success());
    }
}

#[tokio::test]
async fn calls_that_are_not_written_are_unimplemented() {
    let core = Core::start(BINARY, Mode::Tls).await.unwrap();
    let request = call_function::Request { name: "f".to_owned(), arguments: Vec::new() };
    let status = core.client().call_function(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
}

#[tokio::test]
async fn stop_gets_through_beside_hundreds_of_running_calls() {
    let core = Core::start(BINARY, Mode::Tls).await.unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..500 {
        let mut client = core.client();
        calls.spawn(async move {
            let type_name = "slow".to_owned();
            let request = tfplugin5::pb::read_resource::Request { type_name, ..Default::default() };
            client.read_resource(request).await.is_ok()
        });
    }
    let stop = core.client();
    let stop = async move { { stop }.stop(stop::Request {}).await };
    let answer = patiently("stop", stop).await;
    assert_eq!(answer.unwrap().into_inner().error, "");
    assert!(core.shutdown().await.unwrap().success());
}
