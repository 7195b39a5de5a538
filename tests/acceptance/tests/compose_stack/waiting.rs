//! What an apply waits for, and what counts as well afterwards: `wait_for`.

use acceptance_tests::{STACK, Stack};
use lab::{Lab, Variant};

#[test]
fn services_are_waited_for_as_it_is_said() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let text = stack.compose_file("waiting.yaml", &[]);
    let waiting = |waits: &str| stack.configure_text_with(&text, &format!("wait_for = {{ {waits} }}"));
    waiting("sick = \"running\", once = \"completed\", crash = \"ignore\"");
    stack.workspace.apply().expect_success();
    // Its check has failed by then, or is about to: neither is a difference.
    stack.workspace.expect_no_changes();
    let services = stack.workspace.state(STACK)["services"].clone();
    let status = |service: &str| services[service]["status"].as_str().unwrap_or_default().to_owned();
    assert_eq!((status("sick"), status("once")), ("running".into(), "completed".into()));
    assert_eq!(status("crash"), "ignored");

    // What is ignored must still be there.
    stack.root_runs(&["docker", "rm", "-f", &format!("{}-crash-1", stack.name)]);
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["services"]["crash"]["status"], "missing");
    assert_eq!(change.after["services"]["crash"]["status"], "ignored");
    stack.workspace.apply_planned().expect_success();

    // Without its word, what has ended is not well.
    waiting("sick = \"running\", crash = \"ignore\"");
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["services"]["once"]["status"], "completed");
    assert_eq!(change.after["services"]["once"]["status"], "running");
    assert_eq!(change.changed_in("services"), ["once"]);
}

#[test]
fn a_restart_policy_has_time_until_its_database_is_there() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    stack.configure_text(&stack.compose_file("retries.yaml", &[]));
    stack.workspace.converge();
    let state = stack.workspace.state(STACK);
    assert_eq!(state["services"]["app"]["status"], "running");
    assert_eq!(stack.root_runs(&["docker", "logs", &format!("{}-app-1", stack.name)]).trim(), "connected");
}

#[test]
fn who_ends_well_without_being_a_job_is_told_how_to_become_one() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let image = stack.image("busybox");
    let once = format!("  once:\n    image: {image}\n    command: [echo, prepared]\n");
    let text = stack.one_service() + &once;
    stack.configure_text(&text);
    let told = stack.workspace.apply().expect_error();
    told.says("once: container").says("exited with status 0").says("prepared");
    told.says("`wait_for = { once = \"completed\" }`").says("windlass.job");
    told.says("service_completed_successfully");
    assert!(!told.detail.contains("Correct what the log names"), "{told:#?}");
    stack.configure_text_with(&text, "wait_for = { once = \"completed\" }");
    stack.workspace.apply().expect_success();
    // Run again by hand, it ends as it did before.
    stack.shell(&format!("docker start {0}-once-1 && docker wait {0}-once-1", stack.name));
    stack.workspace.expect_no_changes();
}

#[test]
fn what_the_host_lacks_is_told_before_anything_is_changed() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let network = format!("{}-outside", stack.name);
    let text = stack.one_service()
        + &format!(
            "    networks: [outside]\n    volumes: [\"/mnt/{0}:/media\"]\nnetworks:\n  outside: {{ name: {network}, external: \
             true }}\n",
            stack.name
        );
    stack.configure_text(&text);
    let run = stack.workspace.plan().expect_success();
    run.expect_warning(&network).says("service app needs").says("windlass_docker_network");
    run.expect_warning(&format!("/mnt/{}", stack.name)).says("service app mounts it").says("windlass_file");
    stack.workspace.apply_planned().expect_error().says(&network).says("Nothing was changed");
    stack.expect_gone();
    stack.root_runs(&["docker", "network", "create", &network]);
    stack.workspace.converge();
    stack.workspace.destroy().expect_success();
    stack.root_runs(&["docker", "network", "rm", &network]);
    stack.root_runs(&["rmdir", &format!("/mnt/{}", stack.name)]);
}
