//! Who logs in, with what.

use std::{
    os::unix::net::UnixStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use acceptance_tests::{SecretHunt, Workspace, hcl};
use lab::{Lab, Variant};

use crate::{HOST, bare_host, lab_key, provider};

/// A real ssh-agent, ended when it is dropped.
struct AgentProcess(Child);

impl AgentProcess {
    fn start(socket: &Path, key: &Path) -> Self {
        let agent = Command::new("ssh-agent").arg("-D").arg("-a").arg(socket).stdout(Stdio::null()).spawn();
        let agent = Self(agent.unwrap());
        let until = Instant::now() + Duration::from_secs(20);
        // The socket is there a moment before anybody listens.
        while UnixStream::connect(socket).is_err() {
            assert!(Instant::now() < until, "ssh-agent does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
        let mut add = Command::new("ssh-add");
        add.arg("-q").arg(key).env("SSH_AUTH_SOCK", socket).stderr(Stdio::null());
        assert!(add.status().unwrap().success());
        agent
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn keygen(arguments: &[&str]) {
    let output = Command::new("ssh-keygen").args(arguments).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn every_way_to_give_a_key_works() {
    let lab = Lab::current().unwrap();
    let host = lab.host(Variant::Deploy).unwrap();
    let key = format!("host_key = {}", hcl::quoted(&host.host_key));
    let mut workspace = Workspace::for_test();
    let hunt = SecretHunt::new(&["correct horse battery staple"]);
    let private = std::fs::read_to_string(&host.private_key_file).unwrap();
    let locked = workspace.path().join("locked");
    std::fs::copy(&host.private_key_file, &locked).unwrap();
    let file = locked.to_str().unwrap().to_owned();
    keygen(&["-q", "-p", "-f", &file, "-N", "correct horse battery staple", "-P", ""]);

    // A file with a passphrase, and a block that a host chooses by its name.
    let ops = format!(
        "provider \"windlass\" {{\n  ssh {{\n    private_key_file = \"/no/such/file\"\n  }}\n  ssh {{\n    name = \"ops\"\n    \
         user = \"deploy\"\n    private_key_file = {}\n    passphrase = var.passphrase\n  }}\n}}\n\
         variable \"passphrase\" {{\n  type = string\n  sensitive = true\n}}\n",
        hcl::quoted(&file)
    );
    workspace.env("TF_VAR_passphrase", "correct horse battery staple");
    workspace.write("main.tf", &(ops + &bare_host(host, &[&key, "identity = \"ops\""])));
    hunt.in_run(&workspace.apply().expect_success());
    workspace.expect_no_changes();
    assert!(workspace.state(HOST)["connection"].as_str().unwrap().contains("identity=ops"));

    // Nothing in the configuration: the environment.
    workspace.env("WINDLASS_SSH_PRIVATE_KEY", &private).env("WINDLASS_SSH_USER", "deploy");
    workspace.write("main.tf", &bare_host(host, &[&key]));
    workspace.expect_change(HOST, &["update"]);
    workspace.converge_as_planned();
    workspace.env("WINDLASS_SSH_PRIVATE_KEY", "");
    workspace.env("WINDLASS_SSH_PRIVATE_KEY_FILE", host.private_key_file.to_str().unwrap());
    workspace.expect_no_changes();

    // An agent.
    let socket = workspace.path().join("agent.sock");
    let _agent = AgentProcess::start(&socket, &host.private_key_file);
    workspace.env("WINDLASS_SSH_PRIVATE_KEY_FILE", "").env("SSH_AUTH_SOCK", socket.to_str().unwrap());
    workspace.write("main.tf", &(provider(&["agent = true"]) + &bare_host(host, &[&key])));
    workspace.expect_no_changes();

    // The key itself, in a variable.
    workspace.env("SSH_AUTH_SOCK", "").env("TF_VAR_key", &private);
    let variable = "variable \"key\" {\n  type = string\n  sensitive = true\n}\n";
    workspace
        .write("main.tf", &(provider(&["private_key = var.key"]) + variable + &bare_host(host, &[&key])));
    workspace.expect_no_changes();
}

#[test]
fn a_refusal_says_who_was_refused_and_what_was_tried() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let key = format!("host_key = {}", hcl::quoted(&host.host_key));
    let workspace = Workspace::for_test();
    let file = workspace.path().join("stranger");
    keygen(&["-q", "-t", "ed25519", "-N", "", "-f", file.to_str().unwrap()]);
    let setting = format!("private_key_file = {}", hcl::quoted(file.to_str().unwrap()));
    workspace.write("main.tf", &(provider(&[&setting]) + &bare_host(&host, &[&key, "user = \"deploy\""])));
    let run = workspace.apply();
    let error = run.expect_error();
    error.says("refused user deploy").says("stranger").says("authorized_keys").says("host key is right");
    // It is the host's last word, so it is not asked for ten minutes.
    assert!(run.took < Duration::from_secs(60), "{:?}", run.took);

    workspace.write(
        "main.tf",
        &(provider(&["private_key_file = \"/no/such/file\""]) + &bare_host(&host, &[&key])),
    );
    workspace.apply().expect_error().says("/no/such/file").says("`ssh` block");
    workspace
        .write("main.tf", &(provider(&[&lab_key(&lab)]) + &bare_host(&host, &[&key, "identity = \"ops\""])));
    workspace.apply().expect_error().says("\"ops\"");
}
