//! Managers that are lost.

use lab::Lab;

use crate::cluster::{Cluster, node, swarm};

const MANAGER: &str = "role = \"manager\"";

/// Starts what the test has stopped.
struct Stopped<'a>(&'a Lab, &'a lab::Host);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        let _ = self.0.start_docker(self.1);
    }
}

#[test]
fn a_lost_quorum_is_left_by_one_confirmed_step() {
    let lab = Lab::current().unwrap();
    let cluster = Cluster::new(&lab);
    let [first, second, ..] = &cluster.hosts;
    let configure = |more: &str, first_more: &str| {
        let text = [
            swarm("test", &[first, second], more),
            node("a", "test", first, &format!("{MANAGER}\n  {first_more}")),
            node("b", "test", second, MANAGER),
        ];
        cluster.workspace.write("main.tf", &text.concat());
    };
    configure("", "");
    cluster.workspace.apply().expect_success().expect_warning("An even number of managers (2)");
    cluster.service(first, &["--mode", "global"]);
    let id = cluster.workspace.state("windlass_swarm.test")["id"].as_str().unwrap().to_owned();

    lab.stop_docker(first).unwrap();
    let stopped = Stopped(&lab, first);
    let says = || cluster.docker(second, &["info", "--format", "{{.Swarm.Error}}"]);
    cluster.until("the quorum to be lost", || says().contains("does not have a leader"));
    configure("task_history_limit = 4", "");
    let run = cluster.workspace.apply();
    run.expect_error().says("has no leader").says("force_new_cluster");
    run.expect_warning("Could not read swarm");

    configure(&format!("force_new_cluster = \"{id}\""), "force_remove_unreachable = true");
    cluster.workspace.apply().expect_success();
    assert_eq!(cluster.workspace.state("windlass_swarm.test")["id"], id.as_str());
    assert_eq!(cluster.docker(second, &["service", "ls", "--format", "{{.Name}}"]), cluster.name);

    // What is gone for good is taken off the list without its machine.
    let text = [
        swarm("test", &[second], &format!("force_new_cluster = \"{id}\"")),
        node("b", "test", second, MANAGER),
    ];
    cluster.workspace.write("main.tf", &text.concat());
    cluster.workspace.apply().expect_success().expect_warning("did not answer");
    cluster.workspace.expect_no_changes();
    assert_eq!(cluster.nodes(second).len(), 1);
    cluster.workspace.destroy().expect_success();
    drop(stopped);
}
