//! `windlass_tailnet_device`, the resource.

use protocol_tests::{Resource, Stored};
use serde_json::json;
use tailnet_tests::TailscaleServer;
use tfvalue::Value;

use super::subject::{Subject, error, fine, is_unchanged, make, read, text};

const POLICY: &str = r#"{"tagOwners": {"tag:prod": ["autogroup:admin"], "tag:db": ["autogroup:admin"]}}"#;

fn joined(server: &TailscaleServer, id: &str, name: &str, created: &str, online: bool) {
    server.add_device(json!({
        "nodeId": id, "id": "1", "name": format!("{name}.tail1.ts.net"), "hostname": "web", "addresses": ["100.64.0.1", "fd7a::1"],
        "tags": [], "user": "a@example.org", "authorized": true, "connectedToControl": online, "created": created,
        "expires": "2027-01-01T00:00:00Z", "os": "linux", "isEphemeral": false, "keyExpiryDisabled": false,
        "enabledRoutes": [], "advertisedRoutes": ["10.0.0.0/16", "0.0.0.0/0", "::/0"],
    }));
}

fn server() -> TailscaleServer {
    let server = TailscaleServer::start();
    server.edit_policy(POLICY);
    joined(&server, "nOld", "web", "2026-11-01T00:00:00Z", false);
    joined(&server, "nWeb", "web-1", "2026-11-20T00:00:00Z", true);
    server
}

fn config(resource: &Resource, more: &[(&str, Value)]) -> Value {
    let given =
        [("hostname", Value::from("web")), ("wait_for", "3s".into())].into_iter().chain(more.iter().cloned());
    resource.config(given).unwrap()
}

fn ids(server: &TailscaleServer) -> Vec<String> {
    server.devices().iter().map(|device| device["nodeId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_machine_is_adopted_settled_and_removed() {
    let server = server();
    let subject = Subject::at(&server).await;
    let device = subject.resource("windlass_tailnet_device").unwrap();
    let plain = config(&device, &[]);
    let stored = make(&device, &Stored::default(), &plain).await;
    assert_eq!((text(&stored.value, "id"), text(&stored.value, "name")), ("nWeb", "web-1"));
    assert_eq!(server.asked("POST "), 0, "what is not written down is left alone");
    let stored = read(&device, &stored).await;
    assert!(is_unchanged(&device, &stored, &plain).await);

    let full = config(
        &device,
        &[
            ("name", "frontend".into()),
            ("tags", Value::list_of(["tag:prod"])),
            ("approved_routes", Value::list_of(["10.0.0.0/16"])),
            ("approved_exit_node", true.into()),
        ],
    );
    let stored = make(&device, &stored, &full).await;
    assert_eq!((text(&stored.value, "fqdn"), text(&stored.value, "id")), ("frontend.tail1.ts.net", "nWeb"));
    let told = server.devices().pop().unwrap();
    assert_eq!(told["enabledRoutes"], json!(["0.0.0.0/0", "10.0.0.0/16", "::/0"]));
    assert_eq!(told["tags"], json!(["tag:prod"]));
    let stored = read(&device, &stored).await;
    assert!(is_unchanged(&device, &stored, &full).await);
    let imported = read(&device, &device.import("nWeb").await.unwrap().stored).await;
    assert_eq!(text(&imported.value, "name"), "frontend");

    let asked = server.asked("POST ");
    let kept = config(&device, &[("on_destroy", "keep".into())]);
    let kept = make(&device, &stored, &kept).await;
    assert_eq!(server.asked("POST "), asked, "what is left out stays as it is");
    let planned = fine(device.plan(&kept, &Value::Null).await.unwrap());
    assert_eq!(device.apply(&planned).await.unwrap().problems, []);
    assert_eq!(ids(&server), ["nOld", "nWeb"]);
    let planned = fine(device.plan(&stored, &Value::Null).await.unwrap());
    assert_eq!(device.apply(&planned).await.unwrap().problems, []);
    assert_eq!(ids(&server), ["nOld"]);
    assert_eq!(device.read(&stored).await.unwrap().stored.value, Value::Null);
    subject.end().await;
}

#[tokio::test]
async fn a_machine_that_is_made_anew_is_waited_for_and_takes_the_place_of_the_dead_one() {
    let server = server();
    let subject = Subject::at(&server).await;
    let device = subject.resource("windlass_tailnet_device").unwrap();
    let of = |instance: &str| {
        let tags = ("tags", Value::list_of(["tag:prod"]));
        config(&device, &[("instance", instance.into()), ("name", "frontend".into()), tags])
    };
    let stored = make(&device, &Stored::default(), &of("1")).await;
    let planned = fine(device.plan(&stored, &of("2")).await.unwrap());
    assert_eq!(planned.planned.value.attribute("id"), Some(&Value::Unknown));
    assert!(planned.replace.is_empty(), "it is an update");

    let reached = device.apply(&planned).await.unwrap();
    let told = error(&reached.problems);
    for part in ["has joined after nWeb, which it replaces within 3 s", "Nothing was changed."] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
    assert_eq!(ids(&server), ["nOld", "nWeb"], "the dead one goes only when the new one is there");

    joined(&server, "nNew", "web-2", "2026-11-29T00:00:00Z", true);
    let reached = device.apply(&planned).await.unwrap();
    assert_eq!(reached.problems, []);
    assert_eq!(
        (text(&reached.stored.value, "id"), text(&reached.stored.value, "name")),
        ("nNew", "frontend")
    );
    assert_eq!(ids(&server), ["nOld", "nNew"]);
    let stored = read(&device, &reached.stored).await;
    assert!(is_unchanged(&device, &stored, &of("2")).await);
    subject.end().await;
}

#[tokio::test]
async fn a_refused_setting_is_told_and_tried_again() {
    let server = server();
    let subject = Subject::at(&server).await;
    let device = subject.resource("windlass_tailnet_device").unwrap();
    let ours = config(&device, &[("tags", Value::list_of(["tag:other"]))]);
    let planned = fine(device.plan(&Stored::default(), &ours).await.unwrap());
    let reached = device.apply(&planned).await.unwrap();
    let told = error(&reached.problems);
    for part in ["Could not adopt tailnet device \"web\"", "tagOwners", "may have been changed already"] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
    assert_eq!(reached.stored.value, Value::Null, "a tainted one would remove the machine");
    let other =
        config(&device, &[("tags", Value::list_of(["tag:db"])), ("key_expiry_disabled", false.into())]);
    let problems = device.validate(&other, protocol_tests::CAPABILITIES).await.unwrap();
    assert!(error(&problems).contains("the key of a machine with tags never expires"));
    subject.end().await;
}
