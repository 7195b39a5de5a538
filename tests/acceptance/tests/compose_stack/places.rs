//! Every kind of host, hosts that are not known yet, and moves between machines.

use acceptance_tests::{STACK, Stack, hcl};
use lab::{Lab, Variant};

#[test]
fn every_kind_of_host_will_do() {
    let lab = Lab::current().unwrap();
    for variant in [Variant::Sudo, Variant::NoForward, Variant::Jump] {
        let stack = Stack::on(&lab, lab.host(variant).unwrap());
        stack.configure_one_service();
        stack.workspace.converge();
        assert_eq!(stack.containers()["app"].len(), 1);
        stack.workspace.destroy().expect_success();
        stack.expect_gone();
        assert!(!stack.exists(&format!("/home/{}/windlass/{}", stack.host.user, stack.name)));
    }
}

#[test]
fn a_host_of_the_same_apply_is_unknown_to_the_plan() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    stack.workspace.write("host.tf", &hcl::host_block("new", &stack.host, ""));
    stack.workspace.write("compose.tpl.yaml", &stack.one_service());
    let text = format!(
        "resource \"windlass_compose_stack\" \"test\" {{\n  host = windlass_host.new.connection\n  name = \"{}\"\n\
         \x20 config = [file(\"${{path.module}}/compose.tpl.yaml\")]\n\
         \x20 environment = {{ ID = windlass_host.new.machine_id }}\n}}\n",
        stack.name
    );
    stack.workspace.write("stack.tf", &text);
    let planned = stack.workspace.expect_change(STACK, &["create"]);
    assert_eq!(planned.unknown["services"], true);
    stack.workspace.converge();
    assert_eq!(stack.containers()["app"].len(), 1);
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
}

#[test]
fn another_machine_is_a_move_and_another_route_is_none() {
    let lab = Lab::current().unwrap();
    let (old, new) = (lab.host(Variant::Root).unwrap(), lab.host(Variant::Deploy).unwrap());
    let mut stack = Stack::on(&lab, old);
    stack.configure_one_service();
    stack.workspace.apply().expect_success();
    let before = stack.containers();
    let directory = stack.directory();

    // The same machine by a name for the same socket.
    let text = std::fs::read_to_string(stack.workspace.path().join("stack.tf")).unwrap();
    stack.workspace.write("stack.tf", &text.replace("?host_key", "?docker=/run/docker.sock&host_key"));
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["services"], change.after["services"]);
    stack.workspace.apply().expect_success();
    assert_eq!(stack.containers(), before);
    stack.workspace.expect_no_changes();

    stack.host = new.clone();
    stack.configure_one_service();
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.after["directory"], format!("/home/deploy/windlass/{}", stack.name));
    stack.workspace.apply().expect_success();
    assert_eq!(stack.containers()["app"].len(), 1);
    stack.workspace.expect_no_changes();
    stack.host = old.clone();
    stack.expect_gone();
    assert!(!stack.exists(&directory));
    stack.host = new.clone();
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
}

#[test]
fn another_directory_takes_the_files_along() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    stack.configure_one_service();
    stack.workspace.apply().expect_success();
    let old = stack.directory();
    let text = std::fs::read_to_string(stack.workspace.path().join("stack.tf")).unwrap();
    let new = format!("/srv/{}", stack.name);
    stack
        .workspace
        .write("stack.tf", &text.replace("config =", &format!("directory = \"{new}\"\n  config =")));
    stack.workspace.expect_change(STACK, &["update"]);
    stack.workspace.converge();
    assert!(!stack.exists(&old) && stack.exists(&format!("{new}/compose.yaml")));
    stack.workspace.destroy().expect_success();
    assert!(!stack.exists(&new));
}
