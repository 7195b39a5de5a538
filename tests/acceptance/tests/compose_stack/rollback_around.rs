//! What lies around the services when a stack is rolled back: networks, volumes, and services that
//! the failed version had no more.

use acceptance_tests::{STACK, Stack};
use lab::{Lab, Variant};

/// The names of what the project has of a kind (`network` or `volume`).
fn listed(stack: &Stack<'_>, kind: &str) -> Vec<String> {
    let filter = format!("label=com.docker.compose.project={}", stack.name);
    let names = stack.root_runs(&["docker", kind, "ls", "--filter", &filter, "--format", "{{.Name}}"]);
    let mut names: Vec<String> = names.lines().map(str::to_owned).collect();
    names.sort();
    names
}

/// What makes an apply fail that has started everything.
const NEVER_WELL: &str = "    healthcheck: { test: [CMD, \"false\"], interval: 300ms, retries: 2 }\n";

#[test]
fn what_only_the_failed_version_had_goes_but_data_stays() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let workspace = &stack.workspace;
    let named =
        |names: &[&str]| names.iter().map(|name| format!("{}_{name}", stack.name)).collect::<Vec<_>>();
    let old = stack.compose_file("rollback-around/old.yaml", &[]);
    let new = |attributes: &str| {
        stack.configure_text_with(&stack.compose_file("rollback-around/new.yaml", &[]), attributes);
    };
    stack.configure_text(&old);
    workspace.apply().expect_success();
    assert_eq!(listed(&stack, "network"), named(&["front"]));

    new("");
    workspace.apply().expect_error().says("is unhealthy").says("It was rolled back: ");
    assert_eq!(listed(&stack, "network"), named(&["front"]));
    assert_eq!(listed(&stack, "volume"), named(&["data"]));

    // What an earlier failure has left goes too, but for what somebody else is using.
    new("on_failure = \"keep\"");
    workspace.apply().expect_error();
    assert_eq!(listed(&stack, "network"), named(&["back", "front", "held"]));
    let other = format!("{}_other", stack.name);
    let held = format!("{}_held", stack.name);
    let busybox = stack.image("busybox");
    let guest = stack.root_runs(&["docker", "create", "--name", &other, "--network", &held, busybox]);
    new("");
    workspace.write(
        "compose.tpl.yaml",
        &format!("{}# other\n", std::fs::read_to_string(workspace.path().join("compose.tpl.yaml")).unwrap()),
    );
    workspace.apply().expect_error().says("It was rolled back: ");
    assert_eq!(listed(&stack, "network"), named(&["front", "held"]));
    stack.root_runs(&["docker", "rm", guest.trim()]);

    stack.configure_text(&old);
    workspace.converge();
    workspace.destroy().expect_success();
    stack.expect_gone();
}

#[test]
fn services_that_left_the_files_come_back() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Deploy).unwrap());
    let workspace = &stack.workspace;
    let old = stack.compose_file("rollback-around/left.yaml", &[]);
    let configure = |text: &str, attributes: &str| stack.configure_text_with(text, attributes);
    configure(&old, "profiles = [\"extra\"]");
    workspace.apply().expect_success();
    let (before, state) = (stack.containers(), workspace.state(STACK));
    assert_eq!(before["left"].len(), 2);

    // One is out of the files, the other one's profile is switched off.
    let new = stack.compose_file("rollback-around/without-left.yaml", &[]);
    configure(&new, "");
    let error = workspace.apply().expect_error();
    error.says("is unhealthy").says("It was rolled back: ").says(&format!("{}-left-2 (running)", stack.name));
    let after = stack.containers();
    assert_eq!(after.keys().collect::<Vec<_>>(), ["app", "left", "off"]);
    assert_eq!(after["left"].len(), 2);
    assert_ne!(after["left"], before["left"], "they had not gone at all");
    assert_eq!(stack.variable("left", "A"), "1");
    assert_eq!(workspace.state(STACK)["services"], state["services"]);
    configure(&old, "profiles = [\"extra\"]");
    workspace.expect_no_changes();

    // With `start_services` those that are left out go as well.
    configure(&old, "profiles = [\"extra\"]\n  start_services = [\"app\"]");
    std::fs::write(
        workspace.path().join("compose.tpl.yaml"),
        old.replacen("stop_grace_period: 0s\n", &format!("stop_grace_period: 0s\n{NEVER_WELL}"), 1),
    )
    .unwrap();
    workspace.apply().expect_error().says("It was rolled back: ");
    assert_eq!(stack.containers()["left"].len(), 2);
    configure(&old, "profiles = [\"extra\"]");
    workspace.expect_no_changes();
    workspace.destroy().expect_success();
    stack.expect_gone();
}
