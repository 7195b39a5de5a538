//! What stands between a login and a command: start-up files, accounts without a shell, sudo.

use acceptance_tests::{Workspace, hcl};
use lab::{Host, Lab, Variant};

use crate::{HOST, bare_host, lab_key, provider};

/// A `windlass_host` and, on it, a file at `path` and a command that is looked at.
fn configuration(lab: &Lab, host: &Host, path: &str, lines: &[&str]) -> String {
    let key = format!("host_key = {}", hcl::quoted(&host.host_key));
    let lines: Vec<&str> = lines.iter().copied().chain([key.as_str()]).collect();
    provider(&[&lab_key(lab)])
        + &bare_host(host, &lines)
        + &format!(
            "resource \"windlass_file\" \"note\" {{\n  host    = {HOST}.connection\n  path    = \"{path}\"\n  \
             content = \"one line\\n\"\n}}\nresource \"windlass_command\" \"greeting\" {{\n  host   = {HOST}.connection\n  \
             create = [\"true\"]\n  read   = [\"echo\", \"exactly this\"]\n}}\n"
        )
}

#[test]
fn what_a_login_prints_is_in_no_output_and_is_told_once() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let workspace = Workspace::for_test();
    let path = "/home/deploy/note.txt";
    workspace.write("main.tf", &configuration(&lab, &host, path, &["user = \"deploy\""]));
    workspace.converge();

    // Somebody adds a greeting: nothing has drifted.
    let greeting = "echo \"Welcome to $(hostname): disk=42%\"";
    let line = format!(
        "printf '%s\\n' '{greeting}' | cat - /home/deploy/.bashrc >/root/rc && cp /root/rc /home/deploy/.bashrc"
    );
    lab.exec_ok(&host, &["sh", "-c", &line]).unwrap();
    workspace.expect_no_changes();
    let told = workspace.plan().expect_success();
    let warning = told.expect_warning("Welcome to");
    assert!(
        warning.summary.contains("The login of deploy@") && warning.detail.contains("~/.bashrc"),
        "{warning:?}"
    );
    let times = told.diagnostics().iter().filter(|one| one.summary.contains("Welcome to")).count();
    assert_eq!(times, 1, "{told:?}");

    workspace.destroy().expect_success();
    workspace.converge();
    assert_eq!(workspace.state("windlass_command.greeting")["output"], "exactly this");
    assert_eq!(lab.exec(&host, &["cat", path]).unwrap().stdout, b"one line\n");
}

#[test]
fn a_login_that_joins_the_streams_is_refused_before_it_runs_anything() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let workspace = Workspace::for_test();
    let path = "/home/deploy/note.txt";
    workspace.write("main.tf", &configuration(&lab, &host, path, &["user = \"deploy\""]));
    let before = lab.exec(&host, &["cat", "/home/deploy/.bashrc"]).unwrap().stdout;
    let write = |text: &[u8]| {
        assert!(lab.exec_with_input(&host, &["tee", "/home/deploy/.bashrc"], text).unwrap().status.success());
    };
    write(b"exec 2>&1\n");
    let error = workspace.apply().expect_error();
    error.says("Could not create host").says("cannot be told").says("`exec 2>&1`").says("~/.bashrc");
    write(&before);
    workspace.converge();
    write(b"exec 2>&1\n");
    let error = workspace.plan().expect_error();
    error.says("Could not plan").says("cannot be told");
    write(&before);
    workspace.expect_no_changes();
    workspace.destroy().expect_success();
}

#[test]
fn a_login_that_runs_no_command_is_quoted_and_nothing_is_recorded() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    let workspace = Workspace::for_test();
    workspace.write("main.tf", &configuration(&lab, &host, "/root/note.txt", &[]));

    // As cloud-init leaves root's key.
    let notice = "Please login as the user \\\"admin\\\" rather than the user \\\"root\\\".";
    let keys = "/root/.ssh/authorized_keys";
    let before = lab.exec_ok(&host, &["cat", keys]).unwrap();
    let forced = format!("no-port-forwarding,command=\"echo '{notice}';echo;exit 142\" {before}");
    let write = |text: &str| {
        assert!(lab.exec_with_input(&host, &["tee", keys], text.as_bytes()).unwrap().status.success());
    };
    write(&forced);
    let error = workspace.apply().expect_error();
    error.says("Could not create host").says("Please login as the user \"admin\"").says("`user`");
    assert!(!error.detail.contains("said nothing"), "{error:?}");
    assert!(workspace.state(HOST).is_null());
    let data =
        format!("data \"windlass_host\" \"it\" {{\n  host = {}\n}}\n", hcl::quoted(&hcl::connection(&host)));
    let looking = Workspace::for_test();
    looking.write("main.tf", &(provider(&[&lab_key(&lab)]) + &data));
    looking.plan().expect_error().says("Please login as the user \"admin\"").says("`user`");

    write(&before);
    let shell = |path: &str| lab.exec_ok(&host, &["usermod", "--shell", path, "root"]).unwrap();
    shell("/usr/sbin/nologin");
    workspace.apply().expect_error().says("This account is currently not available.").says("usermod --shell");
    shell("/bin/bash");
    workspace.converge();
}

#[test]
fn sudo_that_refuses_is_quoted_with_the_program_and_the_line_that_is_missing() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Sudo).unwrap();
    let workspace = Workspace::for_test();
    let lines = ["user = \"admin\"", "sudo = true"];
    workspace.write("main.tf", &configuration(&lab, &host, "/etc/note.conf", &lines));
    let sudoers = |text: &str| {
        let tee = ["tee", "/etc/sudoers.d/lab"];
        assert!(lab.exec_with_input(&host, &tee, text.as_bytes()).unwrap().status.success());
    };
    let everything = "admin ALL=(ALL:ALL) NOPASSWD: ALL\n";

    sudoers(&format!("Defaults:admin requiretty\n{everything}"));
    let error = workspace.apply().expect_error();
    error.says("tty").says("`Defaults:admin !requiretty`");
    assert!(!error.detail.contains("NOPASSWD") && !error.detail.contains("password"), "{error:?}");

    sudoers("admin ALL=(root) NOPASSWD: /usr/bin/docker\n");
    let error = workspace.apply().expect_error();
    error.says("sudo: a password is required").says("did not run \"").says("admin ALL=(root) NOPASSWD: ALL");

    let found = lab
        .exec_ok(&host, &["sh", "-c", "ls -d /etc/note.conf /tmp/windlass-* 2>/dev/null || true"])
        .unwrap();
    assert_eq!(found, "");
    sudoers("admin ALL=(root) NOPASSWD: ALL\n");
    workspace.converge();
    assert_eq!(lab.exec(&host, &["cat", "/etc/note.conf"]).unwrap().stdout, b"one line\n");
    workspace.destroy().expect_success();
}
