//! A machine changes its swarm, and a node its machine.

use lab::Lab;

use crate::cluster::{Cluster, node, swarm};

#[test]
fn a_worker_moves_to_another_swarm_and_a_node_to_another_machine() {
    let lab = Lab::current().unwrap();
    let cluster = Cluster::new(&lab);
    let [first, second, third, fourth] = &cluster.hosts;
    let swarms = [swarm("one", &[first], ""), swarm("two", &[second], "")].concat();
    let configure = |swarm: &str, host| {
        cluster.workspace.write("main.tf", &format!("{swarms}{}", node("w", swarm, host, "")));
    };
    configure("one", third);
    cluster.workspace.converge();
    assert_eq!(cluster.nodes(first).len(), 2);

    configure("two", third);
    cluster.workspace.expect_change("windlass_swarm_node.w", &["update"]);
    cluster.workspace.converge();
    assert_eq!((cluster.nodes(first).len(), cluster.nodes(second).len()), (1, 2));

    // The new machine joins before the old one leaves.
    configure("two", fourth);
    cluster.workspace.expect_change("windlass_swarm_node.w", &["update"]);
    cluster.workspace.converge();
    assert_eq!(cluster.local_state(third), "inactive");
    assert_eq!(cluster.workspace.state("windlass_swarm_node.w")["hostname"], fourth.name.as_str());
    assert_eq!(cluster.nodes(second).len(), 2);

    // A node of another swarm is nobody's to take.
    let token = cluster.docker(first, &["swarm", "join-token", "--quiet", "worker"]);
    cluster.docker(third, &["swarm", "join", "--token", &token, &format!("{}:2377", first.address)]);
    let text = format!("{swarms}{}{}", node("w", "two", fourth, ""), node("x", "two", third, ""));
    cluster.workspace.write("main.tf", &text);
    let error = cluster.workspace.apply().expect_error();
    error.says("of a swarm whose managers are").says("docker swarm leave").says("Nothing was changed.");
    cluster.docker(third, &["swarm", "leave"]);
    cluster.docker(first, &["node", "rm", "--force", &third.name]);
    cluster.workspace.converge();
    cluster.workspace.destroy().expect_success();
}
