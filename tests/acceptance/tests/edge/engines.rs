//! Engines that are not Docker as most people run it.

use acceptance_tests::{STACK, Stack, hcl, is_full_run};
use lab::{Host, Lab, Variant};

fn configure(stack: &Stack<'_>, host: &Host, socket: &str, text: &str) {
    let connection = format!("{}&docker={socket}", hcl::connection(host));
    stack.configure_text_on(&hcl::quoted(&connection), text, "");
}

#[test]
fn a_rootless_engine_runs_a_stack() {
    if !is_full_run() {
        return;
    }
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let socket = lab.start_rootless(&host).unwrap();
    let stack = Stack::on(&lab, &host);
    let text = |value: &str| stack.compose_file("edge/rootless.yaml", &[("VALUE", value)]);
    configure(&stack, &host, socket, &text("one"));
    stack.workspace.converge();
    assert!(stack.containers().is_empty(), "it runs on root's engine");
    let docker = format!("docker -H unix://{socket}");
    let ids = || {
        let list = format!("{docker} ps --no-trunc --format '{{{{.Names}}}} {{{{.ID}}}}'");
        let listed = stack.shell(&list);
        let mut ids: Vec<String> = listed.lines().map(str::to_owned).collect();
        ids.sort();
        ids
    };
    let first = ids();
    assert_eq!(first.len(), 2, "{first:?}");
    assert_eq!(stack.workspace.state(STACK)["services"]["web"]["ports"][0], "18080->80/tcp");
    // Nothing of it is root's.
    let directory = stack.directory();
    assert_eq!(stack.shell(&format!("find {directory} ! -user deploy | wc -l")), "0");

    configure(&stack, &host, socket, &text("two"));
    stack.workspace.expect_change(STACK, &["update"]);
    stack.workspace.converge();
    let second = ids();
    assert_eq!(first[0], second[0], "db was replaced");
    assert_ne!(first[1], second[1]);

    stack.shell(&format!("{docker} stop {}-web-1", stack.name));
    stack.workspace.expect_change(STACK, &["update"]);
    stack.workspace.apply().expect_success();
    stack.workspace.destroy().expect_success();
    assert!(ids().is_empty());
}

#[test]
fn podman_is_refused_before_anything_is_done() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    let socket = lab.start_podman(&host).unwrap();
    let stack = Stack::on(&lab, &host);
    configure(&stack, &host, socket, &stack.one_service());
    let error = stack.workspace.apply().expect_error();
    error.says("podman, which is not supported").says(socket).says("Nothing was changed.");
    assert!(stack.workspace.state(STACK).is_null());
    assert!(!stack.exists(&format!("/root/windlass/{}", stack.name)));
}
