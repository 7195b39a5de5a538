//! A service that is called otherwise.

use acceptance_tests::{STACK, Stack};
use lab::{Lab, Variant};

#[test]
fn a_renamed_service_is_another_one_and_takes_its_port_over() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    let stack = Stack::on(&lab, &host);
    // The host is the test's own, and so is the port.
    let write = |name: &str| stack.configure_text(&stack.compose_file("edge/renamed.yaml", &[("WEB", name)]));
    write("web");
    stack.workspace.apply().expect_success();
    let before = stack.containers();

    write("front");
    let change = stack.workspace.expect_change(STACK, &["update"]);
    let (was, will) = (&change.before["services"], &change.after["services"]);
    assert!(was["front"].is_null() && was["web"]["status"] == "running");
    assert!(will["web"].is_null() && will["front"]["status"] == "running");
    assert_eq!(was["db"], will["db"]);
    stack.workspace.apply_planned().expect_success();
    let after = stack.containers();
    assert_eq!(after.keys().collect::<Vec<_>>(), ["db", "front"]);
    assert_eq!(after["db"], before["db"]);
    assert_eq!(stack.workspace.state(STACK)["services"]["front"]["ports"][0], "8080->80/tcp");
    stack.workspace.expect_no_changes();
}
