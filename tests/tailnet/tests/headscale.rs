//! The client of Headscale against a real one.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{sync::Arc, time::Duration};

use remote::{Executor, Local};
use tailnet::{
    ApiKeys, Control, DeviceChange, Direct, Error, Expected, Headscale, KeySpec, KeyStatus, Release, Through,
};
use tailnet_tests::{HeadscaleServer, Machine};

const POLICY: &str =
    "// Ours.\n{\n  \"acls\": [{\"action\": \"accept\", \"src\": [\"ops@\"], \"dst\": [\"*:*\"]}],\n}\n";

#[tokio::test]
async fn a_real_headscale_keeps_policy_and_keys() {
    keeps_policy_and_keys(&HeadscaleServer::start(), Release::V29).await;
}

#[tokio::test]
async fn a_real_headscale_of_the_release_before_keeps_policy_and_keys() {
    keeps_policy_and_keys(&HeadscaleServer::start_older(), Release::V28).await;
}

async fn keeps_policy_and_keys(server: &HeadscaleServer, release: Release) {
    let key = server.api_key();
    // Once as from here, once as through a host.
    let direct = Headscale::new(Arc::new(Direct::new(server.url())), ApiKeys::Given(key.as_str().into()));
    let local: Arc<dyn Executor> = Arc::new(Local::default());
    let through =
        Headscale::new(Arc::new(Through::new(local, server.url())), ApiKeys::Given(key.as_str().into()));
    assert_eq!(through.release().await.unwrap(), release);

    policy(&direct, &through).await;
    keys(&through).await;
    assert_eq!(direct.devices().await.unwrap(), []);

    let wrong =
        Headscale::new(Arc::new(Direct::new(server.url())), ApiKeys::Given("hskey-api-hunter2".into()));
    let error = wrong.devices().await.unwrap_err();
    assert!(
        matches!(&error, Error::Credentials { answered, .. } if answered.message == "Unauthorized"),
        "{error:?}"
    );
}

async fn policy(one: &Headscale, other: &Headscale) {
    assert_eq!(one.policy().await.unwrap(), None, "nobody has written one");
    let set = one.set_policy(POLICY, &Expected::Untouched).await.unwrap();
    assert_eq!(other.policy().await.unwrap().unwrap(), set);
    assert_eq!(set.text, POLICY, "comments are kept");

    let refused = one.set_policy("{\"acls\": []}", &Expected::Untouched).await.unwrap_err();
    assert!(matches!(&refused, Error::Conflict { current: Some(current), .. } if current.text == POLICY));
    let theirs = other.set_policy("{\"acls\": []}", &Expected::Version(set.version.clone())).await.unwrap();
    let refused = one.set_policy(POLICY, &Expected::Version(set.version)).await.unwrap_err();
    assert!(matches!(&refused, Error::Conflict { .. }), "{refused:?}");
    // What is there already is no conflict: an answer may have been lost.
    one.set_policy("{\"acls\": []}", &Expected::Untouched).await.unwrap();

    assert!(one.check_policy(POLICY).await.unwrap().is_fine());
    // The older one checks nothing beforehand, and takes only what it can read.
    let unknown = "{\"acls\": [], \"nothing\": 1}";
    let said = match one.release().await.unwrap() {
        Release::V28 => {
            let refused =
                one.set_policy(unknown, &Expected::Version(theirs.version.clone())).await.unwrap_err();
            refused.answered().unwrap().words()
        }
        Release::V29 => one.check_policy(unknown).await.unwrap().errors[0].clone(),
    };
    assert!(said.contains("nothing"), "{said}");
    one.reset_policy(&Expected::Version(theirs.version)).await.unwrap();
    assert!(one.policy().await.unwrap().unwrap().text.contains("everybody reaches everything"));
}

