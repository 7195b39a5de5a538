//! Servers that are replaced, move and go.

use acceptance_tests::{STACK, Stack, hcl};
use lab::{Host, Lab, Variant};

use crate::story::expect_story;

const HOST: &str = "windlass_host.machine";

/// A stack on a `windlass_host` of the same configuration.
fn configure(stack: &Stack<'_>, host: &Host) {
    stack.workspace.write("host.tf", &hcl::host_block("machine", host, ""));
    stack.workspace.write("compose.tpl.yaml", &stack.one_service());
    stack.configure_on(&format!("{HOST}.connection"), "config = [file(\"${path.module}/compose.tpl.yaml\")]");
}

#[test]
fn a_server_that_was_replaced_behind_its_address_is_built_anew() {
    let lab = Lab::current().unwrap();
    let mut host = lab.add_host(Variant::Deploy).unwrap();
    let mut stack = Stack::on(&lab, &host);
    configure(&stack, &host);
    stack.workspace.apply().expect_success();
    let old = (stack.workspace.state(STACK), stack.workspace.state(HOST));
    host.replace().unwrap();
    stack.host = (*host).clone();

    let run = stack.workspace.plan();
    let title = format!("Could not plan host {:?}", host.address);
    let expected = hcl::fingerprint(old.1["host_public_key"].as_str().unwrap());
    let offered = hcl::fingerprint(&host.host_key);
    expect_story(&run, &title, &[&expected, &offered, "Nothing was changed.", "accept it", "host_key = "]);
    assert_eq!((stack.workspace.state(STACK), stack.workspace.state(HOST)), old);

    // What the message says, to the letter.
    configure(&stack, &host);
    let run = stack.workspace.apply().expect_success();
    drop(run);
    assert_eq!(stack.containers()["app"].len(), 1);
    assert_ne!(stack.workspace.state(HOST)["machine_id"], old.1["machine_id"]);
    stack.workspace.expect_no_changes();
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
}

#[test]
fn a_server_that_is_gone_for_good_is_kept_or_forgotten_as_told() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    let stack = Stack::on(&lab, &host);
    let timeout = "connect_timeout = \"2s\"";
    stack.provider("", timeout);
    stack.configure_one_service();
    stack.workspace.apply().expect_success();
    let state = stack.workspace.state(STACK);
    host.destroy().unwrap();

    let parts = ["did not answer", "Nothing was changed.", &host.address, "on_unreachable"];
    expect_story(&stack.workspace.plan(), &stack.could_not("read"), &parts);
    let destroy = || stack.workspace.run(&["destroy", "-refresh=false", "-auto-approve", "-json"]);
    let parts = ["did not answer", "still there", "on_unreachable"];
    expect_story(&destroy(), &stack.could_not("destroy"), &parts);

    stack.provider("on_unreachable = \"keep\"", timeout);
    let run = stack.workspace.plan().expect_success();
    run.expect_warning("The last known state stands in").says(&host.address);
    stack.workspace.expect_no_changes();
    expect_story(&destroy(), &stack.could_not("destroy"), &["did not answer", "still there"]);
    assert_eq!(stack.workspace.state(STACK), state);

    stack.provider("on_unreachable = \"forget\"", timeout);
    let run = stack.workspace.plan().expect_success();
    run.expect_warning("dropped from the state").says(&host.address);
    destroy().expect_success().expect_warning("dropped from the state");
    assert!(stack.workspace.state(STACK).is_null());
}

#[test]
fn a_stack_leaves_a_machine_that_is_gone_with_a_warning() {
    let lab = Lab::current().unwrap();
    let gone = lab.add_host(Variant::Deploy).unwrap();
    let mut stack = Stack::on(&lab, &gone);
    stack.provider("on_unreachable = \"keep\"", "connect_timeout = \"2s\"");
    stack.configure_one_service();
    stack.workspace.apply().expect_success();
    gone.destroy().unwrap();

    stack.host = lab.host(Variant::Root).unwrap().clone();
    stack.configure_one_service();
    let run = stack.workspace.apply().expect_success();
    run.expect_warning("on its old machine")
        .says(&gone.address)
        .says("did not answer")
        .says("nothing is left to do");
    assert_eq!(stack.containers()["app"].len(), 1);
    stack.workspace.expect_no_changes();
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
}
