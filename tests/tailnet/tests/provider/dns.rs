//! `windlass_tailnet_dns`, `windlass_tailnet_settings` and `windlass_tailnet_dns_records`.

use std::{fs, path::Path};

use protocol_tests::{Resource, Stored, values};
use serde_json::{Value as Json, json};
use tailnet_tests::{HeadscaleServer, TailscaleServer};
use tfvalue::Value;

use super::subject::{Subject, error, fine, is_unchanged, make, read};

const SPLIT: &str = "/api/v2/tailnet/-/dns/split-dns";
const SERVERS: &str = "/api/v2/tailnet/-/dns/nameservers";
const SETTINGS: &str = "/api/v2/tailnet/-/settings";

fn domain(name: &str, server: &str) -> (&'static str, Value) {
    ("split_dns", Value::map_of([(name, Value::list_of([server]))]))
}

#[tokio::test]
async fn two_configurations_own_different_domains_and_do_not_fight() {
    let server = TailscaleServer::start();
    let subject = Subject::at(&server).await;
    let dns = subject.resource("windlass_tailnet_dns").unwrap();
    let (one, other) = (
        dns.config([domain("a.example.org", "10.0.0.1"), ("on_destroy", "reset".into())]).unwrap(),
        dns.config([domain("b.example.org", "10.0.0.2"), ("search_paths", Value::list_of(["example.org"]))])
            .unwrap(),
    );
    let first = make(&dns, &Stored::default(), &one).await;
    let second = make(&dns, &Stored::default(), &other).await;
    let (first, second) = (read(&dns, &first).await, read(&dns, &second).await);
    assert!(is_unchanged(&dns, &first, &one).await && is_unchanged(&dns, &second, &other).await);
    let both = json!({"a.example.org": ["10.0.0.1"], "b.example.org": ["10.0.0.2"]});
    assert_eq!(server.by_somebody_else("GET", SPLIT, &Json::Null), both);

    // A domain of ours that somebody has taken away comes back.
    server.by_somebody_else("PATCH", SPLIT, &json!({"a.example.org": null}));
    let first = read(&dns, &first).await;
    assert!(!is_unchanged(&dns, &first, &one).await);
    let first = make(&dns, &first, &one).await;
    assert_eq!(server.by_somebody_else("GET", SPLIT, &Json::Null), both);

    let planned = fine(dns.plan(&first, &Value::Null).await.unwrap());
    assert_eq!(dns.apply(&planned).await.unwrap().problems, []);
    assert_eq!(server.by_somebody_else("GET", SPLIT, &Json::Null), json!({"b.example.org": ["10.0.0.2"]}));
    let planned = fine(dns.plan(&second, &Value::Null).await.unwrap());
    assert!(planned.problems[0].says("The DNS settings stay in force"), "{:?}", planned.problems);
    subject.end().await;
}

#[tokio::test]
async fn what_somebody_else_has_set_is_not_overwritten_unseen() {
    let server = TailscaleServer::start();
    server.by_somebody_else("POST", SERVERS, &json!({"dns": ["1.1.1.1"]}));
    let subject = Subject::at(&server).await;
    let dns = subject.resource("windlass_tailnet_dns").unwrap();
    let ours = |server: &str, adopts: bool| {
        let given = [("nameservers", Value::list_of([server])), ("adopt_existing", adopts.into())];
        dns.config(given).unwrap()
    };
    let planned = fine(dns.plan(&Stored::default(), &ours("9.9.9.9", false)).await.unwrap());
    let told = error(&dns.apply(&planned).await.unwrap().problems);
    assert!(
        told.contains("did not make:\nnameservers: 1.1.1.1") && told.contains("adopt_existing = true"),
        "{told}"
    );
    let stored = make(&dns, &Stored::default(), &ours("9.9.9.9", true)).await;
    let planned = fine(dns.plan(&stored, &ours("8.8.8.8", true)).await.unwrap());
    server.by_somebody_else("POST", SERVERS, &json!({"dns": ["1.0.0.1"]}));
    let told = error(&dns.apply(&planned).await.unwrap().problems);
    assert!(told.contains("since the plan:\nnameservers: 1.0.0.1"), "{told}");
    let stored = read(&dns, &stored).await;
    make(&dns, &stored, &ours("8.8.8.8", true)).await;
    assert_eq!(server.by_somebody_else("GET", SERVERS, &Json::Null), json!({"dns": ["8.8.8.8"]}));
    subject.end().await;
}

