//! What somebody did behind tofu's back is seen and repaired.

use lab::{Lab, Variant};

use acceptance_tests::{STACK, Stack};

/// Three services, one of which reads a shipped file.
fn start<'a>(lab: &'a Lab) -> Stack<'a> {
    let stack = Stack::on(lab, lab.host(Variant::Root).unwrap());
    stack.workspace.write("app/compose.yaml", &stack.compose_file("drift.yaml", &[]));
    stack.workspace.write("app/conf/app.conf", "right\n");
    stack.configure("source_dir = \"${path.module}/app\"");
    stack.workspace.converge();
    stack
}

#[track_caller]
fn repaired(stack: &Stack<'_>) {
    stack.workspace.converge();
    let containers = stack.containers();
    assert_eq!(containers.keys().collect::<Vec<_>>(), ["app", "cache", "db"]);
    let filter = format!("label=com.docker.compose.project={}", stack.name);
    let running = stack.root_runs(&["docker", "ps", "-q", "--filter", &filter, "--filter", "status=running"]);
    assert_eq!(running.lines().count(), 3);
}

#[test]
fn what_was_done_by_hand_is_seen_and_repaired() {
    let lab = Lab::current().unwrap();
    let stack = start(&lab);
    let container = |service: &str| format!("{}-{service}-1", stack.name);
    let directory = stack.directory();
    let before = stack.containers();

    stack.root_runs(&["docker", "stop", &container("db")]);
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["services"]["db"]["status"], "exited (137)");
    assert_eq!(change.after["services"]["db"]["status"], "running");
    repaired(&stack);
    assert_eq!(stack.containers(), before, "a stopped container is started, not replaced");

    stack.root_runs(&["docker", "rm", "-f", &container("cache")]);
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["services"]["cache"]["status"], "missing");
    repaired(&stack);
    assert_eq!(stack.containers()["app"], before["app"]);

    // In place, as an editor may do it: the container sees it at once, and must see the end of it.
    stack.shell(&format!("echo wrong >> {directory}/conf/app.conf"));
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["source_hash"], "changed");
    assert_ne!(change.before["services"]["app"]["files_hash"], change.after["services"]["app"]["files_hash"]);
    assert_eq!(change.before["services"]["db"], change.after["services"]["db"]);
    repaired(&stack);
    assert_eq!(stack.root_runs(&["docker", "exec", &container("app"), "cat", "/app.conf"]), "right");

    stack.root_runs(&["docker", "pause", &container("app")]);
    assert_eq!(
        stack.workspace.expect_change(STACK, &["update"]).before["services"]["app"]["status"],
        "paused"
    );
    repaired(&stack);

    stack.shell(&format!("cd {directory} && echo 'services: {{db: {{labels: {{x: y}}}}}}' > /tmp/{0}.yaml && docker compose -f compose.yaml -f .windlass/override.json -f /tmp/{0}.yaml up -d db; rm /tmp/{0}.yaml", stack.name));
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["services"]["db"]["config_hash"], "changed");
    assert_eq!(change.before["services"]["cache"], change.after["services"]["cache"]);
    repaired(&stack);

    stack.shell(&format!("echo MORE=1 >> {directory}/.env"));
    assert_eq!(stack.workspace.expect_change(STACK, &["update"]).before["source_hash"], "changed");
    repaired(&stack);
}

#[test]
fn strangers_in_the_project_go_and_one_offs_stay() {
    let lab = Lab::current().unwrap();
    let stack = start(&lab);
    let directory = stack.directory();
    stack.shell(&format!(
        "cd {directory} && docker compose run -d --name {0}-once app sleep infinity",
        stack.name
    ));
    stack.workspace.expect_no_changes();
    stack.shell(&format!(
        "cd {directory} && printf 'services: {{stranger: {{image: \"%s\", command: [sleep, infinity]}}}}' '{1}' > /tmp/{0}.yaml \
         && docker compose -p {0} -f /tmp/{0}.yaml up -d; rm /tmp/{0}.yaml",
        stack.name,
        stack.image("busybox"),
    ));
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert!(
        change.after["services"]["stranger"].is_null() && !change.before["services"]["stranger"].is_null()
    );
    stack.workspace.converge();
    assert!(!stack.containers().contains_key("stranger"));
    assert_eq!(stack.containers()["app"].len(), 2, "the one-off is gone");
}

#[test]
fn a_stack_that_is_gone_is_made_again() {
    let lab = Lab::current().unwrap();
    let stack = start(&lab);
    let directory = stack.directory();
    stack.shell(&format!("cd {directory} && docker compose down"));
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["services"]["app"]["status"], "missing");
    stack.shell(&format!("rm -r {directory}"));
    stack.workspace.expect_change(STACK, &["create"]);
    repaired(&stack);
}
