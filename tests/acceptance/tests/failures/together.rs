//! Several applies at the same time.

use std::fs;

use lab::{Lab, Variant};

use crate::{gate, story::expect_story};
use acceptance_tests::{STACK, Stack};

#[test]
fn two_applies_of_one_stack_take_turns() {
    let lab = Lab::current().unwrap();
    let host = lab.host(Variant::Root).unwrap();
    let first = Stack::on(&lab, host);
    let mut second = Stack::on(&lab, host);
    second.name.clone_from(&first.name);
    second.workspace.env("USER", "ann");
    first.configure_one_service();
    first.workspace.apply().expect_success();
    let copy = |from: &Stack<'_>, to: &Stack<'_>| {
        fs::copy(
            from.workspace.path().join("terraform.tfstate"),
            to.workspace.path().join("terraform.tfstate"),
        )
        .unwrap()
    };
    copy(&first, &second);
    gate::write(&first, "");
    gate::write(&second, "");

    let apply = first.workspace.start_apply();
    gate::reached(&first);
    let run = second.workspace.apply();
    let parts = ["somebody@", "process", "Nothing was changed.", "nothing to remove by hand"];
    expect_story(&run, &second.could_not("update"), &parts);

    // A short wait is no failure.
    let waiting = second.workspace.start_apply();
    gate::open(&first);
    apply.finish().expect_success();
    let after = first.containers();
    waiting.finish().expect_success();
    assert_eq!(first.containers(), after, "the second apply has replaced what the first made");
    first.workspace.expect_no_changes();
    second.workspace.expect_no_changes();
}

/// Each holds a lock, and none waits for another one; the log at DEBUG tells every command, every call
/// of the Engine and every wait, with its duration and its result.
#[test]
fn ten_stacks_at_once_on_one_host_whose_log_tells_the_story() {
    let lab = Lab::current().unwrap();
    let mut stack = Stack::on(&lab, lab.host(Variant::Deploy).unwrap());
    stack.workspace.env("TF_LOG_PROVIDER", "DEBUG");
    stack.workspace.write("compose.tpl.yaml", &stack.one_service());
    stack.configure(
        "config = [file(\"${path.module}/compose.tpl.yaml\")]\n  environment = { N = each.key }\n  for_each = toset([\"0\", \"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", \"9\"])",
    );
    let file = stack.workspace.path().join("stack.tf");
    let text = fs::read_to_string(&file).unwrap();
    let quoted = format!("\"{}\"", stack.name);
    fs::write(&file, text.replace(&quoted, &format!("\"{}-${{each.key}}\"", stack.name))).unwrap();
    let run = |command: &str| {
        stack.workspace.run(&[command, "-input=false", "-auto-approve", "-json", "-parallelism=50"])
    };
    let applied = run("apply").expect_success();
    let told = |parts: &[&str]| {
        let lines = applied.stderr.lines();
        lines.filter(|line| parts.iter().all(|part| line.contains(part))).count()
    };
    let duration = "took_ms=";
    for (count, parts) in [
        (10, &["ran a command", "docker-compose compose ", " up ", duration, "result=\"status 0\""][..]),
        (10, &["asked the engine", "GET ", "/containers/json", duration, "200 OK"]),
        (10, &["waited for services", duration, "result=ready"]),
        (10, &["took a lock", duration]),
    ] {
        assert!(told(parts) >= count, "{parts:?} {} times in\n{}", told(parts), applied.stderr);
    }
    let asked = told(&["asked the engine", "/info"]);
    assert!(asked <= 2, "what no stack changes was asked {asked} times, and not once in each process");
    assert_eq!(told(&["ran a command", "N=0"]), 0, "values of variables are in the log");
    assert_eq!(told(&["no free session"]), 0, "somebody waited for a session while holding one");
    stack.workspace.expect_no_changes();
    let running = || {
        let listed = stack.root_runs(&["docker", "ps", "-a", "--format", "{{.Names}}"]);
        listed.lines().filter(|name| name.starts_with(&stack.name)).count()
    };
    assert_eq!(running(), 10);
    run("destroy").expect_success();
    assert_eq!(running(), 0);
    assert!(stack.workspace.state(STACK).is_null());
}