#[tokio::test]
async fn only_the_settings_that_are_written_down_are_changed() {
    let server = TailscaleServer::start();
    let subject = Subject::at(&server).await;
    let settings = subject.resource("windlass_tailnet_settings").unwrap();
    let (one, other) = (
        settings.config([("https_enabled", true)]).unwrap(),
        settings.config([("devices_key_duration_days", 30_u64)]).unwrap(),
    );
    let first = make(&settings, &Stored::default(), &one).await;
    let second = make(&settings, &Stored::default(), &other).await;
    let (first, second) = (read(&settings, &first).await, read(&settings, &second).await);
    assert!(is_unchanged(&settings, &first, &one).await && is_unchanged(&settings, &second, &other).await);
    let patches: Vec<String> = server
        .requests()
        .into_iter()
        .filter(|request| request.method == "PATCH")
        .map(|request| request.body)
        .collect();
    assert_eq!(patches, [r#"{"httpsEnabled":true}"#, r#"{"devicesKeyDurationDays":30}"#]);
    server.by_somebody_else("PATCH", SETTINGS, &json!({"httpsEnabled": false}));
    let first = read(&settings, &first).await;
    let first = make(&settings, &first, &one).await;
    let planned = fine(settings.plan(&first, &Value::Null).await.unwrap());
    assert_eq!(settings.apply(&planned).await.unwrap().problems, []);
    assert_eq!(server.by_somebody_else("GET", SETTINGS, &Json::Null)["httpsEnabled"], true, "they stay");
    subject.end().await;
}

#[tokio::test]
async fn what_headscale_has_not_is_said_by_the_plan() {
    let server = HeadscaleServer::start();
    let block = [
        ("control", Value::from("headscale")),
        ("base_url", server.url().into()),
        ("api_key", server.api_key().as_str().into()),
    ];
    let subject = Subject::start(&block, []).await;
    for (name, instead) in [
        ("windlass_tailnet_dns", "windlass_tailnet_dns_records"),
        ("windlass_tailnet_settings", "is in its configuration"),
    ] {
        let resource = subject.resource(name).unwrap();
        let config = resource.config::<&str, Value>([]).unwrap();
        let told = error(&resource.plan(&Stored::default(), &config).await.unwrap().problems);
        assert!(
            told.contains("Headscale, which has no interface for that") && told.contains(instead),
            "{told}"
        );
    }
    subject.end().await;
}

/// The records of a Headscale on this machine.
fn records(resource: &Resource, path: &Path, all: &[[&str; 3]]) -> Value {
    let nested = resource.block.block_types.iter().find(|nested| nested.type_name == "record").unwrap();
    let record = |[name, kind, value]: &[&str; 3]| {
        let given = [("name", Value::from(*name)), ("type", (*kind).into()), ("value", (*value).into())];
        values::config(nested.block.as_ref().unwrap(), given).unwrap()
    };
    let given = [
        ("host", "local://".into()),
        ("path", path.to_str().unwrap().into()),
        ("record", Value::list_of(all.iter().map(record))),
    ];
    resource.config(given).unwrap()
}

#[tokio::test]
async fn records_are_written_in_order_and_leave_an_empty_list_behind() {
    let (server, folder) = (TailscaleServer::start(), tempfile::tempdir().unwrap());
    let path = folder.path().join("records.json");
    let said = || serde_json::from_str::<Json>(&fs::read_to_string(&path).unwrap()).unwrap();
    let subject = Subject::at(&server).await;
    let dns = subject.resource("windlass_tailnet_dns_records").unwrap();
    let [b, a] = [["b.example.org", "A", "100.64.0.2"], ["a.example.org", "AAAA", "fd7a::1"]];
    let stored = make(&dns, &Stored::default(), &records(&dns, &path, &[b, a])).await;
    let both = json!([
        {"name": "a.example.org", "type": "AAAA", "value": "fd7a::1"},
        {"name": "b.example.org", "type": "A", "value": "100.64.0.2"},
    ]);
    assert_eq!(said(), both);
    let stored = read(&dns, &stored).await;
    // A core has sets in an order of its own.
    let config = records(&dns, &path, &[a, b]);
    assert!(is_unchanged(&dns, &stored, &config).await);

    // What somebody has written there shows, and goes.
    fs::write(&path, "[]").unwrap();
    let stored = read(&dns, &stored).await;
    assert!(!is_unchanged(&dns, &stored, &config).await);
    let stored = make(&dns, &stored, &config).await;
    assert_eq!(said(), both);

    let planned = fine(dns.plan(&stored, &Value::Null).await.unwrap());
    assert_eq!(dns.apply(&planned).await.unwrap().problems, []);
    assert_eq!(said(), json!([]), "Headscale does not start without the file");
    subject.end().await;
}

#[tokio::test]
async fn a_file_of_records_that_somebody_else_keeps_is_not_overwritten() {
    let (server, folder) = (TailscaleServer::start(), tempfile::tempdir().unwrap());
    let path = folder.path().join("records.json");
    let theirs = r#"[{"name": "c.example.org", "type": "A", "value": "100.64.0.3"}]"#;
    fs::write(&path, theirs).unwrap();
    let subject = Subject::at(&server).await;
    let dns = subject.resource("windlass_tailnet_dns_records").unwrap();
    let config = records(&dns, &path, &[["a.example.org", "A", "100.64.0.1"]]);
    let planned = fine(dns.plan(&Stored::default(), &config).await.unwrap());
    let warned: String =
        planned.problems.iter().map(|one| format!("{}\n{}", one.summary, one.detail)).collect();
    assert!(warned.contains("as things are") && warned.contains("import"), "{warned}");
    let told = error(&dns.apply(&planned).await.unwrap().problems);
    assert!(told.contains("records.json") && told.contains("import"), "{told}");
    assert_eq!(fs::read_to_string(&path).unwrap(), theirs);
    subject.end().await;
}
