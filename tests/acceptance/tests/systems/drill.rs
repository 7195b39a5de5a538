//! The data part of `examples/systems/always-on`: a snapshot before a release, and a drill on another server.

use std::fs;

use acceptance_tests::test_module;
use lab::{Lab, Variant};

use crate::always_on::System;

#[test]
fn the_module_of_corpora_is_tested() {
    test_module("corpus");
}

#[test]
fn the_newest_snapshot_comes_back_on_another_server() {
    let lab = Lab::current().unwrap();
    let (server, other) = (lab.add_host(Variant::Deploy).unwrap(), lab.add_host(Variant::Deploy).unwrap());
    // Who logs in may make the corpus there.
    lab.exec_ok(&other, &["install", "-d", "-o", &other.user, "/srv/always-on"]).unwrap();
    let mut system = System::new(&lab, &server);
    let store = system.workspace.path().canonicalize().unwrap().join("store");
    fs::create_dir(&store).unwrap();
    let backups = format!("backups = {{ store = \"file://{}\" }}\n", store.display());
    system.workspace.write("backups.auto.tfvars", &backups);
    let snapshots = || fs::read_dir(&store).unwrap().count();

    // There is nothing before the first release, and one before the second.
    let first = system.publish("d-one", "1");
    system.choose(&first);
    system.workspace.apply().expect_success().expect_warning("Took no snapshot");
    system.workspace.expect_no_changes();
    system.make_episode("pilot");
    assert_eq!(snapshots(), 0);
    let second = system.publish("d-two", "2");
    system.choose(&second);
    system.workspace.converge();
    assert_eq!(snapshots(), 1);
    assert_eq!(system.asked("/api/episodes"), "pilot");

    // The drill: the data come back, the stack runs on them, its probes have seen it.
    system.workspace.run(&["workspace", "new", "drill"]).expect_success();
    system.moves(&other);
    system.choose(&second);
    // Who says only one of the two does not plan with the other's branch.
    system.workspace.plan().expect_error().says("say -var workspace=drill");
    system.workspace.env("TF_VAR_workspace", "drill");
    system.workspace.converge();
    assert_eq!(system.asked("/api/episodes"), "pilot");
    let output = system.workspace.run(&["output", "-json", "time_to_recovery_seconds"]).expect_success();
    let seconds: u64 = output.stdout.trim().parse().unwrap();
    assert!(seconds < 60, "{seconds}");
    system.workspace.destroy().expect_success();
    system.workspace.run(&["workspace", "select", "default"]).expect_success();
    system.workspace.env("TF_VAR_workspace", "default");

    // What it was drilled for is as it was.
    system.moves(&server);
    system.choose(&second);
    system.workspace.expect_no_changes();
    assert_eq!(snapshots(), 1);
    system.workspace.destroy().expect_success();
}
