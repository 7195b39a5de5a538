//! A service that is called otherwise.

use acceptance_tests::{STACK, Stack};
use lab::{Lab, Variant};

use crate::service;

#[test]
fn a_renamed_service_is_another_one_and_takes_its_port_over() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    let stack = Stack::on(&lab, &host);
    // The host is the test's own, and so is the port.
    let ports = ["ports: [\"8080:80\"]"];
    let write = |name: &str| {
        let text = format!("services:\n{}{}", service(&stack, name, &ports), service(&stack, "db", &[]));
        stack.configure_text(&text);
    };
    write("web");
    stack.workspace.apply().expect_success();
    let before = stack.containers();

    write("front");
    let change = stack.workspace.expect_change(STACK, &["update"]);
    let (was, will) = (&change.before["services"], &change.after["services"]);
    assert!(was["front"].is_null() && was["web"]["status"] == "running");
    assert!(will["web"].is_null() && will["front"]["status"] == "running");
    assert_eq!(was["db"], will["db"]);
    stack.workspace.apply().expect_success();
    let after = stack.containers();
    assert_eq!(after.keys().collect::<Vec<_>>(), ["db", "front"]);
    assert_eq!(after["db"], before["db"]);
    assert_eq!(stack.workspace.state(STACK)["services"]["front"]["ports"][0], "8080->80/tcp");
    stack.workspace.expect_no_changes();
}
