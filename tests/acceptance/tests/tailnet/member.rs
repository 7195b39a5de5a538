//! `windlass_tailnet_member` over SSH: as root, by sudo, and where systemd runs.

use lab::{Lab, Variant};
use tailnet_tests::HeadscaleServer;

use crate::{Machine, left_behind, workspace};

const MEMBER: &str = "windlass_tailnet_member.web";

const POLICY: &str = r#"{"tagOwners": {"tag:prod": ["ops@"], "tag:db": ["ops@"]},
    "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}"#;

/// Joins, changes and leaves; what may cut the connection runs in such a session.
fn lives(variant: Variant, session: &str) {
    let lab = Lab::current().unwrap();
    let server = HeadscaleServer::start_at(&lab.own_address().unwrap());
    server.set_policy(POLICY);
    let machine = Machine::start(&lab, variant);
    let workspace = workspace(
        &lab,
        &format!(
            "control = \"headscale\"\n    base_url = {:?}\n    api_key = {:?}",
            server.url(),
            server.api_key()
        ),
    );
    let configure = |attributes: &str| {
        workspace.write(
            "member.tf",
            &format!(
                "resource \"windlass_tailnet_member\" \"web\" {{\n  host = {}\n  accept_dns = false\n  {attributes}\n}}\n",
                machine.connection()
            ),
        );
    };
    configure("hostname = \"web\"\n  tags = [\"tag:prod\"]");
    workspace.expect_change(MEMBER, &["create"]);
    workspace.converge();
    let state = workspace.state(MEMBER);
    let node = server.nodes().pop().unwrap();
    assert_eq!((&node["name"], &node["tags"]), (&"web".into(), &serde_json::json!(["tag:prod"])));
    assert_eq!(state["node_id"], node["id"].to_string());
    assert!(state["ipv4"].as_str().unwrap().starts_with("100.64."), "{state}");
    assert_eq!(machine.status()["BackendState"], "Running");
    assert_eq!(machine.calls("up"), [session]);

    // Tailscale SSH may end the connection by which it is switched on.
    configure("hostname = \"db\"\n  tags = [\"tag:db\"]\n  ssh = true");
    workspace.expect_change(MEMBER, &["update"]);
    workspace.converge();
    let node = server.nodes().pop().unwrap();
    assert_eq!((&node["name"], &node["tags"]), (&"db".into(), &serde_json::json!(["tag:db"])));
    assert_eq!(workspace.state(MEMBER)["node_id"], state["node_id"]);
    let prefs: serde_json::Value =
        serde_json::from_str(&machine.shell("/opt/tailscale/tailscale debug prefs")).unwrap();
    assert_eq!(prefs["RunSSH"], true);
    assert_eq!(machine.calls("set"), [session]);
    assert_eq!(server.run(&["preauthkeys", "list"]).as_array().map_or(0, Vec::len), 1, "one key is enough");

    workspace.destroy().expect_success();
    assert_eq!(server.nodes(), Vec::<serde_json::Value>::new());
    assert_eq!(machine.status()["BackendState"], "NeedsLogin");
    assert_eq!(machine.calls("logout"), [session]);
    assert!(machine.calls("status").iter().all(|session| session == "shared"));
    assert_eq!(left_behind(&lab, &machine.host), "");
}

#[test]
fn a_host_of_root_joins_changes_and_leaves() {
    lives(Variant::Root, "own");
}

#[test]
fn a_host_joins_changes_and_leaves_by_sudo() {
    lives(Variant::Sudo, "own");
}

#[test]
fn a_host_with_systemd_joins_changes_and_leaves() {
    lives(Variant::Systemd, "unit");
}
