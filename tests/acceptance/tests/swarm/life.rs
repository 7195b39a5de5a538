//! The whole life of a cluster.

use lab::Lab;

use crate::cluster::{Cluster, node, swarm};

const SWARM: &str = "windlass_swarm.test";
const MANAGER: &str = "role = \"manager\"";
/// Data sources, once all nodes are there.
const SEEN: &str = "\
data \"windlass_swarm\" \"seen\" {
  managers   = windlass_swarm.test.managers
  depends_on = [windlass_swarm_node.b, windlass_swarm_node.c, windlass_swarm_node.d]
}
data \"windlass_swarm_nodes\" \"seen\" {
  managers   = windlass_swarm.test.managers
  depends_on = [windlass_swarm_node.b, windlass_swarm_node.c, windlass_swarm_node.d]
}
";

#[test]
fn a_cluster_grows_to_a_quorum_and_shrinks_to_one() {
    let lab = Lab::current().unwrap();
    let cluster = Cluster::new(&lab);
    let id = made(&cluster);
    grown(&cluster);
    removed_behind_our_back(&cluster);
    first_manager_replaced(&cluster, &id);
    ended(&cluster);
}

/// One manager, one worker, and work on it.
fn made(cluster: &Cluster<'_>) -> String {
    let [first, second, ..] = &cluster.hosts;
    let text = [
        swarm("test", &[first], "task_history_limit = 3\n  cert_expiry = \"720h\""),
        node("a", "test", first, MANAGER),
        node("b", "test", second, "labels = { tier = \"stateful\" }"),
    ];
    cluster.workspace.write("main.tf", &text.concat());
    cluster.workspace.converge();
    let state = cluster.workspace.state(SWARM);
    assert_eq!(state["task_history_limit"], 3);
    assert_eq!(state["manager_addresses"].as_array().unwrap().len(), 1);
    let worker = cluster.workspace.state("windlass_swarm_node.b");
    assert_eq!((&worker["role"], &worker["state"]), (&"worker".into(), &"ready".into()));
    assert!(worker["engine_version"].as_str().unwrap().starts_with("26."));
    let limit = cluster.docker(
        first,
        &["info", "--format", "{{.Swarm.Cluster.Spec.Orchestration.TaskHistoryRetentionLimit}}"],
    );
    assert_eq!(limit, "3");
    // What lets a host in is nowhere.
    let raw = std::fs::read_to_string(cluster.workspace.path().join("terraform.tfstate")).unwrap();
    assert!(!raw.contains("SWMTKN"), "{raw}");
    cluster.service(first, &["--replicas", "2", "--constraint", "node.labels.tier==stateful"]);
    cluster.until("the tasks to run", || cluster.places(first, &cluster.name).len() == 2);
    state["id"].as_str().unwrap().to_owned()
}

