//! `secrets_sops_file`: values of an encrypted file in the tasks of a stack.

use acceptance_tests::{Keys, SecretHunt};
use lab::Lab;

use crate::swarm::{DEPLOY, STACK, Swarm};

const FILE: &str = "secrets_sops_file = \"secrets.env\"";

#[test]
fn values_of_an_encrypted_file_reach_tasks_and_change_with_it() {
    let lab = Lab::current().unwrap();
    let mut swarm = Swarm::new(&lab);
    let (keys, other) = (Keys::generate(), Keys::generate());
    let values = ["wr-Kq7wPz2mX-1", "wr-Lr8vQy3nY-2"];
    let hunt = SecretHunt::new(&[values[0], values[1], &keys.identity]);
    hunt.log_everything(&mut swarm.workspace);
    let compose = [
        "services:\n".to_owned(),
        swarm.service("api", "exec sleep 1000000", &format!("    secrets: [writer]\n{DEPLOY}")),
        swarm.service("other", "exec sleep 1000000", DEPLOY),
        "secrets: { writer: { environment: WRITER } }\n".to_owned(),
    ]
    .concat();
    swarm.stack(&compose, FILE);
    keys.write(&swarm.workspace, "secrets.env", &format!("WRITER={}\n", values[0]));
    hunt.in_run(&swarm.workspace.plan().expect_success());
    swarm.workspace.env("SOPS_AGE_KEY", &other.identity);
    swarm
        .workspace
        .apply()
        .expect_error()
        .says(&format!("which is encrypted for {}", keys.recipient))
        .says("Nothing was changed.")
        .at("secrets_sops_file");
    assert!(swarm.listed("service").is_empty());

    swarm.workspace.env("SOPS_AGE_KEY", &keys.identity);
    swarm.workspace.converge();
    assert_eq!(swarm.in_task("api", "cat /run/secrets/writer"), values[0]);
    let first = swarm.listed("secret");
    assert_eq!(first.len(), 1);
    let before = swarm.versions();

    keys.write(&swarm.workspace, "secrets.env", &format!("WRITER={}\n", values[1]));
    let change = swarm.workspace.expect_change(STACK, &["update"]);
    assert_ne!(change.before["secrets_sops_hash"], change.after["secrets_sops_hash"]);
    hunt.in_run(&swarm.workspace.apply().expect_success());
    swarm.workspace.expect_no_changes();
    assert_eq!(swarm.in_task("api", "cat /run/secrets/writer"), values[1]);
    assert_ne!(swarm.listed("secret"), first);
    let stack = swarm.name.clone();
    assert_eq!(before[&format!("{stack}_other")], swarm.versions()[&format!("{stack}_other")]);
    hunt.in_workspace(&swarm.workspace);
    swarm.workspace.destroy().expect_success();
}
