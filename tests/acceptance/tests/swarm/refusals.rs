//! What is found before anything is changed.

use acceptance_tests::hcl;
use lab::{Host, Lab};

use crate::cluster::{Cluster, node, swarm};

#[test]
fn a_swarm_that_is_there_is_not_taken_over_silently() {
    let lab = Lab::current().unwrap();
    let cluster = Cluster::new(&lab);
    let [first, second, ..] = &cluster.hosts;
    cluster.docker(first, &["swarm", "init"]);
    cluster.workspace.write("main.tf", &swarm("test", &[first], ""));
    let error = cluster.workspace.apply().expect_error();
    error.says("is a manager of a swarm already").says("adopt = true").says(&hcl::connection(first));

    cluster.workspace.import("windlass_swarm.test", &hcl::connection(first)).expect_success();
    cluster.workspace.expect_no_changes();
    cluster.workspace.run(&["state", "rm", "windlass_swarm.test"]).expect_success();
    cluster.workspace.write("main.tf", &swarm("test", &[first], "adopt = true"));
    cluster.workspace.apply().expect_success().expect_warning("was taken over");
    cluster.workspace.expect_no_changes();

    // A node that joined by hand is adopted, by an import or as it is.
    let token = cluster.docker(first, &["swarm", "join-token", "--quiet", "worker"]);
    cluster.docker(second, &["swarm", "join", "--token", &token, &format!("{}:2377", first.address)]);
    let error = cluster.workspace.destroy().expect_error();
    error.says(&format!("Other nodes are in the swarm: {}.", second.name)).says("force_destroy");
    let id = cluster.docker(first, &["node", "inspect", &second.name, "--format", "{{.ID}}"]);
    let text = [swarm("test", &[first], "adopt = true"), node("b", "test", second, "")];
    cluster.workspace.write("main.tf", &text.concat());
    cluster.workspace.converge();
    assert_eq!(cluster.workspace.state("windlass_swarm_node.b")["id"], id.as_str());
    cluster.workspace.run(&["state", "rm", "windlass_swarm_node.b"]).expect_success();
    let import = format!("{}|{id}", hcl::connection(first));
    cluster.workspace.import("windlass_swarm_node.b", &import).expect_success();
    cluster.workspace.expect_change("windlass_swarm_node.b", &["update"]);
    cluster.workspace.converge();

    // A swarm with other nodes ends where that is wanted, and says what it leaves.
    cluster.workspace.run(&["state", "rm", "windlass_swarm_node.b"]).expect_success();
    cluster.workspace.write("main.tf", &swarm("test", &[first], "force_destroy = true"));
    cluster.workspace.apply().expect_success();
    let run = cluster.workspace.destroy().expect_success();
    run.expect_warning("these have left it").says("docker swarm leave --force");
    assert_eq!(cluster.local_state(first), "inactive");
}

#[test]
fn a_setting_of_the_engine_that_excludes_swarms_is_named() {
    let lab = Lab::current().unwrap();
    let cluster = Cluster::new(&lab);
    let [first, second, ..] = &cluster.hosts;
    let set = |on: bool| live_restore(&cluster, second, on);
    set(true);
    let _reset = Reset(&cluster, second);
    cluster.workspace.write("main.tf", &swarm("test", &[second], ""));
    let error = cluster.workspace.apply().expect_error();
    error.says("has `live-restore` on").says("daemon.json").says("Nothing was changed.");
    let text = [swarm("test", &[first], ""), node("b", "test", second, "")];
    cluster.workspace.write("main.tf", &text.concat());
    cluster.workspace.apply().expect_error().says("has `live-restore` on");
    set(false);
    assert_eq!(cluster.local_state(second), "inactive");
    cluster.workspace.converge();
    cluster.workspace.destroy().expect_success();
}

/// Turns `live-restore` off, also when the test fails.
struct Reset<'a>(&'a Cluster<'a>, &'a Host);

impl Drop for Reset<'_> {
    fn drop(&mut self) {
        live_restore(self.0, self.1, false);
    }
}

/// Sets `live-restore` of the engine on a host; what is left out of its file does not change by a
/// reload.
fn live_restore(cluster: &Cluster<'_>, host: &Host, on: bool) {
    let edit = format!("s/,\"live-restore\":[a-z]*//; s/}}$/,\"live-restore\":{on}}}/");
    let line = format!("sed -i '{edit}' /etc/docker/daemon.json && pkill -HUP -x dockerd");
    cluster.lab.exec_ok(host, &["sh", "-c", &line]).unwrap();
    let shows = || cluster.docker(host, &["info", "--format", "{{.LiveRestoreEnabled}}"]);
    cluster.until("the engine to reload", || shows() == on.to_string());
}
