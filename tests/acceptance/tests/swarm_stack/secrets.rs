//! Secrets that change.

use acceptance_tests::SecretHunt;
use lab::Lab;

use crate::swarm::{DEPLOY, Swarm};

/// Two users of a database, of which one owns the tables at a time, as in a rotation without downtime:
/// both change in one step.
fn compose(swarm: &Swarm<'_>) -> String {
    let api = format!(
        "    secrets: [writer, {{ source: reader, target: reader.txt, mode: 0400 }}]\n    environment: {{ DSN: \"db:${{PLAIN}}@x\" }}\n{DEPLOY}"
    );
    [
        "services:\n".to_owned(),
        swarm.service("api", "exec sleep 1000000", &api),
        swarm.service("other", "exec sleep 1000000", DEPLOY),
        "secrets: { writer: { environment: WRITER }, reader: { file: ./reader } }\n".to_owned(),
    ]
    .concat()
}

#[test]
fn two_secrets_change_in_one_update_and_are_seen_nowhere() {
    let lab = Lab::current().unwrap();
    let mut swarm = Swarm::new(&lab);
    let values =
        ["wr-Kq7wPz2mX-1", "rd-Kq7wPz2mX-1", "wr-Lr8vQy3nY-2", "rd-Lr8vQy3nY-2", "pl-$$Mx9${oops}-x"];
    let hunt = SecretHunt::new(&values);
    hunt.log_everything(&mut swarm.workspace);
    let variables =
        ["writer", "reader", "plain"].map(|name| format!("variable \"{name}\" {{ ephemeral = true }}\n"));
    swarm.workspace.write("variables.tf", &variables.concat());
    swarm.workspace.env("TF_VAR_plain", values[4]);
    let give = |swarm: &mut Swarm<'_>, writer: &str, reader: &str, version: &str| {
        swarm.workspace.env("TF_VAR_writer", writer).env("TF_VAR_reader", reader);
        let block = format!(
            "secrets_wo = {{ WRITER = var.writer, PLAIN = var.plain }}\n  secrets_wo_version = {version:?}\n  \
             secret_files_wo = {{ reader = var.reader }}\n  secret_files_wo_version = {version:?}"
        );
        swarm.stack(&compose(swarm), &block);
    };
    give(&mut swarm, values[0], values[1], "1");
    swarm.workspace.converge();
    let seen = |swarm: &Swarm<'_>| {
        swarm.in_task("api", "cat /run/secrets/writer /run/secrets/reader.txt; echo; echo $DSN")
    };
    assert_eq!(seen(&swarm), format!("{}{}\ndb:{}@x", values[0], values[1], values[4]));
    let stack = swarm.name.clone();
    let name = |what: &str| format!("{stack}_{what}");
    assert_eq!(swarm.listed("secret"), [name("reader-v1"), name("writer-v1")]);

    let before = swarm.versions();
    give(&mut swarm, values[2], values[3], "2");
    swarm.workspace.converge();
    assert_eq!(seen(&swarm), format!("{}{}\ndb:{}@x", values[2], values[3], values[4]));
    assert_eq!(swarm.listed("secret"), [name("reader-v2"), name("writer-v2")]);
    assert_eq!(before[&name("other")], swarm.versions()[&name("other")]);
    // Every task that there ever was has both of one version.
    let tasks = swarm.asks(&["service", "ps", "--quiet", "--no-trunc", &name("api")]);
    for task in tasks.lines() {
        let used = swarm.asks(&[
            "inspect",
            "--type",
            "task",
            task,
            "--format",
            "{{range .Spec.ContainerSpec.Secrets}}{{.SecretName}} {{end}}",
        ]);
        let versions: std::collections::BTreeSet<&str> =
            used.split(' ').filter_map(|name| name.rsplit_once("-v").map(|(_, version)| version)).collect();
        assert_eq!(versions.len(), 1, "{used}");
    }
    assert_eq!(tasks.lines().count(), 2);
    swarm.workspace.plan().expect_success();
    hunt.in_workspace(&swarm.workspace);
    swarm.workspace.destroy().expect_success();
    assert!(swarm.listed("secret").is_empty());
}
