//! `windlass_host`, the resource and the data source, and the ways to reach a machine.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bootstrap;
mod keys;
mod life;
mod login;
mod replaced;
mod shells;
mod waits;

use acceptance_tests::hcl::quoted;
use lab::{Host, Lab};

/// The address of every resource of these tests.
const HOST: &str = "windlass_host.it";

/// A `windlass_host` called `it` for the address of `host`, with these lines and nothing else.
fn bare_host(host: &Host, lines: &[&str]) -> String {
    format!(
        "resource \"windlass_host\" \"it\" {{\n  address = {}\n  {}\n}}\n",
        quoted(&host.address),
        lines.join("\n  ")
    )
}

/// The `provider` block with these `ssh` settings.
fn provider(ssh: &[&str]) -> String {
    format!("provider \"windlass\" {{\n  ssh {{\n    {}\n  }}\n}}\n", ssh.join("\n    "))
}

/// The setting for the key that every host of the lab accepts.
fn lab_key(lab: &Lab) -> String {
    format!("private_key_file = {}", quoted(&lab.hosts()[0].private_key_file.to_string_lossy()))
}

/// Starts a second sshd on port 2222 of `host`, which writes down what it is asked for.
fn talkative_sshd(lab: &Lab, host: &Host) {
    let line = [
        "/usr/sbin/sshd",
        "-E",
        "/tmp/sshd.log",
        "-o",
        "LogLevel=DEBUG1",
        "-o",
        "PidFile=none",
        "-p",
        "2222",
    ];
    lab.exec_ok(host, &line).unwrap();
}

/// What it wrote so far.
fn sshd_log(lab: &Lab, host: &Host) -> String {
    lab.exec_ok(host, &["cat", "/tmp/sshd.log"]).unwrap()
}
