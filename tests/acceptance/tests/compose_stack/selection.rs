//! Which services of a stack run: `start_services` and profiles.

use acceptance_tests::{STACK, Stack};
use lab::{Lab, Variant};

/// Three services: `app` can do without `tool`, and `front` cannot do without `app`.
fn stack(lab: &Lab) -> Stack<'_> {
    let stack = Stack::on(lab, lab.host(Variant::Root).unwrap());
    let text = stack.compose_file("selection.yaml", &[]);
    stack.workspace.write("app/compose.yaml", &text);
    stack
}

fn configure(stack: &Stack<'_>, attributes: &str) {
    stack.configure(&format!("source_dir = \"${{path.module}}/app\"\n  {attributes}"));
}

#[test]
fn what_is_not_started_is_left_alone() {
    let lab = Lab::current().unwrap();
    let stack = stack(&lab);
    let starting =
        |names: &str, more: &str| configure(&stack, &format!("start_services = [{names}]\n  {more}"));
    let state = |service: &str| stack.workspace.state(STACK)["services"][service].clone();

    starting("\"app\", \"front\"", "");
    stack.workspace.apply().expect_success();
    assert_eq!(stack.containers().keys().collect::<Vec<_>>(), ["app", "front"]);
    assert_eq!(
        (state("tool")["status"].as_str(), state("tool")["replicas"].as_u64()),
        (Some("idle"), Some(0))
    );

    // The product runs it, both ways, and one of its containers has ended.
    let directory = stack.directory();
    let typed = |line: &str| stack.shell(&format!("cd {directory} && docker compose {line}"));
    typed("up -d --no-deps tool && docker compose kill tool && docker compose run -d tool sleep infinity");
    stack.workspace.expect_no_changes();
    let before = stack.containers();
    assert_eq!(before["tool"].len(), 2);

    // It stays as it is while everything else is replaced, and while its own configuration changes.
    starting("\"app\", \"front\"", "environment = { V = \"2\" }");
    stack.workspace.apply().expect_success();
    let after = stack.containers();
    assert_eq!(after["tool"], before["tool"]);
    assert!(after["app"] != before["app"] && after["front"] != before["front"]);

    // Taken out, a service is stopped once; what is made of it afterwards is none of ours.
    starting("\"app\"", "environment = { V = \"2\" }");
    let change = stack.workspace.expect_change(STACK, &["update"]);
    let (was, will) = (&change.before["services"]["front"], &change.after["services"]["front"]);
    assert_eq!((was["status"].as_str(), will["status"].as_str()), (Some("running"), Some("idle")));
    assert_eq!(change.before["services"]["app"], change.after["services"]["app"]);
    stack.workspace.apply_planned().expect_success();
    let left = stack.containers();
    assert_eq!(left.keys().collect::<Vec<_>>(), ["app", "tool"]);
    assert_eq!((&left["app"], &left["tool"]), (&after["app"], &after["tool"]));
    typed("up -d --no-deps front");
    stack.workspace.expect_no_changes();
    assert!(stack.containers().contains_key("front"));

    stack.workspace.destroy().expect_success();
    stack.expect_gone();
}

#[test]
fn a_choice_that_does_not_fit_is_told() {
    let lab = Lab::current().unwrap();
    let stack = stack(&lab);
    let cases = [
        ("start_services = [\"ap\"]", "There are: app, front, tool."),
        ("start_services = [\"debug\"]", "none of its profiles is switched on"),
        ("start_services = [\"front\"]", "starts \"front\" and leaves out \"app\""),
        ("wait_for = { tol = \"running\" }", "\"tol\", which is not a service"),
        ("wait_for = { tool = \"healthy\" }", "give it no health check"),
    ];
    let attributes = |(one, _): &(&str, &str)| format!("source_dir = \"${{path.module}}/app\"\n  {one}");
    let errors = stack.refusals(&cases.iter().map(attributes).collect::<Vec<_>>());
    for (error, (_, part)) in errors.iter().zip(cases) {
        error.says(part);
    }
    configure(&stack, "wait_for = { tool = \"well\" }");
    stack.workspace.plan().expect_error().says("must be one of \"healthy\"");
}

#[test]
fn a_profile_that_is_switched_off_stops_its_services() {
    let lab = Lab::current().unwrap();
    let stack = stack(&lab);
    configure(&stack, "remove_orphans = false\n  profiles = [\"debug\"]");
    stack.workspace.converge();
    let before = stack.containers();
    assert!(before.contains_key("debug"));

    configure(&stack, "remove_orphans = false");
    let change = stack.workspace.expect_change(STACK, &["update"]);
    let debug = |services: &serde_json::Value| services["services"].get("debug").is_some();
    assert!(debug(&change.before) && !debug(&change.after));
    stack.workspace.converge_as_planned();
    let after = stack.containers();
    assert!(!after.contains_key("debug"));
    assert_eq!(after["app"], before["app"]);
}
