//! Disaster recovery is declaration: all managers are lost, workers and their volumes survive.

use std::time::Instant;

use acceptance_tests::hcl;
use lab::{Host, Lab};

use crate::cluster::{Cluster, node, swarm};

/// A database on the node that has its data, which it writes once.
fn stack(cluster: &Cluster<'_>) -> String {
    let compose = format!(
        "services:\n  db:\n    image: {}\n    init: true\n    stop_grace_period: 0s\n    \
         command: [sh, -c, \"[ -e /data/first ] || cat /proc/sys/kernel/random/uuid > /data/first; exec sleep 1000000\"]\n    \
         volumes: [data:/data]\n    deploy:\n      endpoint_mode: dnsrr\n      \
         placement: {{ constraints: [node.labels.tier == stateful] }}\nvolumes: {{ data: {{}} }}\n",
        cluster.image("busybox")
    );
    format!(
        "resource \"windlass_swarm_stack\" \"shop\" {{\n  managers = windlass_swarm.test.managers\n  name = {}\n  \
         config = [{}]\n  depends_on = [windlass_swarm_node.worker]\n}}\n",
        hcl::quoted(&cluster.name),
        hcl::quoted(&compose)
    )
}

/// What the database has on its node.
fn data(cluster: &Cluster<'_>, worker: &Host) -> String {
    let label = format!("label=com.docker.swarm.service.name={}_db", cluster.name);
    let task = || cluster.docker(worker, &["ps", "--quiet", "--filter", &label]);
    cluster.until("the database to run", || task().lines().count() == 1);
    cluster.docker(worker, &["exec", &task(), "cat", "/data/first"])
}

#[test]
fn one_apply_builds_a_new_swarm_around_the_data_that_is_left() {
    let lab = Lab::current().unwrap();
    let cluster = Cluster::new(&lab);
    let [first, second, worker, _] = &cluster.hosts;
    let manager = "role = \"manager\"";
    let text = [
        swarm("test", &[first, second], ""),
        node("first", "test", first, manager),
        node("second", "test", second, manager),
        node("worker", "test", worker, "labels = { tier = \"stateful\" }"),
        stack(&cluster),
    ];
    cluster.workspace.write("main.tf", &text.concat());
    cluster.workspace.apply().expect_success();
    cluster.workspace.expect_no_changes();
    let id = cluster.workspace.state("windlass_swarm.test")["id"].clone();
    let before = data(&cluster, worker);

    for host in [first, second] {
        cluster.docker(host, &["swarm", "leave", "--force"]);
    }
    let begun = Instant::now();
    cluster.workspace.apply().expect_success();
    let took = begun.elapsed();
    eprintln!("a new swarm after the loss of all managers: {:.1} s", took.as_secs_f64());
    cluster.workspace.expect_no_changes();
    assert_ne!(cluster.workspace.state("windlass_swarm.test")["id"], id);
    assert_eq!(cluster.nodes(first).len(), 3);
    assert_eq!(data(&cluster, worker), before, "the same data is served");
    cluster.workspace.destroy().expect_success();
    cluster.docker(worker, &["volume", "rm", &format!("{}_data", cluster.name)]);
}
