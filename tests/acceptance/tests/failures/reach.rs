//! Hosts that cannot be reached, or are not who they should be.

use acceptance_tests::{STACK, Stack, hcl};
use lab::{Host, Lab, Variant};

use crate::story::expect_story;

#[test]
fn a_wrong_host_key_stops_before_anything_is_sent() {
    let lab = Lab::current().unwrap();
    let host = lab.host(Variant::Deploy).unwrap();
    let other = lab.host(Variant::Root).unwrap();
    let stack = Stack::on(&lab, &Host { host_key: other.host_key.clone(), ..host.clone() });
    stack.configure_one_service();
    let expected = hcl::fingerprint(&other.host_key);
    let offered = hcl::fingerprint(&host.host_key);
    let parts = [
        expected.as_str(),
        &offered,
        "no authentication was tried",
        "Nothing was changed.",
        "ssh-keygen -lf",
    ];
    expect_story(&stack.workspace.plan(), &stack.could_not("plan"), &parts);
    assert!(stack.workspace.state(STACK).is_null());
}

#[test]
fn a_host_that_refuses_the_key_is_told() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let stack = Stack::on(&lab, &host);
    stack.configure_one_service();
    stack.root_runs(&["rm", "/home/deploy/.ssh/authorized_keys"]);
    let parts = ["refused user deploy", "Nothing was changed.", "authorized_keys", "Tried: "];
    expect_story(&stack.workspace.plan(), &stack.could_not("plan"), &parts);
}

#[test]
fn a_host_without_a_route_plans_and_fails_to_apply() {
    let lab = Lab::current().unwrap();
    let host = lab.host(Variant::Deploy).unwrap();
    // An address of the lab's network that nobody has.
    let (network, _) = host.address.rsplit_once('.').unwrap();
    let stack = Stack::on(&lab, &Host { address: format!("{network}.251"), ..host.clone() });
    stack.provider("", "connect_timeout = \"2s\"");
    stack.configure_one_service();
    let plan = stack.workspace.plan().expect_success();
    plan.expect_warning("did not answer").says("What will change is decided during apply.");
    let run = stack.workspace.apply();
    let parts = ["did not answer", &stack.host.address, "Nothing was changed.", "firewall"];
    expect_story(&run, &stack.could_not("start"), &parts);
    assert!(stack.workspace.state(STACK).is_null());
}
