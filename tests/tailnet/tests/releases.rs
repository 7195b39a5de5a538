//! The client of Headscale by releases: each is asked for what its description has and for nothing else;
//! another one, or one that lacks something, is named.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{sync::Arc, time::Duration};

use remote::{Fake, fake::Reply};
use tailnet::{
    ApiKeys, Control, DeviceChange, Direct, Error, Expected, Headscale, KeySpec, KeyStatus, Program, Release,
};
use tailnet_tests::DescribedHeadscale;

const POLICY: &str = r#"{"acls": []}"#;

fn client(server: &DescribedHeadscale) -> Headscale {
    Headscale::new(Arc::new(Direct::new(&server.url())), ApiKeys::Given("hskey-api-test".into()))
}

fn spec() -> KeySpec {
    KeySpec { tags: vec!["tag:prod".into()], expiry: Duration::from_secs(600), ..KeySpec::default() }
}

/// Everything that a Headscale is asked for, but what only some releases have.
async fn everything(control: &Headscale) {
    assert_eq!(control.policy().await.unwrap(), None);
    let set = control.set_policy(POLICY, &Expected::Untouched).await.unwrap();
    control.reset_policy(&Expected::Version(set.version)).await.unwrap();
    let made = control.create_key(&spec()).await.unwrap();
    let users = KeySpec { user: Some("ops".into()), tags: vec![], ..spec() };
    control.create_key(&users).await.unwrap();
    assert_eq!(control.key(&made.info.id).await.unwrap().unwrap().status, KeyStatus::Usable);
    control.revoke_key(&made.info.id).await.unwrap();
    assert_eq!(control.key(&made.info.id).await.unwrap().unwrap().status, KeyStatus::Expired);
    assert_eq!(control.key("99").await.unwrap(), None);
    assert_eq!(control.devices().await.unwrap().len(), 1);
    for change in [
        DeviceChange::Tags(vec!["tag:prod".into()]),
        DeviceChange::Name("db".into()),
        DeviceChange::ApprovedRoutes(vec!["10.0.0.0/16".into()]),
    ] {
        control.change_device("7", &change).await.unwrap();
    }
    let device = control.device("7").await.unwrap().unwrap();
    assert_eq!(
        (device.name.as_str(), device.tags, device.approved_routes),
        ("db", vec!["tag:prod".into()], vec!["10.0.0.0/16".into()])
    );
    control.remove_device("7").await.unwrap();
}

#[tokio::test]
async fn a_headscale_of_0_28_is_asked_for_what_it_has() {
    let server = DescribedHeadscale::start("0.28");
    let control = client(&server);
    assert_eq!(control.release().await.unwrap(), Release::V28);
    // It would have to take a policy to check it, and end the key of a machine that is to have none.
    assert!(control.check_policy(POLICY).await.unwrap().is_fine());
    let error = control.change_device("7", &DeviceChange::KeyExpiryDisabled(true)).await.unwrap_err();
    assert!(error.to_string().contains("Headscale 0.28 cannot"), "{error}");
    assert!(!server.asked().iter().any(|line| line.contains("check") || line.contains("expire")));
    everything(&control).await;
}

#[tokio::test]
async fn a_headscale_of_0_29_is_asked_for_what_it_has() {
    let server = DescribedHeadscale::start("0.29");
    let control = client(&server);
    assert_eq!(control.release().await.unwrap(), Release::V29);
    assert!(control.check_policy(POLICY).await.unwrap().is_fine());
    control.change_device("7", &DeviceChange::KeyExpiryDisabled(true)).await.unwrap();
    everything(&control).await;
}

#[tokio::test]
async fn any_other_version_is_named_and_asked_for_nothing() {
    let server = DescribedHeadscale::start("0.30");
    for version in ["v0.30.0", "v0.27.1", "v0.31.0-beta.1", "v1.0.0"] {
        server.call_itself(version);
        let control = client(&server);
        for error in [
            control.policy().await.map(drop).unwrap_err(),
            control.create_key(&spec()).await.map(drop).unwrap_err(),
            control.remove_device("7").await.unwrap_err(),
        ] {
            assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
            let told = error.to_string();
            assert!(told.contains(version) && told.contains("0.28 and 0.29 are supported"), "{told}");
        }
    }
    assert!(server.asked().iter().all(|line| line == "GET /version"), "{:?}", server.asked());
}

/// What 0.30 does otherwise is known before it is there: this fails when its description loses what the
/// client of today asks for, which has to be looked at before it is let in.
#[tokio::test]
async fn a_headscale_of_0_30_would_be_asked_for_what_it_has() {
    let server = DescribedHeadscale::start("0.30");
    server.call_itself("v0.29.9");
    let control = client(&server);
    assert_eq!(control.policy().await.unwrap(), None);
    everything(&control).await;
    // Of status 404 by then, as a problem of RFC 7807.
    assert_eq!(control.device("7").await.unwrap(), None);
    control.remove_device("7").await.unwrap();
}

#[tokio::test]
async fn an_operation_that_is_missing_is_named() {
    let server = DescribedHeadscale::start("0.29");
    for line in [
        "GET /api/v1/policy",
        "POST /api/v1/policy/check",
        "POST /api/v1/preauthkey",
        "GET /api/v1/node",
        "DELETE /api/v1/node/{nodeId}",
    ] {
        server.forget(line);
    }
    let control = client(&server);
    for (error, line) in [
        (control.policy().await.map(drop).unwrap_err(), "GET /api/v1/policy"),
        (control.check_policy(POLICY).await.map(drop).unwrap_err(), "POST /api/v1/policy/check"),
        (control.create_key(&spec()).await.map(drop).unwrap_err(), "POST /api/v1/preauthkey"),
        (control.devices().await.map(drop).unwrap_err(), "GET /api/v1/node"),
        (control.remove_device("7").await.unwrap_err(), "DELETE /api/v1/node/7"),
    ] {
        let told = error.to_string();
        assert!(
            matches!(error, Error::Unsupported { .. }) && told.contains(&format!("has no {line}")),
            "{told}"
        );
    }
}

#[tokio::test]
async fn a_key_that_is_made_is_given_back_and_what_killed_runs_have_left_goes() {
    let server = DescribedHeadscale::start("0.29");
    let host = Fake::new("vpn");
    let words = ["headscale", "apikeys", "create", "--expiration", "10m", "--output", "json"];
    host.expect(words, Reply::ok("\"hskey-api-abcdefghijkl-made\"\n"));
    let later = "2126-01-01T00:00:00Z";
    server.add_api_key("hskey-api-abcdefghijkl-***", "2126-01-01T00:00:00Z", later);
    server.add_api_key("killed000000", "2026-01-01T00:00:00Z", "2026-01-01T00:10:00Z");
    server.add_api_key("somebodys000", "2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z");
    let program = Program::on(Arc::new(host));
    let control = Headscale::new(Arc::new(Direct::new(&server.url())), ApiKeys::made_by(program));
    assert_eq!(control.devices().await.unwrap().len(), 1);
    let prefixes = || -> Vec<String> { server.api_keys().into_iter().map(|(prefix, _)| prefix).collect() };
    assert_eq!(prefixes(), ["hskey-api-abcdefghijkl-***", "somebodys000"], "only what is worthless and ours");
    server.add_api_key("abcdefghijkl", "2126-01-01T00:00:00Z", later);
    control.close().await;
    let ended = server.api_keys().into_iter().find(|(prefix, _)| prefix == "abcdefghijkl").unwrap();
    assert_eq!(ended.1, "now");
}
