//! A leader whose engine is killed while a stack is applied.

use acceptance_tests::hcl;
use lab::{Host, Lab};

use crate::cluster::{Cluster, node, swarm};

const MANAGER: &str = "role = \"manager\"";
/// How long a task of the stack takes until it is well, in seconds: there is time to kill somebody.
const SLOW: u32 = 8;

/// Starts what the test has killed.
struct Killed<'a>(&'a Lab, &'a Host);

impl<'a> Killed<'a> {
    fn new(lab: &'a Lab, host: &'a Host) -> Self {
        lab.exec_ok(host, &["sh", "-c", "kill -9 $(cat /run/docker.pid)"]).unwrap();
        Self(lab, host)
    }
}

impl Drop for Killed<'_> {
    fn drop(&mut self) {
        let _ = self.0.start_docker(self.1);
    }
}

#[test]
fn an_apply_goes_on_or_says_how_things_stand_when_the_leader_is_killed() {
    let lab = Lab::current().unwrap();
    let cluster = Cluster::new(&lab);
    let [first, second, third, _] = &cluster.hosts;
    let nodes = [
        swarm("test", &[first, second, third], ""),
        node("a", "test", first, MANAGER),
        node("b", "test", second, MANAGER),
        node("c", "test", third, MANAGER),
    ];
    let configure = |managers: &[&Host], version: &str, place: &Host| {
        let stack = stack(&cluster, managers, version, place);
        cluster.workspace.write("main.tf", &(nodes.concat() + &stack));
    };
    let leads = |host: &Host, by: &Host| {
        let words = ["docker", "node", "inspect", &host.name, "--format", "{{.ManagerStatus.Leader}}"];
        lab.exec(by, &words).is_ok_and(|told| String::from_utf8_lossy(&told.stdout).trim() == "true")
    };
    configure(&[second, third, first], "one", third);
    cluster.workspace.converge();
    assert!(leads(first, second), "who has made the swarm leads it");
    // What one resource has been told counts for the others.
    assert_eq!(
        asked_by_a_plan(&cluster),
        ["configs", "info", "info", "nodes", "services", "swarm", "version", "version"]
    );

    // The manager that is asked stays: the others elect a leader, and the apply goes on.
    configure(&[second, third, first], "two", third);
    let running = cluster.workspace.start_apply();
    cluster.until("the new version to start", || versions(&cluster, third).contains(&"two".to_owned()));
    let killed = Killed::new(&lab, first);
    running.finish().expect_success();
    // The old task ends after the new one is well, and nobody waits for that.
    cluster.until("the old version to end", || versions(&cluster, third) == ["two"]);
    drop(killed);
    let is_ready = |host: &Host, by: &Host| {
        let format = "{{.Status.State}} {{.ManagerStatus.Reachability}}";
        let told = lab.exec(by, &["docker", "node", "inspect", &host.name, "--format", format]).unwrap();
        String::from_utf8_lossy(&told.stdout).trim() == "ready reachable"
    };
    cluster.until("the manager to be back", || is_ready(first, second));
    cluster.workspace.expect_no_changes();

    // The manager that is asked is the one that is killed: the apply ends, and the next one goes by another.
    let (leader, other) = if leads(second, first) { (second, third) } else { (third, second) };
    assert!(leads(leader, first));
    configure(&[leader, other, first], "three", other);
    let running = cluster.workspace.start_apply();
    cluster.until("the new version to start", || versions(&cluster, other).contains(&"three".to_owned()));
    let killed = Killed::new(&lab, leader);
    let run = running.finish();
    assert_ne!(run.code, Some(0), "{}", run.stdout);
    let told: Vec<String> =
        run.diagnostics().iter().map(|one| format!("{}\n{}", one.summary, one.detail)).collect();
    let told = told.concat();
    assert!(told.contains(&format!("Could not update swarm stack \"{}\"", cluster.name)), "{told}");
    assert!(told.contains("It could not be put back as it was either."), "{told}");
    cluster.workspace.apply().expect_success();
    cluster.until("the old version to end", || versions(&cluster, other) == ["three"]);
    drop(killed);
    cluster.until("the manager to be back", || is_ready(leader, first));
    cluster.workspace.expect_no_changes();
    cluster.workspace.destroy().expect_success();
}

/// What a plan that changes nothing asks the engines: the stack goes by another manager than the nodes.
fn asked_by_a_plan(cluster: &Cluster<'_>) -> Vec<String> {
    let mut command = cluster.workspace.command(&["plan", "-input=false", "-no-color", "-detailed-exitcode"]);
    let run = command.env("TF_LOG_PROVIDER", "DEBUG").output().unwrap();
    let log = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{log}");
    let calls = log.lines().filter(|line| line.contains("asked the engine"));
    // `GET /v1.45/nodes?…`, and `GET /version` before a version is agreed on.
    let what = |line: &str| -> String {
        let path = line.split("GET /").nth(1).unwrap_or(line);
        let path =
            path.strip_prefix("v1.").and_then(|path| path.split_once('/')).map_or(path, |(_, path)| path);
        path.chars().take_while(|letter| letter.is_ascii_alphabetic() || *letter == '/').collect()
    };
    let mut asked: Vec<String> = calls.map(what).collect();
    asked.sort();
    asked
}

/// A stack with a task on one node.
fn stack(cluster: &Cluster<'_>, managers: &[&Host], version: &str, place: &Host) -> String {
    let image = cluster.lab.image("busybox").unwrap();
    let compose = format!(
        "services:\n  app:\n    image: {image}\n    command: [sh, -c, \"sleep {SLOW}; touch /tmp/up; exec sleep 1000000\"]\n    \
         environment: {{ VERSION: {version} }}\n    init: true\n    stop_grace_period: 0s\n    healthcheck: {{ test: [CMD, test, -f, /tmp/up], \
         interval: 1s, retries: 60 }}\n    deploy:\n      endpoint_mode: dnsrr\n      placement: {{ constraints: [node.hostname=={}] }}\n      \
         update_config: {{ monitor: 1s, order: start-first }}\n",
        place.name
    );
    let managers: Vec<String> = managers.iter().map(|host| hcl::quoted(&hcl::connection(host))).collect();
    format!(
        "resource \"windlass_swarm_stack\" \"test\" {{\n  managers = [{}]\n  name = {}\n  config = [{}]\n  depends_on = \
         [windlass_swarm_node.a, windlass_swarm_node.b, windlass_swarm_node.c]\n}}\n",
        managers.join(", "),
        hcl::quoted(&cluster.name),
        hcl::quoted(&compose)
    )
}

/// The versions that run on a host.
fn versions(cluster: &Cluster<'_>, host: &Host) -> Vec<String> {
    let label = format!("label=com.docker.swarm.service.name={}_app", cluster.name);
    let ids = cluster.docker(host, &["ps", "--quiet", "--filter", &label]);
    let shown = |id: &str| {
        let words = ["docker", "exec", id, "sh", "-c", "echo $VERSION"];
        // One that ends in between shows nothing.
        String::from_utf8_lossy(&cluster.lab.exec(host, &words).unwrap().stdout).trim().to_owned()
    };
    let mut all: Vec<String> = ids.lines().map(shown).filter(|version| !version.is_empty()).collect();
    all.sort();
    all
}
