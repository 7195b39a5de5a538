//! Two operators through two managers.

use std::time::{Duration, Instant};

use acceptance_tests::Workspace;
use lab::Lab;

use crate::swarm::{DEPLOY, Swarm};

#[test]
fn applies_through_two_managers_take_turns_and_a_dead_holder_blocks_nobody() {
    let lab = Lab::current().unwrap();
    let swarm = Swarm::new(&lab);
    let [first, second] = swarm.hosts();
    let file = |tag: &str| {
        let more = format!("    environment: {{ TAG: {tag} }}\n{DEPLOY}");
        ["services:\n".to_owned(), swarm.service("api", "exec sleep 1000000", &more)].concat()
    };
    swarm.stack_by(&[first], &file("none"), "");
    swarm.workspace.converge();
    // The other operator has the same state, and comes by the other manager.
    let other = Workspace::for_test();
    for name in ["provider.tf", "terraform.tfstate"] {
        std::fs::copy(swarm.workspace.path().join(name), other.path().join(name)).unwrap();
    }
    let main = swarm.workspace.path().join("main.tf");
    swarm.stack_by(&[second], &file("two"), "");
    std::fs::copy(&main, other.path().join("main.tf")).unwrap();
    swarm.stack_by(&[first], &file("one"), "");
    let running = other.start_apply();
    swarm.workspace.apply().expect_success();
    running.finish().expect_success();
    // Neither is lost: one after the other has made the service its own, and the last one is recorded.
    let updates = swarm.asks(&["service", "ps", "--quiet", &format!("{}_api", swarm.name)]);
    assert_eq!(updates.lines().count(), 3);
    assert_eq!(swarm.records().len(), 1);

    // One that was killed has left its lock.
    let lock = format!("windlass-lock-{}", swarm.name);
    let words = format!("echo x | docker config create --label windlass.lock=eve@laptop {lock} -");
    swarm.shell(&words);
    swarm.stack_by(&[first], &file("three"), "");
    let begun = Instant::now();
    swarm.workspace.converge();
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(30), "{took:?}");
    assert_eq!(swarm.in_task("api", "echo $TAG"), "three");
    swarm.workspace.destroy().expect_success();
}
