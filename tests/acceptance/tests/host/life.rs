//! From the first apply to the end.

use acceptance_tests::{Workspace, hcl};
use lab::{Lab, Variant};

use crate::{HOST, bare_host, talkative_sshd};

#[test]
fn every_kind_of_host_tells_its_facts_and_can_be_imported() {
    let lab = Lab::current().unwrap();
    let workspace = Workspace::for_test();
    let configure = |more: &str| {
        let hosts: String = lab.hosts().iter().map(|host| hcl::host_block(&host.name, host, "")).collect();
        let data: String = lab
            .hosts()
            .iter()
            .map(|host| {
                let (name, connection) = (hcl::quoted(&host.name), hcl::quoted(&hcl::connection(host)));
                format!("data \"windlass_host\" {name} {{\n  host = {connection}\n}}\n")
            })
            .collect();
        workspace.write("main.tf", &(hcl::provider_block(&lab, "") + &hosts + &data + more));
    };
    configure("");
    workspace.converge();
    let mut imports = String::new();
    let addresses: Vec<_> = lab.hosts().iter().map(|host| format!("windlass_host.{}", host.name)).collect();
    for (host, to) in lab.hosts().iter().zip(&addresses) {
        let state = workspace.state(to);
        let data = workspace.state(&format!("data.windlass_host.{}", host.name));
        let asked = |words: &[&str]| lab.exec_ok(host, words).unwrap();
        assert_eq!(state["machine_id"], asked(&["cat", "/etc/machine-id"]), "{}", host.name);
        assert_eq!(state["hostname"], host.name);
        assert_eq!(state["arch"], asked(&["uname", "-m"]));
        assert_eq!(state["cpus"].to_string(), asked(&["getconf", "_NPROCESSORS_ONLN"]));
        assert_eq!(state["connection"], hcl::connection(host));
        assert_eq!(state["host_public_key"], host.host_key);
        let engine = asked(&["docker", "version", "--format", "{{.Server.Version}}"]);
        assert_eq!(state["docker_version"], engine, "{}", host.name);
        assert!(state["compose_version"].as_str().unwrap().contains('.'), "{state:#}");
        for fact in [
            "machine_id",
            "hostname",
            "os",
            "os_version",
            "memory_bytes",
            "docker_version",
            "compose_version",
        ] {
            assert_eq!(state[fact], data[fact], "{fact} of {}", host.name);
            assert!(!state[fact].is_null(), "{fact} of {}", host.name);
        }
        let id = hcl::quoted(&hcl::connection(host));
        imports += &format!("import {{\n  to = {to}\n  id = {id}\n}}\n");
    }
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    workspace.run(&[&["state", "rm"][..], &addresses].concat()).expect_success();
    configure(&imports);
    for (address, change) in workspace.changes() {
        assert!(address.starts_with("data.") || change.is_noop(), "{change:#?}");
        assert!(address.starts_with("data.") || !change.after["host_public_key"].is_null(), "{change:#?}");
    }
    workspace.converge_as_planned();
    workspace.destroy().expect_success();
}

#[test]
fn another_way_keeps_the_machine_and_another_instance_replaces_it() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    // The same machine as another user and on another port.
    lab.exec_ok(
        &host,
        &["install", "-D", "-m", "600", "/home/deploy/.ssh/authorized_keys", "/root/.ssh/authorized_keys"],
    )
    .unwrap();
    talkative_sshd(&lab, &host);
    let key = format!("host_key = {}", hcl::quoted(&host.host_key));
    let workspace = Workspace::for_test();
    let configure = |lines: &[&str]| {
        let lines = [&[key.as_str()][..], lines].concat();
        workspace.write("main.tf", &(hcl::provider_block(&lab, "") + &bare_host(&host, &lines)));
    };
    configure(&["user = \"deploy\""]);
    let change = workspace.expect_change(HOST, &["create"]);
    assert_eq!(change.unknown["connection"], true, "{change:#?}");
    workspace.converge_as_planned();
    let before = workspace.state(HOST);

    configure(&["user = \"root\"", "port = 2222"]);
    let change = workspace.expect_change(HOST, &["update"]);
    assert_eq!(change.after["machine_id"], before["machine_id"], "{change:#?}");
    let connection = change.after["connection"].as_str().unwrap().to_owned();
    assert!(connection.starts_with(&format!("ssh://root@{}:2222?host_key=", host.address)), "{connection}");
    workspace.converge_as_planned();
    assert_eq!(workspace.state(HOST)["connection"], connection);

    configure(&["user = \"root\"", "port = 2222", "instance = \"i-2\""]);
    let change = workspace.expect_change(HOST, &["delete", "create"]);
    assert_eq!(change.unknown["connection"], true, "what lives there must plan again: {change:#?}");
    assert_eq!(change.unknown["machine_id"], true);
    workspace.converge_as_planned();
    // It is but a way to a machine: that goes on without it.
    workspace.destroy().expect_success();
    lab.exec_ok(&host, &["true"]).unwrap();
}

#[test]
fn a_host_without_docker_can_be_changed_and_gets_docker_later() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Sudo).unwrap();
    // Docker is there for sudo alone, and not yet for that.
    let sudoers =
        |line: &str| lab.exec_ok(&host, &["sh", "-c", &format!("echo '{line}' >/etc/sudoers.d/lab")]);
    sudoers("").unwrap();
    let key = format!("host_key = {}", hcl::quoted(&host.host_key));
    let workspace = Workspace::for_test();
    let configure = |lines: &[&str]| {
        let lines = [&[key.as_str(), "user = \"admin\""][..], lines].concat();
        workspace.write("main.tf", &(hcl::provider_block(&lab, "") + &bare_host(&host, &lines)));
    };
    configure(&[]);
    workspace.converge();
    assert!(workspace.state(HOST)["docker_version"].is_null());

    // Nobody is asked: what was not there is not there.
    configure(&["wait_for_cloud_init = false"]);
    let change = workspace.expect_change(HOST, &["update"]);
    assert!(
        change.unknown["docker_version"].is_null() && change.unknown["compose_version"].is_null(),
        "{change:#?}"
    );
    workspace.converge_as_planned();
    assert!(workspace.state(HOST)["docker_version"].is_null());

    // By another way it may be there.
    sudoers("admin ALL=(root) NOPASSWD: /usr/bin/docker").unwrap();
    configure(&["wait_for_cloud_init = false", "sudo = \"docker\""]);
    workspace.expect_change(HOST, &["update"]);
    workspace.converge_as_planned();
    let engine = lab.exec_ok(&host, &["docker", "version", "--format", "{{.Server.Version}}"]).unwrap();
    assert_eq!(workspace.state(HOST)["docker_version"], engine);
    workspace.destroy().expect_success();
}

#[test]
fn mistakes_in_the_configuration_are_found_before_anything_is_reached() {
    let workspace = Workspace::for_test();
    for (line, says) in [
        ("host_key = \"nonsense\"", "host_key"),
        ("port = 70000", "65535"),
        ("jump = \"a b\"", "jump"),
        ("docker_socket = \"docker.sock\"", "absolute path"),
        ("timeouts {\n create = \"soon\"\n}", "timeouts.create"),
    ] {
        workspace.write(
            "main.tf",
            &format!("resource \"windlass_host\" \"it\" {{\n  address = \"192.0.2.1\"\n  {line}\n}}\n"),
        );
        workspace.plan().expect_error().says(says);
    }
    let run = workspace.import("windlass_host.it", "not a connection");
    assert_ne!(run.code, Some(0));
}
