//! Connections that break in the middle of an apply.

use std::thread;

use lab::{Lab, Variant};

use crate::{
    gate,
    story::{expect_story, is_tainted},
};
use acceptance_tests::{STACK, Stack};

#[test]
fn a_cut_while_services_start_is_told_and_repaired() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let stack = Stack::on(&lab, &host);
    gate::write(&stack, "");
    let apply = stack.workspace.start_apply();
    gate::reached(&stack);
    assert!(lab.kill_connections(&host).unwrap() > 0, "there was nothing to cut");
    let run = apply.finish();
    let parts = [
        "connection",
        "Its containers now: ",
        "slow-1 (starting)",
        "The stack is recorded",
        "the same command again",
    ];
    expect_story(&run, &stack.could_not("start"), &parts);
    assert!(is_tainted(&stack.workspace, STACK));
    assert_eq!(stack.workspace.state(STACK)["services"]["slow"]["status"], "starting");

    gate::open(&stack);
    stack.workspace.converge();

    // The same for a change: what was not to be touched goes on.
    gate::close(&stack);
    gate::write(&stack, &stack.compose_file("failures/gate-more.part.yaml", &[]));
    gate::until("slow is unhealthy or starting again", || {
        let name = format!("{}-slow-1", stack.name);
        stack.root_runs(&["docker", "restart", &name]);
        stack.root_runs(&["docker", "ps"]).contains("health: starting")
    });
    let before = stack.containers();
    let apply = stack.workspace.start_apply();
    gate::until("the new service is made", || stack.containers().contains_key("more"));
    assert!(lab.kill_connections(&host).unwrap() > 0, "there was nothing to cut");
    let run = apply.finish();
    expect_story(
        &run,
        &stack.could_not("update"),
        &[
            "connection",
            "Its containers now: ",
            "It was not rolled back, because the connection to the host broke.",
            "The next apply goes on from here.",
            "the same command again",
        ],
    );
    assert!(!is_tainted(&stack.workspace, STACK));
    stack.workspace.expect_change(STACK, &["update"]);
    gate::open(&stack);
    stack.workspace.converge();
    assert_eq!(stack.containers()["app"], before["app"]);
}

#[test]
fn a_cut_while_files_are_shipped_leaves_the_old_ones() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    let stack = Stack::on(&lab, &host);
    stack.workspace.write("app/compose.yaml", &stack.one_service());
    stack.workspace.write("app/small", "old\n");
    stack.configure("source_dir = \"${path.module}/app\"");
    stack.workspace.apply().expect_success();
    let before = stack.containers();
    let directory = stack.directory();

    stack.workspace.write("app/small", "new\n");
    stack.workspace.write("app/large", &"0123456789abcdef".repeat(4 << 20));
    let cutter = format!(
        "for i in $(seq 3000); do find {directory} -path '*.staging*' -type f -size +1M 2>/dev/null | grep -q . && break; \
         sleep 0.01; done; pkill -KILL -c -f '^sshd-(session|auth)' || true"
    );
    let run = thread::scope(|scope| {
        let cut = scope.spawn(|| stack.shell(&cutter));
        let run = stack.workspace.apply();
        assert_ne!(cut.join().unwrap(), "0", "there was nothing to cut");
        run
    });
    expect_story(
        &run,
        &stack.could_not("update"),
        &["connection", "Its containers now: ", "The next apply goes on from here."],
    );
    assert_eq!(stack.containers(), before);
    assert_eq!(stack.shell(&format!("cat {directory}/small")), "old");
    assert!(!stack.exists(&format!("{directory}/large")));

    stack.workspace.converge();
    assert_eq!(
        stack.shell(&format!("cat {directory}/small; ls -A {directory} | grep -c windlass-; true")),
        "new\n0"
    );
}

