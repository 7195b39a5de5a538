//! Networks with subnets and addresses of the user's choice.

use acceptance_tests::{STACK, Stack};
use lab::{Lab, Variant};

/// The address of a service's container in a network of the stack.
fn address(stack: &Stack<'_>, name: &str, network: &str) -> String {
    let format = format!("{{{{(index .NetworkSettings.Networks \"{}_{network}\").IPAddress}}}}", stack.name);
    stack.root_runs(&["docker", "inspect", "--format", &format, &format!("{}-{name}-1", stack.name)])
}

#[test]
fn static_subnets_and_addresses_are_kept() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    let stack = Stack::on(&lab, &host);
    let write = |gate: &str, back: &str| {
        let text = stack.compose_file("edge/networks.yaml", &[("GATE", gate), ("BACK", back)]);
        stack.configure_text(&text);
    };
    write("10.77.1.10", "10.77.2");
    stack.workspace.converge();
    assert_eq!(address(&stack, "gate", "front"), "10.77.1.10");
    assert_eq!(address(&stack, "db", "back"), "10.77.2.20");
    let first = stack.containers();

    // Another address for one of them.
    write("10.77.1.11", "10.77.2");
    let change = stack.workspace.expect_change(STACK, &["update"]);
    for kept in ["db", "other"] {
        assert_eq!(change.before["services"][kept], change.after["services"][kept], "{kept}");
    }
    stack.workspace.converge();
    assert_eq!(address(&stack, "gate", "front"), "10.77.1.11");
    let second = stack.containers();
    assert_eq!((&second["db"], &second["other"]), (&first["db"], &first["other"]));

    // Another subnet for a network that is there is more than this Compose can do: it is told, and
    // what runs goes on where it was.
    write("10.77.1.11", "10.77.3");
    stack.workspace.apply().expect_error().says("no configured subnet");
    assert_eq!(address(&stack, "db", "back"), "10.77.2.20");
    write("10.77.1.11", "10.77.2");
    stack.workspace.converge();
    assert_eq!(stack.containers()["other"], second["other"]);
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
}

#[test]
fn a_host_without_addresses_for_one_more_network_is_told_by_the_plan() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    let stack = Stack::on(&lab, &host);
    stack.configure_one_service();
    let plan = || stack.workspace.plan().expect_success();
    let told = |run: &acceptance_tests::Run| run.stdout.contains("no range of addresses left");
    assert!(!told(&plan()));
    // All that Docker takes addresses from by itself; what it has taken already cannot be taken again.
    let pools = ["172.17.0.0/16", "172.18.0.0/16", "172.19.0.0/16", "172.20.0.0/14", "172.24.0.0/14"];
    for (at, range) in pools.into_iter().chain(["172.28.0.0/14", "192.168.0.0/16"]).enumerate() {
        stack.shell(&format!("docker network create --subnet {range} full{at} || true"));
    }
    let warning = plan().expect_warning("no range of addresses left");
    warning.says(&format!("{}_default", stack.name)).says("app").says("default-address-pools");
    let failed = stack.workspace.apply().expect_error();
    failed.says("default-address-pools");
    stack.shell("docker network rm full2");
    assert!(!told(&plan()));
    stack.workspace.converge();
    // A network that is there needs no other one.
    stack.shell("docker network create --subnet 172.30.200.0/24 more || true");
    assert!(!told(&plan()));
    stack.workspace.destroy().expect_success();
}
