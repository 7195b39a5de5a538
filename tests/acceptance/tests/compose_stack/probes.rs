//! Probes: an apply is good when somebody is answered.

use acceptance_tests::{STACK, Stack};
use lab::{Lab, Variant};

/// A web server whose page says so; it publishes a port of the host's choice.
fn write_sources(stack: &Stack<'_>, page: &str, port: u16) {
    let text = stack.compose_file("probes.yaml", &[("PORT", &port.to_string())]);
    stack.workspace.write("app/compose.yaml", &text);
    stack.workspace.write("app/site/index.html", page);
}

/// A port of the host that is free, at least now.
fn free_port(stack: &Stack<'_>) -> u16 {
    let taken = stack.shell("cat /proc/net/tcp | awk 'NR > 1 { print $2 }' | cut -d: -f2");
    let taken: Vec<u16> =
        taken.lines().filter_map(|port| u16::from_str_radix(port.trim(), 16).ok()).collect();
    let start = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
    (start..).find(|port| !taken.contains(port)).unwrap()
}

fn configure(stack: &Stack<'_>, blocks: &str) {
    stack.configure(&format!("source_dir = \"${{path.module}}/app\"\n{blocks}"));
}

fn probe(attributes: &str) -> String {
    format!("  probe {{\n    {attributes}\n    timeout = \"5s\"\n    interval = \"200ms\"\n  }}\n")
}

#[test]
fn probes_are_made_from_the_host_and_from_here() {
    let lab = Lab::current().unwrap();
    let host = lab.host(Variant::Deploy).unwrap();
    let stack = Stack::on(&lab, host);
    let port = free_port(&stack);
    write_sources(&stack, "all is well", port);
    let http = probe(&format!("url = \"http://localhost:{port}/\"\n    expect_body = \"is well\""));
    let tcp = probe(&format!("tcp = \"127.0.0.1:{port}\""));
    configure(&stack, &format!("{http}{tcp}"));
    stack.workspace.apply().expect_success();
    let before = stack.containers();

    // Only the host sees what it listens to on its own address; a new probe is made at once.
    let here = probe(&format!("tcp = \"127.0.0.1:{port}\"\n    from = \"here\""));
    configure(&stack, &format!("{http}{here}"));
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["services"], change.after["services"]);
    let error = stack.workspace.apply_planned().expect_error();
    assert_eq!(error.summary, stack.could_not("update"));
    error.says("made from this machine, did not pass").says("could not connect to 127.0.0.1");
    assert_eq!(stack.containers(), before);
    stack.workspace.expect_change(STACK, &["update"]);

    // What answers otherwise than expected fails the update.
    configure(&stack, &http);
    stack.workspace.apply().expect_success();
    stack.workspace.write("app/site/index.html", "out of order");
    let error = stack.workspace.apply().expect_error();
    error
        .says(&format!("The probe of http://localhost:{port}/, made from deploy@"))
        .says("the status was 200, but the text was not in the body: out of order")
        .says("runs as before the apply: ");
    stack.workspace.expect_change(STACK, &["update"]);
    stack.workspace.write("app/site/index.html", "all is well");
    stack.workspace.converge();
}

#[test]
fn a_server_that_does_not_forward_is_told_apart() {
    let lab = Lab::current().unwrap();
    let host = lab.host(Variant::NoForward).unwrap();
    let stack = Stack::on(&lab, host);
    stack.workspace.write("app/compose.yaml", &stack.one_service());
    configure(&stack, &probe("tcp = \"127.0.0.1:22\"").replace("5s", "10m"));
    let error = stack.workspace.apply().expect_error();
    error
        .says("tried once")
        .says("does not permit forwarding")
        .says("AllowTcpForwarding")
        .says("from = \"here\"");
}
