//! Managers that need a key after a restart.

use lab::{Host, Lab};

use crate::cluster::{Cluster, node, swarm};

const MANAGER: &str = "role = \"manager\"";
const OUTPUT: &str = "data \"windlass_swarm\" \"test\" {\n  managers = windlass_swarm.test.managers\n}\n\
    output \"autolock\" { value = data.windlass_swarm.test.autolock }\n";

#[test]
fn a_locked_swarm_is_recognised_and_not_put_at_risk() {
    let lab = Lab::current().unwrap();
    let cluster = Cluster::new(&lab);
    let [first, second, third, _] = &cluster.hosts;
    let configure = |managers: &[&Host], more: &str| {
        let text = [
            swarm("test", managers, more),
            node("a", "test", first, MANAGER),
            node("b", "test", second, MANAGER),
            node("c", "test", third, MANAGER),
        ];
        cluster.workspace.write("main.tf", &text.concat());
    };
    let all = [first, second, third];
    configure(&all, "");
    cluster.workspace.converge();
    let id = cluster.workspace.state("windlass_swarm.test")["id"].as_str().unwrap().to_owned();
    cluster.docker(first, &["swarm", "update", "--autolock=true"]);
    let key = cluster.docker(first, &["swarm", "unlock-key", "--quiet"]);
    cluster.workspace.write("output.tf", OUTPUT);
    cluster.workspace.converge();
    assert!(cluster.workspace.run(&["output", "autolock"]).expect_success().stdout.contains("true"));

    // The two others go on; what asks only the one that waits for its key says what it waits for.
    restart(&cluster, second);
    configure(&all, "task_history_limit = 4");
    cluster.workspace.apply().expect_success();
    configure(&[second], "task_history_limit = 5");
    let error = cluster.workspace.apply().expect_error();
    error.says("is locked").says("docker swarm unlock");

    // No majority is left. To go on alone would lose all that the swarm has.
    restart(&cluster, third);
    let alone = || cluster.docker(first, &["info", "--format", "{{.Swarm.Error}}"]);
    cluster.until("the quorum to be lost", || alone().contains("does not have a leader"));
    configure(&all, &format!("task_history_limit = 5\n  force_new_cluster = \"{id}\""));
    let error = cluster.workspace.apply().expect_error();
    error.says("Docker loses such a swarm").says("--autolock=false").at("force_new_cluster");

    for host in [second, third] {
        let line = format!("echo {key} | docker swarm unlock");
        lab.exec_ok(host, &["sh", "-c", &line]).unwrap();
    }
    configure(&all, "task_history_limit = 5");
    cluster.until("the managers to be back", || cluster.local_state(third) == "active" && alone().is_empty());
    cluster.workspace.converge();
    assert_eq!(cluster.workspace.state("windlass_swarm.test")["id"], id.as_str());
    cluster.workspace.destroy().expect_success();
    assert_eq!(cluster.local_state(first), "inactive");
}

/// Starts the engine of a manager anew, which is locked then.
fn restart(cluster: &Cluster<'_>, host: &Host) {
    cluster.lab.stop_docker(host).unwrap();
    cluster.lab.start_docker(host).unwrap();
    cluster.until("the manager to be locked", || cluster.local_state(host) == "locked");
}
