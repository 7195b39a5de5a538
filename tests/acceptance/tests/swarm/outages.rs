//! Nodes that reboot, managers that are cut off, and tokens that change in between.

use lab::{Host, Lab};

use crate::cluster::{Cluster, node, swarm};

const MANAGER: &str = "role = \"manager\"";

/// A host that nothing reaches, until this is dropped.
struct Cut<'a>(&'a Lab, &'a Host);

impl Drop for Cut<'_> {
    fn drop(&mut self) {
        let _ = self.0.restore(self.1);
    }
}

#[test]
fn a_reboot_changes_nothing_and_neither_a_lost_manager_nor_a_new_token_stops_a_change() {
    let lab = Lab::current().unwrap();
    let cluster = Cluster::new(&lab);
    configure(&cluster, "", false);
    cluster.workspace.converge();
    rebooted(&cluster);
    cut_off(&cluster);
    token_changed(&cluster);
    cluster.workspace.destroy().expect_success();
}

/// Three managers, and the fourth host as a worker where it is wanted.
fn configure(cluster: &Cluster<'_>, more: &str, with_worker: bool) {
    let [first, second, third, fourth] = &cluster.hosts;
    let worker = if with_worker { node("d", "test", fourth, "") } else { String::new() };
    let text = [
        swarm("test", &[first, second, third], more),
        node("a", "test", first, MANAGER),
        node("b", "test", second, MANAGER),
        node("c", "test", third, MANAGER),
        worker,
    ];
    cluster.workspace.write("main.tf", &text.concat());
}

/// What the first manager says of another one: `ready reachable`.
fn standing(cluster: &Cluster<'_>, host: &Host) -> String {
    let format = "{{.Status.State}} {{.ManagerStatus.Reachability}}";
    cluster.docker(&cluster.hosts[0], &["node", "inspect", &host.name, "--format", format])
}

fn is_well(cluster: &Cluster<'_>, host: &Host) -> bool {
    // While the managers elect a leader, none of them answers.
    let words = ["docker", "node", "ls", "--quiet"];
    let answers = cluster.lab.exec(&cluster.hosts[0], &words).unwrap().status.success();
    answers && standing(cluster, host) == "ready reachable"
}

fn rebooted(cluster: &Cluster<'_>) {
    let third = &cluster.hosts[2];
    cluster.lab.reboot(third).unwrap();
    cluster.until("the node to be back", || is_well(cluster, third));
    cluster.workspace.expect_no_changes();
}

/// The other two are a majority: what concerns the swarm goes on, and what is known of the node stays.
fn cut_off(cluster: &Cluster<'_>) {
    let second = &cluster.hosts[1];
    cluster.lab.cut(second).unwrap();
    let cut = Cut(cluster.lab, second);
    cluster.until("the manager to be missed", || !is_well(cluster, second));
    configure(cluster, "task_history_limit = 4", false);
    cluster.workspace.apply().expect_success();
    let limit = "{{.Swarm.Cluster.Spec.Orchestration.TaskHistoryRetentionLimit}}";
    assert_eq!(cluster.docker(&cluster.hosts[0], &["info", "--format", limit]), "4");
    drop(cut);
    cluster.until("the manager to be back", || is_well(cluster, second));
    cluster.workspace.expect_no_changes();
}

/// A token is read when somebody joins: neither an operator nor this very apply makes it stale.
fn token_changed(cluster: &Cluster<'_>) {
    let first = &cluster.hosts[0];
    let token = cluster.docker(first, &["swarm", "join-token", "--rotate", "--quiet", "worker"]);
    configure(cluster, "task_history_limit = 4\n  rotate_worker_token = \"2026-11\"", true);
    cluster.workspace.converge();
    assert_eq!(cluster.nodes(first).len(), 4);
    assert_ne!(cluster.docker(first, &["swarm", "join-token", "--quiet", "worker"]), token);
}
