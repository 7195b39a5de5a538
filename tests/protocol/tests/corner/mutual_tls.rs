//! Who may use the provider: only the holder of the key of the one announced certificate.

use std::time::Duration;

use crate::{BINARY, answers};
use protocol_tests::{ClientIdentity, Core, Handshake, Mode, connect};
use tfplugin5::pb::provider_client::ProviderClient;

/// Whether a client with `identity` gets an answer from `core`'s provider.
async fn admitted(core: &Core, identity: Option<&ClientIdentity>) -> bool {
    match connect(core.handshake(), identity).await {
        Err(_) => false,
        Ok(channel) => {
            let call = answers(ProviderClient::new(channel));
            tokio::time::timeout(Duration::from_secs(20), call).await.unwrap().is_ok()
        }
    }
}

#[tokio::test]
async fn the_announced_client_is_admitted_more_than_once() {
    let core = Core::start(BINARY, Mode::Tls).await.unwrap();
    assert!(admitted(&core, core.identity()).await);
    assert!(admitted(&core, core.identity()).await);
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    let core = Core::start(BINARY, Mode::Tls).await.unwrap();
    assert!(!admitted(&core, None).await);
    assert_eq!(answers(core.client()).await, Ok(()));
}

#[tokio::test]
async fn a_client_with_another_certificate_is_refused() {
    let core = Core::start(BINARY, Mode::Tls).await.unwrap();
    let other = ClientIdentity::generate().unwrap();
    assert!(!admitted(&core, Some(&other)).await);
}

#[tokio::test]
async fn the_right_key_in_another_certificate_is_refused() {
    let core = Core::start(BINARY, Mode::Tls).await.unwrap();
    let reissued = core.identity().unwrap().reissued().unwrap();
    assert!(!admitted(&core, Some(&reissued)).await);
}

#[tokio::test]
async fn the_right_certificate_without_its_key_is_refused() {
    let core = Core::start(BINARY, Mode::Tls).await.unwrap();
    let other = ClientIdentity::generate().unwrap();
    let stolen = core.identity().unwrap().with_key_of(&other);
    assert!(!admitted(&core, Some(&stolen)).await);
    assert_eq!(answers(core.client()).await, Ok(()));
}

#[tokio::test]
async fn a_client_that_does_not_encrypt_is_refused() {
    let core = Core::start(BINARY, Mode::Tls).await.unwrap();
    let plain = Handshake { certificate: None, ..core.handshake().clone() };
    let channel = connect(&plain, None).await;
    let answer = match channel {
        Ok(channel) => answers(ProviderClient::new(channel)).await.is_ok(),
        Err(_) => false,
    };
    assert!(!answer);
}

#[tokio::test]
async fn a_client_that_says_nothing_is_in_nobodys_way() {
    let core = Core::start(BINARY, Mode::Tls).await.unwrap();
    let mut silent = Vec::new();
    for _ in 0..32 {
        silent.push(tokio::net::UnixStream::connect(&core.handshake().socket).await.unwrap());
    }
    assert!(admitted(&core, core.identity()).await);
    assert!(core.shutdown().await.unwrap().success());
}

#[tokio::test]
async fn refusals_are_logged() {
    let launch = protocol_tests::Launch::new(BINARY, Mode::Tls).unwrap();
    let mut core = launch.env("TF_LOG", "WARN").start().await.unwrap();
    assert!(!admitted(&core, None).await);
    assert!(core.end().await.unwrap().success());
    let said = core.stderr().join("\n");
    assert!(said.contains("refused a plugin connection"), "{said}");
}
