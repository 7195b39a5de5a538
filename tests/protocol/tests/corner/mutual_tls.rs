//! Who may use the provider: only the holder of the key of the one announced certificate.

use crate::{BINARY, answers};
use protocol_tests::{ClientIdentity, Core, Handshake, Launch, Mode, connect};
use remote::conformance::patiently;
use tfplugin5::pb::provider_client::ProviderClient;

/// A provider that logs why it refuses somebody.
async fn start() -> Core {
    let launch = Launch::new(BINARY, Mode::Tls).unwrap();
    launch.env("TF_LOG", "WARN").start().await.unwrap()
}

/// Whether a client with `identity` gets an answer from `core`'s provider.
async fn admitted(core: &Core, identity: Option<&ClientIdentity>) -> bool {
    match connect(core.handshake(), identity).await {
        Err(_) => false,
        Ok(channel) => {
            let call = answers(ProviderClient::new(channel));
            patiently("the answer", call).await.is_ok()
        }
    }
}

/// Asserts that `identity` is refused for `reason`, while the real core is still served.
async fn assert_refused(mut core: Core, identity: Option<&ClientIdentity>, reason: &str) {
    assert!(!admitted(&core, identity).await);
    assert_eq!(answers(core.client()).await, Ok(()));
    assert!(core.end().await.unwrap().success());
    let log = core.stderr().join("\n");
    assert!(log.contains("refused a plugin connection") && log.contains(reason), "{log}");
}

#[tokio::test]
async fn the_announced_client_is_admitted_more_than_once() {
    let mut core = start().await;
    assert!(admitted(&core, core.identity()).await);
    assert!(admitted(&core, core.identity()).await);
    assert!(core.end().await.unwrap().success());
    assert_eq!(core.stderr(), [""; 0]);
}

#[tokio::test]
async fn a_client_without_a_certificate_is_refused() {
    assert_refused(start().await, None, "no certificates").await;
}

#[tokio::test]
async fn a_client_with_another_certificate_is_refused() {
    let other = ClientIdentity::generate().unwrap();
    assert_refused(start().await, Some(&other), "UnknownIssuer").await;
}

#[tokio::test]
async fn the_right_key_in_another_certificate_is_refused() {
    let core = start().await;
    let reissued = core.identity().unwrap().reissued().unwrap();
    assert_refused(core, Some(&reissued), "UnknownIssuer").await;
}

#[tokio::test]
async fn the_right_certificate_without_its_key_is_refused() {
    let core = start().await;
    let other = ClientIdentity::generate().unwrap();
    let stolen = core.identity().unwrap().with_key_of(&other);
    assert_refused(core, Some(&stolen), "BadSignature").await;
}

#[tokio::test]
async fn a_client_that_does_not_encrypt_is_refused() {
    let core = start().await;
    let plain = Handshake { certificate: None, ..core.handshake().clone() };
    let answer = match connect(&plain, None).await {
        Ok(channel) => answers(ProviderClient::new(channel)).await.is_ok(),
        Err(_) => false,
    };
    assert!(!answer);
}

#[tokio::test]
async fn a_client_that_says_nothing_is_in_nobodys_way() {
    let core = start().await;
    let mut silent = Vec::new();
    for _ in 0..32 {
        silent.push(tokio::net::UnixStream::connect(&core.handshake().socket).await.unwrap());
    }
    assert!(admitted(&core, core.identity()).await);
    assert!(core.shutdown().await.unwrap().success());
}
