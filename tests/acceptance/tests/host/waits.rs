//! Machines that are not ready yet, and some that never are.

use std::time::Duration;

use acceptance_tests::{Workspace, hcl};
use lab::{Host, Lab, Variant};

use crate::{HOST, bare_host, lab_key, provider};

fn key_of(host: &Host) -> String {
    format!("host_key = {}", hcl::quoted(&host.host_key))
}

/// Puts a `cloud-init` on the host that waits a second and ends with `status`.
fn cloud_init(lab: &Lab, host: &Host, status: u8) {
    let script = format!(
        "#!/bin/sh\n[ \"$*\" = \"status --wait\" ] || exit 64\nsleep 1\ntouch /tmp/waited\necho 'status: {status}'\nexit {status}\n"
    );
    let install = ["install", "-m", "755", "/dev/stdin", "/usr/bin/cloud-init"];
    assert!(lab.exec_with_input(host, &install, script.as_bytes()).unwrap().status.success());
    lab.exec_ok(host, &["rm", "-f", "/tmp/waited"]).unwrap();
}

#[test]
fn a_machine_that_boots_is_waited_for_and_so_is_its_cloud_init() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    let key = key_of(&host);
    let workspace = Workspace::for_test();
    let configure = |lines: &[&str]| {
        let lines = [&[key.as_str()][..], lines].concat();
        workspace.write("main.tf", &(provider(&[&lab_key(&lab)]) + &bare_host(&host, &lines)));
    };
    let waited = || lab.exec(&host, &["test", "-e", "/tmp/waited"]).unwrap().status.success();

    // sshd comes up after the apply has begun.
    cloud_init(&lab, &host, 0);
    lab.stop_sshd(&host).unwrap();
    configure(&[]);
    let mut apply = workspace.start_apply();
    std::thread::sleep(Duration::from_secs(3));
    assert!(apply.is_running());
    lab.start_sshd(&host).unwrap();
    apply.finish().expect_success();
    assert!(waited());
    workspace.expect_no_changes();

    // Done, with errors that it got over: cloud-init(1) says 2.
    cloud_init(&lab, &host, 2);
    configure(&["instance = \"2\""]);
    workspace.apply().expect_success().expect_warning("had errors");
    assert!(waited());

    // Failed.
    cloud_init(&lab, &host, 1);
    configure(&["instance = \"3\""]);
    let error = workspace.apply().expect_error();
    error
        .says("Could not create host")
        .says("cloud-init")
        .says("status 1")
        .says("wait_for_cloud_init = false");
    assert!(workspace.state(HOST).is_null());
    cloud_init(&lab, &host, 1);
    configure(&["instance = \"3\"", "wait_for_cloud_init = false"]);
    workspace.apply().expect_success();
    assert!(!waited());
    workspace.expect_no_changes();
}

#[test]
fn who_never_answers_is_given_up_in_time() {
    let lab = Lab::current().unwrap();
    let host = lab.host(Variant::Root).unwrap();
    let workspace = Workspace::for_test();
    let quick = "timeouts {\n    create = \"4s\"\n  }";
    let key = key_of(host);
    let settings = [&lab_key(&lab)[..], "connect_timeout = \"2s\""];

    // Nobody listens.
    workspace.write("main.tf", &(provider(&settings) + &bare_host(host, &[&key, "port = 1", quick])));
    let run = workspace.apply();
    run.expect_error().says("Could not create host").says("did not answer").says("efused").says("firewall");
    assert!(run.took < Duration::from_secs(60), "{:?}", run.took);

    // Nobody is there: TEST-NET-1 of RFC 5737.
    let nowhere = bare_host(host, &[&key, quick]).replace(&host.address, "192.0.2.1");
    workspace.write("main.tf", &(provider(&settings) + &nowhere));
    let run = workspace.apply();
    run.expect_error().says("did not answer").says("192.0.2.1");
    assert!(run.took < Duration::from_secs(60), "{:?}", run.took);
}