/// Three managers and a worker: one promoted in place, one joined as such; labels and settings change
/// in place. The plan shows updates and nothing that is made again.
fn grown(cluster: &Cluster<'_>) {
    let [first, second, third, fourth] = &cluster.hosts;
    let more = format!("{MANAGER}\n  labels = {{ tier = \"stateful\", disk = \"fast\" }}");
    let text = [
        swarm("test", &[first, second, third], "task_history_limit = 2\n  cert_expiry = \"720h\""),
        node("a", "test", first, MANAGER),
        node("b", "test", second, &more),
        node("c", "test", third, &format!("{MANAGER}\n  labels = {{ tier = \"stateful\" }}")),
        node("d", "test", fourth, ""),
        SEEN.to_owned(),
    ];
    cluster.workspace.write("main.tf", &text.concat());
    let changes = cluster.workspace.changes();
    for (address, actions) in [
        (SWARM, vec!["update"]),
        ("windlass_swarm_node.b", vec!["update"]),
        ("windlass_swarm_node.c", vec!["create"]),
    ] {
        assert_eq!(changes[address].actions, actions, "{address}");
    }
    cluster.workspace.converge();
    assert_eq!(cluster.nodes(first).len(), 4);
    assert_eq!(cluster.workspace.state("windlass_swarm_node.b")["reachability"], "reachable");
    let labels =
        cluster.docker(first, &["node", "inspect", &second.name, "--format", "{{json .Spec.Labels}}"]);
    assert_eq!(labels, r#"{"disk":"fast","tier":"stateful"}"#);
    seen(cluster);
    // The tasks stayed where they ran.
    assert_eq!(cluster.places(first, &cluster.name), [second.name.clone(), second.name.clone()]);
}

/// What data sources say of it.
fn seen(cluster: &Cluster<'_>) {
    let swarm = cluster.workspace.state("data.windlass_swarm.seen");
    assert_eq!(swarm["id"], cluster.workspace.state(SWARM)["id"]);
    assert_eq!(swarm["manager_addresses"].as_array().unwrap().len(), 3);
    let nodes = cluster.workspace.state("data.windlass_swarm_nodes.seen")["nodes"].clone();
    assert_eq!(nodes.as_object().unwrap().len(), 4);
    let id = cluster.workspace.state("windlass_swarm_node.b")["id"].clone();
    let node = &nodes[id.as_str().unwrap()];
    assert_eq!(node["labels"], serde_json::json!({"disk": "fast", "tier": "stateful"}));
    assert_eq!((&node["role"], &node["reachability"]), (&"manager".into(), &"reachable".into()));
}

/// A node that somebody took off the list joins again, as a new one.
fn removed_behind_our_back(cluster: &Cluster<'_>) {
    let [first, _, _, fourth] = &cluster.hosts;
    let before = cluster.workspace.state("windlass_swarm_node.d")["id"].clone();
    cluster.docker(first, &["node", "rm", "--force", &fourth.name]);
    // A token of another time lets nobody in; ours is read when it is needed.
    cluster.docker(first, &["swarm", "join-token", "--rotate", "--quiet", "worker"]);
    cluster.workspace.expect_change("windlass_swarm_node.d", &["create"]);
    cluster.workspace.converge();
    let after = cluster.workspace.state("windlass_swarm_node.d")["id"].clone();
    assert_ne!(before, after);
    // Drained by hand is drift, and mended.
    cluster.docker(first, &["node", "update", "--availability", "drain", &fourth.name]);
    cluster.workspace.expect_change("windlass_swarm_node.d", &["update"]);
    cluster.workspace.converge();
}

/// The first manager and the worker go; one of the others is the only manager then, and the tasks are
/// on it.
fn first_manager_replaced(cluster: &Cluster<'_>, id: &str) {
    let [first, second, third, fourth] = &cluster.hosts;
    let text = [
        swarm("test", &[third], "task_history_limit = 2\n  cert_expiry = \"720h\""),
        node("c", "test", third, &format!("{MANAGER}\n  labels = {{ tier = \"stateful\" }}")),
    ];
    cluster.workspace.write("main.tf", &text.concat());
    assert_eq!(cluster.workspace.changes()[SWARM].actions, ["update"]);
    cluster.workspace.converge();
    assert_eq!(cluster.workspace.state(SWARM)["id"], id);
    assert_eq!(cluster.nodes(third), [format!("{} Active", third.name)]);
    assert_eq!(cluster.places(third, &cluster.name), [third.name.clone(), third.name.clone()]);
    for gone in [first, second, fourth] {
        assert_eq!(cluster.local_state(gone), "inactive", "{}", gone.name);
    }
    // Services keep no trace of the drains.
    let constraints = cluster.docker(
        third,
        &[
            "service",
            "inspect",
            &cluster.name,
            "--format",
            "{{json .Spec.TaskTemplate.Placement.Constraints}}",
        ],
    );
    assert_eq!(constraints, r#"["node.labels.tier==stateful"]"#);
    assert_eq!(cluster.docker(third, &["config", "ls", "--quiet"]), "");
}

fn ended(cluster: &Cluster<'_>) {
    cluster.workspace.destroy().expect_success();
    assert_eq!(cluster.local_state(&cluster.hosts[2]), "inactive");
}
