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
    let apply = stack.space.start_apply();
    gate::reached(&stack);
    assert!(lab.kill_connections(&host).unwrap() > 0, "there was nothing to cut");
    let run = apply.finish();
    let parts = ["connection", "Its containers now: ", "slow-1 (starting)", "The stack is recorded"];
    expect_story(&run, &stack.could_not("start"), &parts);
    assert!(is_tainted(&stack.space, STACK));
    assert_eq!(stack.space.state(STACK)["services"]["slow"]["status"], "starting");

    gate::open(&stack);
    stack.space.apply().expect_success();
    stack.space.expect_no_changes();

    // The same for a change: what was not to be touched goes on.
    gate::close(&stack);
    gate::write(
        &stack,
        &format!(
            "  more:\n    image: {}\n    command: [\"true\"]\n    depends_on: {{ slow: {{ condition: service_healthy }} }}\n    labels: {{ windlass.job: \"true\" }}\n",
            stack.image("busybox")
        ),
    );
    gate::until("slow is unhealthy or starting again", || {
        let name = format!("{}-slow-1", stack.name);
        stack.root_runs(&["docker", "restart", &name]);
        stack.root_runs(&["docker", "ps"]).contains("health: starting")
    });
    let before = stack.containers();
    let apply = stack.space.start_apply();
    gate::until("the new service is made", || stack.containers().contains_key("more"));
    assert!(lab.kill_connections(&host).unwrap() > 0, "there was nothing to cut");
    let run = apply.finish();
    expect_story(
        &run,
        &stack.could_not("update"),
        &["connection", "Its containers now: ", "The next apply goes on from here."],
    );
    assert!(!is_tainted(&stack.space, STACK));
    gate::open(&stack);
    stack.space.apply().expect_success();
    stack.space.expect_no_changes();
    assert_eq!(stack.containers()["app"], before["app"]);
}

#[test]
fn a_cut_while_files_are_shipped_leaves_the_old_ones() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    let stack = Stack::on(&lab, &host);
    stack.space.write("app/compose.yaml", &stack.one_service());
    stack.space.write("app/small", "old\n");
    stack.configure("source_dir = \"${path.module}/app\"");
    stack.space.apply().expect_success();
    let before = stack.containers();
    let directory = stack.directory();

    stack.space.write("app/small", "new\n");
    stack.space.write("app/large", &"0123456789abcdef".repeat(4 << 20));
    let cutter = format!(
        "for i in $(seq 3000); do find {directory} -path '*.staging*' -type f -size +1M 2>/dev/null | grep -q . && break; \
         sleep 0.01; done; pkill -KILL -c -f '^sshd-(session|auth)' || true"
    );
    let run = thread::scope(|scope| {
        let cut = scope.spawn(|| stack.shell(&cutter));
        let run = stack.space.apply();
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

    stack.space.apply().expect_success();
    stack.space.expect_no_changes();
    assert_eq!(
        stack.shell(&format!("cat {directory}/small; ls -A {directory} | grep -c windlass-; true")),
        "new\n0"
    );
}

#[test]
fn a_host_without_sshd_keeps_its_state() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let stack = Stack::on(&lab, &host);
    stack.provider("", "connect_timeout = \"2s\"");
    stack.configure_one_service();
    stack.space.apply().expect_success();
    let state = stack.space.state(STACK);
    lab.stop_sshd(&host).unwrap();
    lab.kill_connections(&host).unwrap();
    let run = stack.space.plan();
    let parts = ["did not answer", &host.address, "Nothing was changed.", "firewall"];
    expect_story(&run, &stack.could_not("read"), &parts);
    let run = stack.space.run(&["destroy", "-refresh=false", "-auto-approve", "-json"]);
    expect_story(&run, &stack.could_not("destroy"), &["did not answer", "still there"]);
    assert_eq!(stack.space.state(STACK), state);
    lab.start_sshd(&host).unwrap();
    stack.space.expect_no_changes();
}

#[test]
fn a_host_that_falls_silent_in_the_middle_is_told_and_repaired() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let stack = Stack::on(&lab, &host);
    stack.provider("", "connect_timeout = \"3s\"");
    gate::write(&stack, "");
    let apply = stack.space.start_apply();
    gate::reached(&stack);
    lab.cut(&host).unwrap();
    let run = apply.finish();
    lab.restore(&host).unwrap();
    let parts = [&host.address, "What runs now is not known", "The stack is recorded"];
    expect_story(&run, &stack.could_not("start"), &parts);
    assert!(run.took.as_secs() < 120, "it took {:?}", run.took);
    assert!(is_tainted(&stack.space, STACK));
    gate::open(&stack);
    stack.space.apply().expect_success();
    stack.space.expect_no_changes();
}
