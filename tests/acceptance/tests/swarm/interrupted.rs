//! A graceful drain that somebody stops half way, and who comes next.

use lab::{Host, Lab};

use crate::cluster::{Cluster, node, swarm};

/// A task is well after so many seconds, so that there is time to stop a drain while it moves.
const START: &str = "sleep 8; touch /tmp/up; exec sleep 1000000";

#[test]
fn a_drain_that_was_stopped_half_way_loses_nothing_and_goes_on() {
    let lab = Lab::current().unwrap();
    let cluster = Cluster::new(&lab);
    let [first, second, third, _] = &cluster.hosts;
    let configure = |second_more: Option<&str>| {
        let text = [
            swarm("test", &[first], ""),
            second_more.map(|more| node("b", "test", second, more)).unwrap_or_default(),
            node("c", "test", third, ""),
        ];
        cluster.workspace.write("main.tf", &text.concat());
    };
    configure(Some(""));
    cluster.workspace.converge();
    let id = cluster.docker(first, &["node", "inspect", &second.name, "--format", "{{.ID}}"]);
    let note = format!("windlass-drain-{id}");
    let notes = || {
        let words = ["config", "ls", "--quiet", "--filter", &format!("name={note}")];
        cluster.docker(first, &words).lines().count()
    };
    let (before, place) = serve(&cluster, first, second, third);
    let whole = spec(&cluster, first);

    // Ctrl-C: the task that runs stays until its replacement does, and nobody else comes to the node.
    configure(Some("availability = \"drain\""));
    let running = cluster.workspace.start_apply();
    cluster.until("the drain to move the service", || notes() == 1 && place().len() == 2);
    running.interrupt();
    let run = running.finish();
    assert_ne!(run.code, Some(0), "{}", run.stdout);
    assert!(is_up(&cluster, second, &before), "the task runs while no other is well");
    let nodes = cluster.nodes(first);
    assert!(nodes.contains(&format!("{} Pause", second.name)), "{nodes:?}\n{}", run.stdout);

    // A power cut where we run, a little later; then it goes on, and once it is done the node is empty.
    let running = cluster.workspace.start_apply();
    std::thread::sleep(std::time::Duration::from_secs(1));
    running.kill();
    assert_ne!(running.finish().code, Some(0));
    cluster.workspace.converge();
    assert_eq!(cluster.places(first, &cluster.name), std::slice::from_ref(&third.name));
    assert!(cluster.nodes(first).contains(&format!("{} Drain", second.name)));

    // Nothing of the drain is left once the node takes work again, and neither when it is stopped on its way
    // out and then removed.
    configure(Some(""));
    cluster.workspace.converge();
    assert_eq!((notes(), spec(&cluster, first)), (0, whole.clone()), "its health check is a part of it");
    let elsewhere = format!("node.hostname!={}", third.name);
    cluster.docker(
        first,
        &["service", "update", "--quiet", "--detach", "--constraint-add", &elsewhere, &cluster.name],
    );
    cluster.until("the task to be back on the node", || {
        cluster.places(first, &cluster.name) == [second.name.clone()]
    });
    cluster.docker(
        first,
        &["service", "update", "--quiet", "--detach", "--constraint-rm", &elsewhere, &cluster.name],
    );
    configure(None);
    let running = cluster.workspace.start_apply();
    cluster.until("the drain to move the service", || notes() == 1);
    running.kill();
    assert_ne!(running.finish().code, Some(0));
    cluster.workspace.converge();
    assert_eq!(cluster.places(first, &cluster.name), std::slice::from_ref(&third.name));
    assert_eq!((notes(), spec(&cluster, first)), (0, whole));
    assert_eq!(cluster.nodes(first).len(), 2);
    assert_eq!(cluster.local_state(second), "inactive");
    cluster.docker(first, &["service", "rm", &cluster.name]);
    cluster.workspace.destroy().expect_success();
}

/// A service on the second host that is well only some time after it has started: the container that runs it,
/// and where the containers of its tasks are.
fn serve<'c>(
    cluster: &'c Cluster<'_>,
    first: &'c Host,
    second: &'c Host,
    third: &'c Host,
) -> (String, impl Fn() -> Vec<String> + 'c) {
    let image = cluster.lab.image("busybox").unwrap();
    let (not_first, not_third) =
        (format!("node.hostname!={}", first.name), format!("node.hostname!={}", third.name));
    let words =
        ["service", "create", "--quiet", "--detach", "--name", &cluster.name, "--endpoint-mode", "dnsrr"];
    let check = ["--health-cmd", "test -f /tmp/up", "--health-interval", "1s", "--health-retries", "60"];
    let placed = ["--constraint", &not_first, "--constraint", &not_third, "--update-order", "start-first"];
    let run = ["--init", "--stop-grace-period", "1s", image, "sh", "-c", START];
    cluster.docker(first, &[&words[..], &check, &placed, &run].concat());
    cluster.until("the service to run", || cluster.places(first, &cluster.name) == [second.name.clone()]);
    // It may run anywhere but on the manager from now on, and stays where it is.
    cluster.docker(
        first,
        &["service", "update", "--quiet", "--detach", "--constraint-rm", &not_third, &cluster.name],
    );
    let containers = |host: &Host| {
        let label = format!("label=com.docker.swarm.service.name={}", cluster.name);
        cluster.docker(host, &["ps", "--quiet", "--filter", &label])
    };
    let place =
        move || [second, third].into_iter().flat_map(|host| lines(&containers(host))).collect::<Vec<_>>();
    let before = place().remove(0);
    (before, place)
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn is_up(cluster: &Cluster<'_>, host: &Host, container: &str) -> bool {
    cluster.docker(host, &["inspect", container, "--format", "{{.State.Running}}"]) == "true"
}

/// All that the service is told to be.
fn spec(cluster: &Cluster<'_>, manager: &Host) -> String {
    cluster.docker(manager, &["service", "inspect", &cluster.name, "--format", "{{json .Spec}}"])
}
