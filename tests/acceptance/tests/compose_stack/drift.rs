//! What somebody did behind tofu's back is seen and repaired.

use lab::{Lab, Variant};

use acceptance_tests::{STACK, Stack};

/// Three services, one of which reads a shipped file.
fn start<'a>(lab: &'a Lab) -> Stack<'a> {
    let stack = Stack::on(lab, lab.host(Variant::Root).unwrap());
    stack.workspace.write("app/compose.yaml", &stack.compose_file("drift.yaml", &[]));
    stack.workspace.write("app/conf/app.conf", "right\n");
    stack.configure("source_dir = \"${path.module}/app\"");
    stack.workspace.apply().expect_success();
    stack
}

#[track_caller]
fn repaired(stack: &Stack<'_>) {
    stack.workspace.apply_planned().expect_success();
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
    assert_eq!(change.changed_in("services"), ["db"]);
    repaired(&stack);
    assert_eq!(stack.containers(), before, "a stopped container is started, not replaced");

    stack.root_runs(&["docker", "rm", "-f", &container("cache")]);
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["services"]["cache"]["status"], "missing");
    assert_eq!(change.changed_in("services"), ["cache"]);
    repaired(&stack);
    assert_eq!(stack.containers()["app"], before["app"]);

    // In place, as an editor may do it: the container sees it at once, and must see the end of it.
    stack.shell(&format!("echo wrong >> {directory}/conf/app.conf"));
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["source_hash"], "changed");
    assert_ne!(change.before["services"]["app"]["files_hash"], change.after["services"]["app"]["files_hash"]);
    assert_eq!(change.changed_in("services"), ["app"]);
    repaired(&stack);
    assert_eq!(stack.root_runs(&["docker", "exec", &container("app"), "cat", "/app.conf"]), "right");

    stack.root_runs(&["docker", "pause", &container("app")]);
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["services"]["app"]["status"], "paused");
    assert_eq!(change.changed_in("services"), ["app"]);
    repaired(&stack);

    stack.shell(&format!("cd {directory} && echo 'services: {{db: {{labels: {{x: y}}}}}}' > /tmp/{0}.yaml && docker compose -f compose.yaml -f .windlass/override.json -f /tmp/{0}.yaml up -d db; rm /tmp/{0}.yaml", stack.name));
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["services"]["db"]["config_hash"], "changed");
    assert_eq!(change.changed_in("services"), ["db"]);
    repaired(&stack);

    stack.shell(&format!("echo MORE=1 >> {directory}/.env"));
    assert_eq!(stack.workspace.expect_change(STACK, &["update"]).before["source_hash"], "changed");
    repaired(&stack);
    stack.workspace.expect_no_changes();
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
        "cd {directory} && printf 'services: {{stranger: {{image: \"%s\", command: [sleep, infinity], stop_grace_period: 0s}}}}' '{1}' > /tmp/{0}.yaml \
         && docker compose -p {0} -f /tmp/{0}.yaml up -d; rm /tmp/{0}.yaml",
        stack.name,
        stack.image("busybox"),
    ));
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert!(
        change.after["services"]["stranger"].is_null() && !change.before["services"]["stranger"].is_null()
    );
    stack.workspace.converge_as_planned();
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
    stack.workspace.expect_no_changes();
}

#[test]
fn a_container_that_was_taken_off_its_network_is_replaced() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    stack.configure_one_service();
    stack.workspace.converge();
    let (container, network) = (format!("{}-app-1", stack.name), format!("{}_default", stack.name));
    stack.root_runs(&["docker", "network", "disconnect", &network, &container]);
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["services"]["app"]["status"], "disconnected");
    assert_eq!(change.after["services"]["app"]["status"], "running");
    stack.workspace.converge_as_planned();
    let networks = || {
        let format = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}";
        stack.root_runs(&["docker", "inspect", "-f", format, &container]).trim().to_owned()
    };
    assert_eq!(networks(), network);
    // One more than ours: a proxy that somebody else runs, for example.
    let other = format!("{}-other", stack.name);
    stack.root_runs(&["docker", "network", "create", &other]);
    stack.root_runs(&["docker", "network", "connect", &other, &container]);
    stack.workspace.expect_no_changes();
    stack.root_runs(&["docker", "network", "disconnect", &other, &container]);
    stack.root_runs(&["docker", "network", "rm", &other]);
}

#[test]
fn what_another_tool_has_updated_stays_until_something_is_applied() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let (container, image) = (format!("{}-app-1", stack.name), format!("test.invalid/{}:1", stack.name));
    stack.shell(&format!("docker pull -q {0} && docker tag {0} {image}", stack.image("busybox")));
    let text = |more: &str| {
        let app = stack.service("app", "").replace(stack.image("busybox"), &image);
        format!("services:\n{app}{more}")
    };
    stack.configure_text_with(&text(""), "pull = \"never\"");
    stack.workspace.converge();
    let image_id = || {
        let ids = stack.root_runs(&["docker", "inspect", "-f", "{{.Image}}", &container]);
        ids.trim().to_owned()
    };
    let first = image_id();
    // As such tools do: the new image behind the tag, and a new container with the old one's labels.
    stack.shell(&format!(
        "set -e; labels=$(mktemp); \
         docker inspect -f '{{{{range $k, $v := .Config.Labels}}}}{{{{$k}}}}={{{{$v}}}}{{{{println}}}}{{{{end}}}}' {container} \
         | grep . >$labels; \
         docker commit -c 'ENV UPDATED=yes' {container} {image}; docker rm -f {container}; \
         docker run -d --stop-timeout 0 --name {container} --label-file $labels --network {0}_default {image} sleep infinity; \
         rm $labels",
        stack.name
    ));
    let second = image_id();
    assert_ne!(first, second);
    let updated = stack.containers();
    stack.workspace.expect_no_changes();
    // Compose replaces it on the next occasion, and the plan says so.
    let other = stack.service("other", "");
    stack.configure_text_with(&text(&other), "pull = \"never\"");
    let change = stack.workspace.expect_change(STACK, &["update"]);
    let app = |side: &serde_json::Value, field: &str| side["services"]["app"][field].clone();
    assert_eq!(
        (app(&change.before, "image_id"), app(&change.after, "image_id")),
        (second.as_str().into(), second.as_str().into())
    );
    assert!(app(&change.after, "containers").is_null() && !app(&change.before, "containers").is_null());
    stack.workspace.apply_planned().expect_success();
    assert_ne!(stack.containers()["app"], updated["app"]);
    assert_eq!(image_id(), second);

    // A tag that leads back again: what runs is another image than is wanted, though Compose's label says
    // that it is the same.
    stack.shell(&format!(
        "set -e; labels=$(mktemp); \
         docker inspect -f '{{{{range $k, $v := .Config.Labels}}}}{{{{$k}}}}={{{{$v}}}}{{{{println}}}}{{{{end}}}}' {container} \
         | grep . >$labels; \
         docker rm -f {container}; \
         docker run -d --stop-timeout 0 --name {container} --label-file $labels --network {0}_default {first} sleep infinity; \
         rm $labels",
        stack.name
    ));
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(
        (app(&change.before, "image_id"), app(&change.after, "image_id")),
        (first.as_str().into(), second.as_str().into())
    );
    assert_eq!(change.changed_in("services"), ["app"]);
    stack.workspace.converge_as_planned();
    assert_eq!(image_id(), second);
    stack.workspace.destroy().expect_success();
    stack.shell(&format!("docker rmi -f {image} || true"));
}
