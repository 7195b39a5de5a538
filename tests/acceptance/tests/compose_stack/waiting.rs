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
    stack.workspace.converge();

    // Without its word, what has ended is not well.
    waiting("sick = \"running\", crash = \"ignore\"");
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["services"]["once"]["status"], "completed");
    assert_eq!(change.after["services"]["once"]["status"], "running");
}
