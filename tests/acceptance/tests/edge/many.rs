//! Many of a kind.

use std::{fs, time::Instant};

use acceptance_tests::{STACK, Stack, is_full_run};
use lab::{Lab, Variant};

/// Services of the large stack.
const SERVICES: usize = 60;

#[test]
fn sixty_services_in_one_stack() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let stack = Stack::on(&lab, &host);
    let write = |changed: &str| {
        let mut text = "services:\n".to_owned();
        for number in 0..SERVICES {
            let value = if number == 30 { changed } else { "same" };
            let more = format!("    environment: {{ VALUE: {value} }}\n    network_mode: none\n");
            text += &stack.service(&format!("s{number}"), &more);
        }
        stack.configure_text(&text);
    };
    write("one");
    let begun = Instant::now();
    stack.workspace.apply().expect_success();
    eprintln!("{SERVICES} services: created in {:.1} s", begun.elapsed().as_secs_f64());
    stack.workspace.expect_no_changes();
    let before = stack.containers();
    assert_eq!(before.len(), SERVICES);

    write("two");
    let begun = Instant::now();
    stack.workspace.apply().expect_success();
    eprintln!("{SERVICES} services: one changed in {:.1} s", begun.elapsed().as_secs_f64());
    stack.workspace.expect_no_changes();
    let after = stack.containers();
    let changed: Vec<_> = before.iter().filter(|(name, ids)| after[*name] != **ids).collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
}

/// All at once on one host whose sshd is as Debian ships it: one connection, no more sessions than
/// it allows.
#[test]
fn many_stacks_on_one_host() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let settings = lab.exec_ok(&host, &["/usr/sbin/sshd", "-T"]).unwrap();
    for line in ["maxstartups 10:30:100", "maxsessions 10"] {
        assert!(settings.lines().any(|found| found == line), "sshd of the lab does not say {line:?}");
    }
    let stacks = if is_full_run() { 100 } else { 20 };
    let stack = Stack::on(&lab, &host);
    // Without networks: an engine has addresses for some thirty.
    let text = format!("services:\n{}", stack.service("app", "    network_mode: none\n"));
    stack.configure_text(&text);
    let file = stack.workspace.path().join("stack.tf");
    let one = fs::read_to_string(&file).unwrap();
    let own_name = format!("\"{}-${{count.index}}\"\n  count = {stacks}", stack.name);
    fs::write(&file, one.replace(&format!("\"{}\"", stack.name), &own_name)).unwrap();
    let run = |command: &[&str]| {
        let begun = Instant::now();
        let words = [command, &["-input=false", "-json", "-parallelism=50"]].concat();
        stack.workspace.run(&words).expect_success();
        eprintln!("{stacks} stacks: {} in {:.1} s", command[0], begun.elapsed().as_secs_f64());
    };
    run(&["apply", "-auto-approve"]);
    run(&["plan", "-detailed-exitcode"]);
    let running = || stack.shell("docker ps -q | wc -l");
    assert_eq!(running(), stacks.to_string());
    run(&["destroy", "-auto-approve"]);
    assert_eq!(running(), "0");
    assert!(stack.workspace.state(STACK).is_null());
}
