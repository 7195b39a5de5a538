//! Updates that fail.

use lab::Lab;

use crate::swarm::{DEPLOY, STACK, Swarm};

/// What a service has that the client's types do not know under that name.
const HEALTH: &str = "    healthcheck: { test: [CMD, \"true\"], interval: 1s }\n";

fn compose(swarm: &Swarm<'_>, api: &str, other: &str) -> String {
    let other = swarm.service("other", other, &format!("{DEPLOY}{HEALTH}"));
    ["services:\n".to_owned(), swarm.service("api", api, DEPLOY), other].concat()
}

#[test]
fn a_failed_update_takes_the_whole_stack_back() {
    let lab = Lab::current().unwrap();
    let swarm = Swarm::new(&lab);
    let good = compose(&swarm, "exec sleep 1000000", "exec sleep 1000001");
    swarm.stack(&good, "");
    swarm.workspace.converge();
    let spec = |name: &str| {
        swarm.asks(&["service", "inspect", &format!("{}_{name}", swarm.name), "--format", "{{json .Spec}}"])
    };
    let before = ["api", "other"].map(spec);
    assert!(before[1].contains("Healthcheck"), "{}", before[1]);

    // One service would be well, the other pauses its update: both go back.
    swarm.stack(&compose(&swarm, "echo no database; exit 7", "exec sleep 2000000"), "");
    let error = swarm.workspace.apply().expect_error();
    error
        .says("Service \"api\" stands still")
        .says("non-zero exit (7)")
        .says("no database")
        .says("It was rolled back")
        .says("runs as before the apply");
    assert_eq!(["api", "other"].map(spec), before);
    assert_eq!(swarm.in_task("api", "echo up"), "up");
    swarm.workspace.expect_change(STACK, &["update"]);
    swarm.stack(&good, "");
    swarm.workspace.expect_no_changes();

    // Left as it is where that is asked for: a difference that the next apply un-sticks.
    swarm.stack(&compose(&swarm, "exit 7", "exec sleep 1000001"), "on_failure = \"keep\"");
    swarm.workspace.apply().expect_error().says("What was changed so far stays");
    swarm.stack(&good, "");
    swarm.workspace.run(&["apply", "-refresh-only", "-auto-approve"]).expect_success();
    assert_eq!(swarm.shown("api")["status"], "paused");
    swarm.workspace.converge();
    assert!(spec("api").contains("exec sleep 1000000"));
    swarm.workspace.destroy().expect_success();
}

#[test]
fn a_swarm_that_rolls_back_by_itself_fails_the_apply() {
    let lab = Lab::current().unwrap();
    let swarm = Swarm::new(&lab);
    let deploy = DEPLOY.replace("monitor: 1s", "monitor: 1s, failure_action: rollback");
    let file = |command: &str| ["services:\n".to_owned(), swarm.service("api", command, &deploy)].concat();
    swarm.stack(&file("exec sleep 1000000"), "");
    swarm.workspace.converge();
    swarm.stack(&file("exit 7"), "");
    swarm.workspace.apply().expect_error().says("was rolled back by the swarm").says("non-zero exit (7)");
    swarm.stack(&file("exec sleep 1000000"), "");
    swarm.workspace.expect_no_changes();
    swarm.workspace.destroy().expect_success();
}

#[test]
fn a_first_deploy_that_fails_leaves_nothing() {
    let lab = Lab::current().unwrap();
    let swarm = Swarm::new(&lab);
    let file = ["services:\n".to_owned(), swarm.service("api", "echo no luck; exit 3", DEPLOY)].concat();
    swarm.stack(&file, "start_timeout = \"3s\"");
    let error = swarm.workspace.apply().expect_error();
    error
        .says("does not come up within 3 s")
        .says("non-zero exit (3)")
        .says("no luck")
        .says("taken down again");
    for kind in ["service", "network", "config"] {
        assert!(swarm.listed(kind).is_empty(), "{kind}");
    }
    assert!(swarm.workspace.state(STACK).is_null());
}