async fn keys(control: &Headscale) {
    let spec = KeySpec { user: Some("ops".into()), expiry: Duration::from_secs(600), ..KeySpec::default() };
    let key = control.create_key(&spec).await.unwrap();
    assert!(key.secret.expose().starts_with("hskey-auth-"));
    let status = async |id: &str| control.key(id).await.unwrap().map(|info| info.status);
    assert_eq!(status(&key.info.id).await, Some(KeyStatus::Usable));
    control.revoke_key(&key.info.id).await.unwrap();
    assert_eq!(status(&key.info.id).await, Some(KeyStatus::Expired));
    control.revoke_key(&key.info.id).await.unwrap();
    assert_eq!(status("4711").await, None);

    let tagged = KeySpec { user: None, tags: vec!["tag:prod".into()], ..spec.clone() };
    assert!(control.create_key(&tagged).await.is_ok());
    let nobody = KeySpec { user: Some("nobody".into()), ..spec };
    let error = control.create_key(&nobody).await.unwrap_err().to_string();
    assert!(error.starts_with("there is no user \"nobody\""), "{error}");
}

#[tokio::test]
async fn a_real_machine_is_seen_settled_and_removed() {
    is_seen_settled_and_removed(&HeadscaleServer::start(), Release::V29).await;
}

#[tokio::test]
async fn a_real_machine_is_seen_settled_and_removed_by_the_release_before() {
    is_seen_settled_and_removed(&HeadscaleServer::start_older(), Release::V28).await;
}

async fn is_seen_settled_and_removed(server: &HeadscaleServer, release: Release) {
    let key = server.api_key();
    let control = Headscale::new(Arc::new(Direct::new(server.url())), ApiKeys::Given(key.as_str().into()));
    let policy = "{\"tagOwners\": {\"tag:prod\": [\"ops@\"], \"tag:db\": [\"ops@\"]}}";
    control.set_policy(policy, &Expected::Untouched).await.unwrap();
    let spec = KeySpec { user: Some("ops".into()), expiry: Duration::from_secs(600), ..KeySpec::default() };
    let key = control.create_key(&spec).await.unwrap();
    let routes = "--advertise-routes=10.1.0.0/16,0.0.0.0/0,::/0";
    let machine = Machine::join(server, key.secret.expose(), "Web-One", &[routes]);
    assert_eq!(control.key(&key.info.id).await.unwrap().unwrap().status, KeyStatus::Spent);

    let [device] = control.devices().await.unwrap().try_into().unwrap();
    assert_eq!((device.name.as_str(), device.online, device.user.as_str()), ("web-one", true, "ops"));
    assert!(device.ipv4().is_some_and(|address| address.starts_with("100.64.")), "{device:?}");
    assert_eq!(control.device(&device.id).await.unwrap().unwrap(), device);
    let changed = async |change: DeviceChange| {
        control.change_device(&device.id, &change).await.unwrap();
        control.device(&device.id).await.unwrap().unwrap()
    };
    if release == Release::V29 {
        assert!(changed(DeviceChange::KeyExpiryDisabled(true)).await.key_expiry_disabled);
    }
    // The older one knows no key that never ends; the newer one only on its way in.
    let change = DeviceChange::KeyExpiryDisabled(release == Release::V28);
    let refused = control.change_device(&device.id, &change).await.unwrap_err();
    assert!(matches!(refused, Error::Unsupported { .. }), "{refused:?}");
    assert_eq!(changed(DeviceChange::Tags(vec!["tag:prod".into()])).await.tags, ["tag:prod"]);
    assert_eq!(changed(DeviceChange::Name("frontend".into())).await.name, "frontend");
    let wanted: Vec<String> = ["0.0.0.0/0", "10.1.0.0/16", "::/0"].map(str::to_owned).to_vec();
    let approved = changed(DeviceChange::ApprovedRoutes(wanted.clone())).await;
    assert_eq!((&approved.approved_routes, &approved.routes), (&wanted, &wanted));
    let unknown = DeviceChange::Tags(vec!["tag:nobody".into()]);
    let refused = control.change_device(&device.id, &unknown).await.unwrap_err();
    assert!(refused.answered().is_some_and(|answered| answered.words().contains("tag")), "{refused:?}");

    control.remove_device(&device.id).await.unwrap();
    assert_eq!(control.device(&device.id).await.unwrap(), None);
    control.remove_device(&device.id).await.unwrap();
    drop(machine);
}
