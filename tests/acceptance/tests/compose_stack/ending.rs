//! How a stack ends: `on_destroy`.

use acceptance_tests::{STACK, Stack};
use lab::{Lab, Variant};

#[test]
fn an_abandoned_stack_is_destroyed_without_its_host() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    let stack = Stack::on(&lab, &host);
    stack.provider("", "connect_timeout = \"2s\"");
    stack.workspace.write("compose.tpl.yaml", &stack.one_service());
    let configure = |more: &str| {
        stack.configure(&format!("config = [file(\"${{path.module}}/compose.tpl.yaml\")]\n  {more}"));
    };
    configure("");
    stack.workspace.apply().expect_success();
    let containers = stack.containers();

    // To change only this needs no host.
    configure("on_destroy = \"abandon\"");
    lab.stop_sshd(&host).unwrap();
    stack.workspace.run(&["apply", "-refresh=false", "-auto-approve", "-json"]).expect_success();
    assert_eq!(stack.workspace.state(STACK)["on_destroy"], "abandon");
    lab.start_sshd(&host).unwrap();

    stack.workspace.destroy().expect_success();
    assert!(stack.workspace.state(STACK).is_null());
    assert_eq!(stack.containers(), containers, "it runs on");

    // What was left there is taken up again.
    stack.workspace.converge();
    assert_eq!(stack.containers(), containers);

    host.destroy().unwrap();
    stack.workspace.plan().expect_success().expect_warning("did not answer").says("\"abandon\"");
    stack.workspace.destroy().expect_success();
    assert!(stack.workspace.state(STACK).is_null());
}
