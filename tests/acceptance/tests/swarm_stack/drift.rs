//! What somebody changes by hand.

use lab::Lab;

use crate::swarm::{DEPLOY, STACK, Swarm};

#[test]
fn what_was_changed_by_hand_is_seen_and_repaired() {
    let lab = Lab::current().unwrap();
    let swarm = Swarm::new(&lab);
    let file = ["a", "b"].map(|name| swarm.service(name, "exec sleep 1000000", DEPLOY)).concat();
    let file = format!("services:\n{file}");
    swarm.stack(&file, "");
    swarm.workspace.converge();
    let service = |name: &str| format!("{}_{name}", swarm.name);
    let differs = |service: &str, field: &str| {
        let change = swarm.workspace.expect_change(STACK, &["update"]);
        let value = |values: &serde_json::Value| values["services"][service][field].clone();
        assert_ne!(value(&change.before), value(&change.after), "{service} {field}");
        value(&change.before)
    };

    swarm.asks(&["service", "scale", "--detach", &format!("{}=3", service("a"))]);
    assert_eq!(differs("a", "replicas"), 3);
    swarm.stack(&file, "keep_replicas = [\"a\"]");
    swarm.workspace.converge();
    assert_eq!(swarm.shown("a")["replicas"], 3);
    swarm.stack(&file, "");
    swarm.workspace.converge();
    assert_eq!(swarm.shown("a")["replicas"], 1);

    swarm.asks(&["service", "update", "--detach", "--env-add", "X=1", &service("a")]);
    assert_eq!(differs("a", "config_hash"), "changed");
    let before = swarm.versions();
    swarm.workspace.converge();
    assert_eq!(before[&service("b")], swarm.versions()[&service("b")]);

    let health = ["--health-cmd", "true", "--health-interval", "1s"];
    swarm.asks(&[&["service", "update", "--detach"], &health[..], &[&service("b")]].concat());
    assert_eq!(differs("b", "config_hash"), "changed");

    swarm.asks(&["service", "rm", &service("b")]);
    let change = swarm.workspace.expect_change(STACK, &["update"]);
    assert!(change.before["services"]["b"].is_null() && !change.after["services"]["b"].is_null());
    swarm.workspace.converge();

    // All of it: there is no stack any more.
    swarm.asks(&["stack", "rm", &swarm.name]);
    swarm.workspace.expect_change(STACK, &["create"]);
}
