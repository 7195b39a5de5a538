//! `windlass_tailnet_member`: a real Headscale, and a host with Tailscale's own daemon.

use std::time::Duration;

use protocol_tests::{Resource, Stored};
use tailnet_tests::{HeadscaleServer, Machine};
use tfvalue::Value;

use super::subject::{Subject, error, fine, is_unchanged, make, read, text};

const POLICY: &str = r#"{"tagOwners": {"tag:prod": ["ops@"], "tag:db": ["ops@"]},
    "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}"#;

/// A Headscale that has this policy, and how the provider knows it.
fn server() -> (HeadscaleServer, [(&'static str, Value); 3]) {
    let server = HeadscaleServer::start();
    server.set_policy(POLICY);
    let block = [
        ("control", "headscale".into()),
        ("base_url", server.url().into()),
        ("api_key", server.api_key().into()),
    ];
    (server, block)
}

async fn subject(block: &[(&str, Value)], machine: &Machine) -> Subject {
    let path = format!("{}:{}", machine.program().display(), std::env::var("PATH").unwrap());
    Subject::start(block, [("PATH", path)]).await
}

fn config(resource: &Resource, machine: &Machine, more: &[(&str, Value)]) -> Value {
    let given = [("host", Value::from("local://")), ("socket", machine.socket().to_str().unwrap().into())];
    resource.config(given.into_iter().chain(more.iter().cloned())).unwrap()
}

async fn destroy(resource: &Resource, stored: &Stored) {
    let planned = fine(resource.plan(stored, &Value::Null).await.unwrap());
    assert_eq!(resource.apply(&planned).await.unwrap().problems, []);
}

#[tokio::test]
async fn a_host_joins_changes_and_leaves() {
    let (server, block) = server();
    let machine = Machine::start();
    let subject = subject(&block, &machine).await;
    let member = subject.resource("windlass_tailnet_member").unwrap();
    let ours = |more: &[(&'static str, Value)]| {
        let given = [
            ("hostname", "web".into()),
            ("tags", Value::list_of(["tag:prod"])),
            ("accept_dns", false.into()),
        ];
        config(&member, &machine, &[&given, more].concat())
    };
    let planned = fine(member.plan(&Stored::default(), &ours(&[])).await.unwrap());
    assert_eq!(text(&planned.planned.value, "login_server"), server.url());
    let stored = make(&member, &Stored::default(), &ours(&[])).await;
    let told = text(&stored.value, "node_id").to_owned();
    assert!(
        text(&stored.value, "ipv4").starts_with("100.64.") && text(&stored.value, "name").starts_with("web")
    );
    let node = server.nodes().pop().unwrap();
    assert_eq!((node["id"].to_string(), &node["tags"]), (told, &serde_json::json!(["tag:prod"])));
    let stored = read(&member, &stored).await;
    assert!(is_unchanged(&member, &stored, &ours(&[])).await);
    assert!(!format!("{stored:?}").contains("hskey-auth"), "the key is nowhere");
    assert_eq!(server.run(&["preauthkeys", "list"]).as_array().map_or(0, Vec::len), 1);

    // Another name, other tags, other settings: in place, without another key.
    let routes = Value::list_of(["10.0.0.0/16"]);
    let other = ours(&[
        ("hostname", "db".into()),
        ("tags", Value::list_of(["tag:db"])),
        ("advertise_routes", routes),
    ]);
    let planned = fine(member.plan(&stored, &other).await.unwrap());
    assert!(planned.replace.is_empty());
    let changed = make(&member, &stored, &other).await;
    assert_eq!(changed.value.attribute("node_id"), stored.value.attribute("node_id"));
    let node = server.nodes().pop().unwrap();
    assert_eq!((&node["name"], &node["tags"]), (&"db".into(), &serde_json::json!(["tag:db"])));
    assert_eq!(node["available_routes"], serde_json::json!(["10.0.0.0/16"]));
    let stored = read(&member, &changed).await;
    assert!(is_unchanged(&member, &stored, &other).await);
    assert_eq!(server.run(&["preauthkeys", "list"]).as_array().map_or(0, Vec::len), 1);

    // What somebody changes by hand is repaired, what is not written down is left.
    machine.tailscale(["set", "--accept-dns=true", "--shields-up"]);
    let drifted = read(&member, &stored).await;
    assert!(!is_unchanged(&member, &drifted, &other).await);
    let stored = make(&member, &drifted, &other).await;
    let prefs: serde_json::Value = serde_json::from_str(&machine.tailscale(["debug", "prefs"])).unwrap();
    assert_eq!((&prefs["CorpDNS"], &prefs["ShieldsUp"]), (&false.into(), &true.into()));

    // Somebody takes it down, or logs it out.
    machine.tailscale(["down"]);
    let down = read(&member, &stored).await;
    assert_eq!(text(&down.value, "status"), "stopped");
    let stored = make(&member, &down, &other).await;
    assert_eq!(text(&stored.value, "status"), "connected");
    let prefs: serde_json::Value = serde_json::from_str(&machine.tailscale(["debug", "prefs"])).unwrap();
    assert_eq!(prefs["ShieldsUp"], true, "what is not written down is kept");
    machine.tailscale(["logout"]);
    assert_eq!(member.read(&stored).await.unwrap().stored.value, Value::Null);
    let stored = make(&member, &Stored::default(), &other).await;
    let id = format!("local://|-|{}", machine.socket().display());
    let imported = read(&member, &member.import(&id).await.unwrap().stored).await;
    assert_eq!(text(&imported.value, "status"), "connected");
    assert_eq!(imported.value.attribute("node_id"), stored.value.attribute("node_id"));

    destroy(&member, &stored).await;
    assert_eq!(machine.status()["BackendState"], "NeedsLogin");
    assert_eq!(server.nodes(), Vec::<serde_json::Value>::new());
    assert_eq!(member.read(&stored).await.unwrap().stored.value, Value::Null);
    destroy(&member, &stored).await;
    subject.end().await;
}

#[tokio::test]
async fn a_host_that_somebody_has_joined_needs_no_key_and_keeps_its_settings() {
    let (server, block) = server();
    let key = server.run(&["preauthkeys", "create", "--tags", "tag:prod", "--expiration", "1h"]);
    let machine = Machine::join(&server, key["key"].as_str().unwrap(), "By-Hand", &["--accept-routes"]);
    let subject = subject(&block, &machine).await;
    let member = subject.resource("windlass_tailnet_member").unwrap();
    let plain = config(&member, &machine, &[]);
    let stored = make(&member, &Stored::default(), &plain).await;
    assert_eq!(stored.value.attribute("accept_routes"), Some(&true.into()));
    assert_eq!(
        server.run(&["preauthkeys", "list"]).as_array().map_or(0, Vec::len),
        1,
        "no other key was made"
    );
    let stored = read(&member, &stored).await;
    assert!(is_unchanged(&member, &stored, &plain).await);

    // It is another tailnet's: left alone.
    let (_other, block) = self::server();
    let elsewhere = self::subject(&block, &machine).await;
    let member = elsewhere.resource("windlass_tailnet_member").unwrap();
    let tagged = config(&member, &machine, &[("tags", Value::list_of(["tag:prod"]))]);
    let planned = fine(member.plan(&Stored::default(), &tagged).await.unwrap());
    let told = error(&member.apply(&planned).await.unwrap().problems);
    assert!(told.contains("is a machine of a tailnet at") && told.contains("tailscale logout"), "{told}");
    assert_eq!(machine.status()["BackendState"], "Running");
    elsewhere.end().await;
    subject.end().await;
}

#[tokio::test]
async fn a_host_whose_machine_is_removed_already_leaves() {
    let (server, block) = server();
    let machine = Machine::start();
    let subject = subject(&block, &machine).await;
    let member = subject.resource("windlass_tailnet_member").unwrap();
    let tagged = config(&member, &machine, &[("tags", Value::list_of(["tag:prod"]))]);
    let stored = make(&member, &Stored::default(), &tagged).await;
    // As a windlass_tailnet_device does that goes first.
    server.run(&["nodes", "delete", "--force", "--identifier", text(&stored.value, "node_id")]);
    destroy(&member, &stored).await;
    assert_eq!(member.read(&stored).await.unwrap().stored.value, Value::Null);
    // It joins again as any other.
    let stored = make(&member, &Stored::default(), &tagged).await;
    assert_eq!(machine.status()["BackendState"], "Running");
    destroy(&member, &stored).await;
    subject.end().await;
}

#[tokio::test]
async fn a_host_that_cannot_join_says_why() {
    let (server, block) = server();
    let machine = Machine::start();
    let subject = subject(&block, &machine).await;
    let member = subject.resource("windlass_tailnet_member").unwrap();
    let fails = async |more: &[(&str, Value)]| {
        let planned = fine(member.plan(&Stored::default(), &config(&member, &machine, more)).await.unwrap());
        let reached = member.apply(&planned).await.unwrap();
        assert_eq!(reached.stored.value, Value::Null);
        error(&reached.problems)
    };
    let told = fails(&[]).await;
    assert!(told.contains("Headscale makes keys only for tags") && told.contains("(at tags)"), "{told}");
    let told = fails(&[("auth_key_wo", "hskey-auth-000000000000-hunter2".into())]).await;
    assert!(told.contains("The key is not good (any more)") && !told.contains("hunter2"), "{told}");
    let expired = server.run(&["preauthkeys", "create", "--user", "1", "--expiration", "1s"]);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let told = fails(&[("auth_key_wo", expired["key"].as_str().unwrap().into())]).await;
    assert!(told.contains("The key is not good (any more)"), "{told}");
    assert_eq!(server.nodes(), Vec::<serde_json::Value>::new());
    let left = server.run(&["preauthkeys", "list"]);
    let usable = |key: &&serde_json::Value| key["expiration"]["seconds"].as_i64() > Some(now() + 1);
    assert_eq!(left.as_array().unwrap().iter().filter(usable).count(), 0, "no key is left: {left}");
    subject.end().await;
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}
