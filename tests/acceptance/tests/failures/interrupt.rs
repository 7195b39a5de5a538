//! Ctrl-C in the middle.

use std::{fs, path::Path};

use lab::{Lab, Variant};

use crate::{
    gate,
    story::{expect_story, is_tainted},
};
use acceptance_tests::{STACK, Stack};

/// Whether a provider still runs for a workspace, which is known by its home directory.
fn provider_runs(home: &Path) -> bool {
    let home = format!("HOME={}", home.display());
    fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        let read = |name: &str| fs::read(entry.path().join(name)).unwrap_or_default();
        let is_provider = read("cmdline").windows(27).any(|part| part == b"terraform-provider-windlass");
        is_provider && read("environ").split(|byte| *byte == 0).any(|one| one == home.as_bytes())
    })
}

#[test]
fn ctrl_c_ends_cleanly_and_the_next_apply_converges() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Deploy).unwrap());
    gate::write(&stack, "");
    let apply = stack.workspace.start_apply();
    gate::reached(&stack);
    assert!(provider_runs(&stack.workspace.home()), "the provider cannot be seen");
    apply.interrupt();
    let run = apply.finish();
    let parts = ["was cancelled", "Its containers now: ", "slow-1 (starting)", "The stack is recorded"];
    expect_story(&run, &stack.could_not("start"), &parts);
    gate::until("the provider is gone", || !provider_runs(&stack.workspace.home()));
    assert!(is_tainted(&stack.workspace, STACK));
    assert_eq!(stack.workspace.state(STACK)["services"]["slow"]["status"], "starting");
    let left = stack.shell(&format!("ps -eo args | grep '[c]ompose.*{}' | wc -l", stack.name));
    assert_eq!(left, "0", "compose still runs on the host");
    assert!(!stack.workspace.path().join(".terraform.tfstate.lock.info").exists());

    gate::open(&stack);
    stack.workspace.converge();
}

#[test]
fn a_killed_cli_leaves_a_stack_that_the_next_apply_takes_up() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    gate::write(&stack, "");
    let apply = stack.workspace.start_apply();
    gate::reached(&stack);
    apply.kill();
    assert_eq!(apply.finish().code, None);
    assert!(stack.workspace.state(STACK).is_null());
    gate::open(&stack);
    // Nobody holds the lock any more, and what is there is not taken for somebody else's.
    let before = stack.containers();
    stack.workspace.apply().expect_success();
    assert_eq!(stack.containers()["slow"], before["slow"]);
    stack.workspace.expect_no_changes();
}

#[test]
fn what_was_good_before_an_apply_that_was_cut_off_is_gone_back_to() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let write = |version: &str, check: &str| {
        let more = format!(
            "    environment: {{ V: \"{version}\" }}\n    healthcheck: {{ {check}, interval: 300ms }}\n"
        );
        stack.configure_text(&format!("{}{more}", stack.one_service()));
    };
    let (well, ill) = ("test: [CMD, \"true\"]", "test: [CMD, \"false\"], retries: 1");
    write("1", well);
    stack.workspace.apply().expect_success();
    let begun = |version: &str| {
        write(version, "test: [CMD, \"false\"], start_period: 200s");
        let apply = stack.workspace.start_apply();
        gate::until("the new container runs", || {
            let line = format!("docker exec {}-app-1 sh -c 'echo $V' || true", stack.name);
            stack.shell(&line) == version
        });
        apply
    };
    let apply = begun("2");
    apply.interrupt();
    let parts = ["It was not rolled back, because the run was interrupted.", "app-1 (starting)"];
    expect_story(&apply.finish(), &stack.could_not("update"), &parts);
    assert_eq!(stack.variable("app", "V"), "2");
    stack.workspace.expect_change(STACK, &["update"]);

    let apply = begun("3");
    apply.kill();
    assert_eq!(apply.finish().code, None);
    write("4", ill);
    let run = stack.workspace.apply();
    expect_story(&run, &stack.could_not("update"), &["is unhealthy", "runs as before the apply: "]);
    assert_eq!(stack.variable("app", "V"), "1");
    write("1", well);
    stack.workspace.converge();
}
