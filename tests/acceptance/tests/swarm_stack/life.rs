//! From nothing to a stack, through changes, to nothing.

use lab::Lab;

use crate::swarm::{DEPLOY, STACK, Swarm};

const JOB: &str = "    deploy: { mode: replicated-job, restart_policy: { condition: none } }\n";

/// Three services, one of them a job, with a config and a volume.
fn compose(swarm: &Swarm<'_>, tag: &str, conf: &str) -> String {
    let api = format!(
        "    environment: {{ TAG: {tag} }}\n    volumes: [data:/data]\n    configs: [{{ source: conf, target: /etc/app.conf }}]\n{}",
        DEPLOY.replace("deploy:\n", "deploy:\n      replicas: 2\n")
    );
    [
        "services:\n".to_owned(),
        swarm.service("api", "exec httpd -f -p 80", &api),
        swarm.service("worker", "while :; do sleep 1; done", DEPLOY),
        swarm.service("migrate", "echo run >> /runs; exit 0", JOB),
        format!("volumes: {{ data: {{}} }}\nconfigs: {{ conf: {{ content: {conf} }} }}\n"),
    ]
    .concat()
}

#[test]
fn a_stack_is_deployed_changed_and_destroyed() {
    let lab = Lab::current().unwrap();
    let swarm = Swarm::new(&lab);
    let stack = swarm.name.clone();
    swarm.stack(&compose(&swarm, "one", "first"), "");
    swarm.workspace.converge();
    let state = swarm.workspace.state(STACK);
    assert_eq!(state["swarm"], swarm.asks(&["info", "--format", "{{.Swarm.Cluster.ID}}"]).as_str());
    assert_eq!(swarm.shown("api")["replicas"], 2);
    assert_eq!(
        (&swarm.shown("api")["mode"], &swarm.shown("api")["status"]),
        (&"replicated".into(), &"running".into())
    );
    assert_eq!(swarm.shown("migrate")["status"], "job");
    assert_eq!(swarm.in_task("api", "cat /etc/app.conf; echo $TAG"), "firstone");
    // Services find each other by the short names of the files.
    assert_eq!(swarm.in_task("worker", "wget -q -O- http://api/etc/app.conf"), "first");

    let before = swarm.versions();
    assert_eq!(before.len(), 3);
    swarm.stack(&compose(&swarm, "two", "first"), "");
    let change = swarm.workspace.expect_change(STACK, &["update"]);
    let differs = |name: &str| change.before["services"][name] != change.after["services"][name];
    assert_eq!((differs("api"), differs("worker"), differs("migrate")), (true, false, false));
    assert_ne!(
        change.before["services"]["api"]["environment_hash"],
        change.after["services"]["api"]["environment_hash"]
    );
    assert_eq!(change.before["services"]["api"]["files_hash"], change.after["services"]["api"]["files_hash"]);
    swarm.workspace.converge();
    // One update, and none of what did not change: the job did not run again.
    let after = swarm.versions();
    for (name, is_same) in [("api", false), ("worker", true), ("migrate", true)] {
        let name = format!("{stack}_{name}");
        assert_eq!(before[&name] == after[&name], is_same, "{name}: {before:?} {after:?}");
    }
    let runs = swarm.asks(&["service", "ps", "--quiet", &format!("{stack}_migrate")]);
    assert_eq!(runs.lines().count(), 1);

    // Another content is another config, and the old one goes.
    let old = swarm.listed("config");
    swarm.stack(&compose(&swarm, "two", "second"), "");
    swarm.workspace.converge();
    assert_eq!(swarm.in_task("api", "cat /etc/app.conf"), "second");
    let new = swarm.listed("config");
    assert!(new.len() == 1 && new != old, "{old:?} {new:?}");

    // What leaves the files goes.
    let rest =
        ["services:\n".to_owned(), swarm.service("worker", "while :; do sleep 1; done", DEPLOY)].concat();
    swarm.stack(&rest, "");
    swarm.workspace.converge();
    assert_eq!(swarm.listed("service"), [format!("{stack}_worker")]);
    assert!(swarm.listed("config").is_empty());

    swarm.workspace.destroy().expect_success();
    for kind in ["service", "network", "secret", "config"] {
        assert!(swarm.listed(kind).is_empty(), "{kind}");
    }
    assert_eq!(swarm.records(), [""; 0], "neither a record nor a lock stays");
}

#[test]
fn a_stack_of_docker_stack_deploy_is_adopted_by_an_import() {
    let lab = Lab::current().unwrap();
    let swarm = Swarm::new(&lab);
    let compose =
        ["version: '3.8'\nservices:\n".to_owned(), swarm.service("worker", "sleep 1000000", DEPLOY)].concat();
    let compose_now = compose.replace("version: '3.8'\n", "");
    swarm.write_on_host("/tmp/stack.yaml", &compose);
    swarm.asks(&["stack", "deploy", "--compose-file", "/tmp/stack.yaml", &swarm.name]);
    swarm.stack(&compose_now, "");
    let error = swarm.workspace.apply().expect_error();
    error.says("already: worker").says("import");
    swarm.workspace.import(STACK, &swarm.import_id()).expect_success();
    swarm.workspace.expect_change(STACK, &["update"]);
    swarm.workspace.converge();
    let tasks = swarm.asks(&["service", "ps", "--quiet", &format!("{}_worker", swarm.name)]);
    assert_eq!(tasks.lines().count(), 1, "what runs as it should is not started again");
    swarm.workspace.destroy().expect_success();
}