#[test]
fn a_cut_while_it_is_rolled_back_is_told_and_repaired() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    let stack = Stack::on(&lab, &host);
    stack.provider("", "connect_timeout = \"2s\"");
    let write = |version: &str, check: &str| {
        let more = format!(
            "    environment: {{ V: \"{version}\" }}\n    volumes: [\"/srv/{}:/gate\"]\n    \
             healthcheck: {{ {check}, interval: 300ms }}\n",
            stack.name
        );
        stack.configure_text(&format!("{}{more}", stack.one_service()));
    };
    let well = "test: [CMD, test, -e, /gate/open], start_period: 200s";
    let ill = "test: [CMD, \"false\"], retries: 1";
    gate::open(&stack);
    write("1", well);
    stack.workspace.apply().expect_success();

    // The old version has to be waited for again, and nobody opens its gate.
    gate::close(&stack);
    write("2", ill);
    let apply = stack.workspace.start_apply();
    let runs = |version: &str| {
        let line = format!("docker exec {}-app-1 sh -c 'echo $V' 2>/dev/null || true", stack.name);
        stack.shell(&line) == version
    };
    gate::until("the new version runs", || runs("2"));
    gate::until("the old version runs again", || runs("1"));
    // A cut alone is survived where nothing is on its way: the next question connects anew.
    lab.stop_sshd(&host).unwrap();
    assert!(lab.kill_connections(&host).unwrap() > 0, "there was nothing to cut");
    let run = apply.finish();
    lab.start_sshd(&host).unwrap();
    let parts =
        ["is unhealthy", "What runs now is not known", "Taking it back failed too", "The next apply goes on"];
    expect_story(&run, &stack.could_not("update"), &parts);
    let diagnostics = run.diagnostics();
    let second = diagnostics.iter().find(|one| one.summary == stack.could_not("roll back")).unwrap();
    second.says(&host.address).says("between what it was and what it should have become.");
    stack.workspace.expect_change(STACK, &["update"]);

    // What was good is still what a failure goes back to.
    gate::open(&stack);
    write("3", ill);
    let run = stack.workspace.apply();
    expect_story(&run, &stack.could_not("update"), &["is unhealthy", "runs as before the apply: "]);
    assert_eq!(stack.variable("app", "V"), "1");
    write("1", well);
    stack.workspace.converge();
}

#[test]
fn a_host_without_sshd_keeps_its_state() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let stack = Stack::on(&lab, &host);
    stack.provider("", "connect_timeout = \"2s\"");
    stack.configure_one_service();
    stack.workspace.apply().expect_success();
    let state = stack.workspace.state(STACK);
    lab.stop_sshd(&host).unwrap();
    lab.kill_connections(&host).unwrap();
    let run = stack.workspace.plan();
    let parts = ["did not answer", &host.address, "Nothing was changed.", "firewall"];
    expect_story(&run, &stack.could_not("read"), &parts);
    let run = stack.workspace.run(&["destroy", "-refresh=false", "-auto-approve", "-json"]);
    expect_story(&run, &stack.could_not("destroy"), &["did not answer", "still there"]);
    assert_eq!(stack.workspace.state(STACK), state);
    lab.start_sshd(&host).unwrap();
    stack.workspace.expect_no_changes();
}

#[test]
fn a_host_that_falls_silent_in_the_middle_is_told_and_repaired() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let stack = Stack::on(&lab, &host);
    stack.provider("", "connect_timeout = \"3s\"");
    gate::write(&stack, "");
    let apply = stack.workspace.start_apply();
    gate::reached(&stack);
    lab.cut(&host).unwrap();
    let run = apply.finish();
    lab.restore(&host).unwrap();
    let parts = [&host.address, "What runs now is not known", "The stack is recorded"];
    expect_story(&run, &stack.could_not("start"), &parts);
    assert!(run.took.as_secs() < 120, "it took {:?}", run.took);
    assert!(is_tainted(&stack.workspace, STACK));
    gate::open(&stack);
    stack.workspace.converge();
}
