//! Destroying what is not as the state tells it.

use lab::{Lab, Variant};

use acceptance_tests::{STACK, Stack};

/// `destroy` of what the state says, without looking first.
const BLIND: [&str; 4] = ["destroy", "-refresh=false", "-auto-approve", "-json"];

#[test]
fn what_is_gone_already_is_destroyed() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Sudo).unwrap());
    stack.configure_one_service();
    // Containers, files, or both were removed by hand.
    for (containers, files) in [(true, false), (false, true), (true, true)] {
        stack.workspace.apply().expect_success();
        let directory = stack.directory();
        if containers {
            stack.root_runs(&["docker", "compose", "-p", &stack.name, "down"]);
        }
        if files {
            stack.root_runs(&["rm", "-r", &directory]);
        }
        stack.workspace.run(&BLIND).expect_success();
        assert!(stack.workspace.state(STACK).is_null());
        stack.expect_gone();
        assert!(!stack.exists(&directory));
    }
}

#[test]
fn only_what_was_shipped_is_deleted() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let mount = "    volumes: [\"./data:/data\", \"./conf:/conf:ro\"]\n";
    stack.workspace.write("app/compose.yaml", &format!("{}{mount}", stack.one_service()));
    stack.workspace.write("app/conf/shipped", "shipped\n");
    stack.configure("source_dir = \"${path.module}/app\"");
    stack.workspace.apply().expect_success();
    let directory = stack.directory();
    stack.shell(&format!(
        "cd {directory} && echo precious > data/database && echo mine > conf/foreign && echo mine > notes && \
         ln -s /etc/hostname link && mkdir -p .windlass/mine && echo mine > .windlass/mine/file"
    ));
    stack.workspace.expect_no_changes();
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
    let left = stack.shell(&format!("cd {directory} && find . -not -type d | sort"));
    assert_eq!(
        left.lines().collect::<Vec<_>>(),
        ["./.windlass/mine/file", "./conf/foreign", "./data/database", "./link", "./notes"]
    );

    // What a service wrote does not keep the stack from coming back to it.
    stack.workspace.converge();
    assert_eq!(stack.shell(&format!("cat {directory}/data/database")), "precious");
}

#[test]
fn a_network_that_others_use_stays_with_a_warning() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    let stack = Stack::on(&lab, &host);
    stack.configure_one_service();
    stack.workspace.apply().expect_success();
    // A foreign container in the stack's network, which therefore cannot be removed.
    let network = format!("{}_default", stack.name);
    let stranger = [
        "docker",
        "run",
        "-d",
        "--name",
        "stranger",
        "--network",
        &network,
        stack.image("busybox"),
        "sleep",
        "99",
    ];
    stack.root_runs(&stranger);
    let run = stack.workspace.destroy().expect_success();
    run.expect_warning("still in use").says(&format!("network {network}")).says("docker network rm");
    assert!(stack.containers().is_empty());
    assert!(stack.workspace.state(STACK).is_null());
    // It can come back to it.
    stack.workspace.converge();
    stack.root_runs(&["docker", "rm", "-f", "stranger"]);
    stack.workspace.destroy().expect_success();
    let left = ["docker", "network", "ls", "-q", "--filter", &format!("name={network}")];
    assert_eq!(stack.root_runs(&left), "");
}
