//! `windlass_tailnet_devices` and `windlass_tailnet_device`.

use serde_json::json;
use tailnet_tests::TailscaleServer;
use tfvalue::Value;

use super::subject::{Subject, error, text};

fn add(server: &TailscaleServer, id: &str, name: &str, tags: &[&str], online: bool) {
    server.add_device(json!({
        "nodeId": id, "id": "1", "name": format!("{name}.tail1.ts.net"), "hostname": "web", "addresses": ["100.64.0.1", "fd7a::1"],
        "tags": tags, "user": "a@example.org", "authorized": true, "connectedToControl": online,
        "lastSeen": if online { serde_json::Value::Null } else { "2026-11-02T00:00:00Z".into() },
        "created": "2026-11-01T00:00:00Z", "expires": "0001-01-01T00:00:00Z", "os": "linux", "isEphemeral": false,
    }));
}

#[tokio::test]
async fn machines_are_found_by_what_is_known_of_them() {
    let server = TailscaleServer::start();
    add(&server, "nOld", "web", &["tag:prod"], false);
    add(&server, "nNew", "web-1", &["tag:prod"], true);
    add(&server, "nLaptop", "laptop", &[], true);
    let subject = Subject::at(&server).await;
    let devices = subject.data_source("windlass_tailnet_devices").unwrap();
    let ids = async |given: &[(&str, Value)]| {
        let config = devices.config(given.iter().cloned()).unwrap();
        let (value, problems) = subject.read_data_source(&devices, &config).await.unwrap();
        assert_eq!(problems, []);
        let Some(Value::List(all)) = value.attribute("devices").cloned() else { panic!("{value:?}") };
        all.iter().map(|device| text(device, "id").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&[]).await, ["nLaptop", "nOld", "nNew"]);
    assert_eq!(ids(&[("tags", Value::list_of(["tag:prod"]))]).await, ["nOld", "nNew"]);
    assert_eq!(ids(&[("online", true.into()), ("hostname", "web".into())]).await, ["nLaptop", "nNew"]);

    let device = subject.data_source("windlass_tailnet_device").unwrap();
    let read = async |given: &[(&str, Value)]| {
        let config = device.config(given.iter().cloned()).unwrap();
        subject.read_data_source(&device, &config).await.unwrap()
    };
    let prod = ("tags", Value::list_of(["tag:prod"]));
    let (_, problems) = read(&[("hostname", "web".into()), prod.clone()]).await;
    let told = error(&problems);
    assert!(
        told.contains("web (id nOld, last seen 2026-11-02T00:00:00Z), web-1 (id nNew, connected)"),
        "{told}"
    );
    let (found, problems) = read(&[("hostname", "web".into()), prod, ("wait_for", "5s".into())]).await;
    assert_eq!(problems, [], "only one of them lives");
    let found = found.attribute("device").unwrap();
    assert_eq!((text(found, "id"), text(found, "ipv4")), ("nNew", "100.64.0.1"));
    let (_, problems) = read(&[("name", "db".into())]).await;
    assert!(error(&problems).contains("The tailnet has no such machine. It has: laptop, web, web-1."));
    subject.end().await;
}
