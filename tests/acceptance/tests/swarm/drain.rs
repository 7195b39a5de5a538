//! Work leaves a node, and nobody who asks for it notices.

use lab::{Host, Lab};

use crate::cluster::{Cluster, node, swarm};

#[test]
fn a_graceful_drain_loses_no_request() {
    let lab = Lab::current().unwrap();
    let cluster = Cluster::new(&lab);
    let [first, second, third, _] = &cluster.hosts;
    let configure = |availability: &str| {
        let text = [
            swarm("test", &[first], ""),
            node("b", "test", second, &format!("availability = \"{availability}\"")),
            node("c", "test", third, ""),
        ];
        cluster.workspace.write("main.tf", &text.concat());
    };
    configure("active");
    cluster.workspace.converge();
    serve(&cluster, first);
    let tasks = || {
        cluster
            .docker(first, &["service", "ps", &cluster.name, "--quiet", "--filter", "desired-state=running"])
    };
    let before: Vec<String> = tasks().lines().map(str::to_owned).collect();

    let client = ask(&cluster, first);
    configure("drain");
    cluster.workspace.converge();
    let log = cluster.docker(first, &["logs", &client]);
    cluster.docker(first, &["rm", "--force", &client]);
    let (good, bad): (Vec<&str>, Vec<&str>) = log.lines().partition(|line| *line == "ok");
    assert!(good.len() > 200 && bad.is_empty(), "{} answers, and {bad:?}", good.len());
    assert_eq!(cluster.places(first, &cluster.name), [third.name.clone(), third.name.clone()]);
    // Only the task on that node was replaced.
    assert_eq!(before.iter().filter(|task| tasks().contains(task.as_str())).count(), 1);

    // Nowhere else to run: said before anything happens.
    let drain_both = |more: &str| {
        let text = [
            swarm("test", &[first], ""),
            node("b", "test", second, "availability = \"drain\""),
            node("c", "test", third, &format!("availability = \"drain\"{more}")),
        ];
        cluster.workspace.write("main.tf", &text.concat());
    };
    drain_both("");
    let error = cluster.workspace.plan().expect_error();
    error.says("no other node meets its constraints").says("drain = \"fast\"").says("Nothing was changed.");
    // It stops where it is, if that is wanted, and nobody waits for what cannot run.
    drain_both("\n  drain = \"fast\"");
    cluster.workspace.converge();
    assert!(cluster.places(first, &cluster.name).is_empty());

    configure("active");
    cluster.workspace.converge();
    let spec = [
        "service",
        "inspect",
        &cluster.name,
        "--format",
        "{{json .Spec.TaskTemplate.Placement.Constraints}}",
    ];
    assert_eq!(cluster.docker(first, &spec), format!("[\"node.hostname!={}\"]", first.name));
    cluster.docker(first, &["service", "rm", &cluster.name]);
    cluster.workspace.destroy().expect_success();
}

/// Two replicas of a web server, one on each worker.
fn serve(cluster: &Cluster<'_>, manager: &Host) {
    cluster.docker(manager, &["network", "create", "--driver", "overlay", "--attachable", &cluster.name]);
    let elsewhere = format!("node.hostname!={}", manager.name);
    let image = cluster.lab.image("nginx").unwrap();
    cluster.docker(
        manager,
        &[
            "service",
            "create",
            "--quiet",
            "--detach",
            "--name",
            &cluster.name,
            "--network",
            &cluster.name,
            "--endpoint-mode",
            "dnsrr",
            "--replicas",
            "2",
            "--constraint",
            &elsewhere,
            "--update-order",
            "start-first",
            image,
        ],
    );
    cluster.until("the service to run", || cluster.places(manager, &cluster.name).len() == 2);
}

/// A container that asks for a page again and again and writes what came of it.
fn ask(cluster: &Cluster<'_>, host: &Host) -> String {
    let client = format!("{}-client", cluster.name);
    let line = format!(
        "while true; do wget -T 2 -q -O /dev/null http://{}/ 2>&1 && echo ok || echo failed; done",
        cluster.name
    );
    let image = cluster.lab.image("busybox").unwrap();
    let words = ["run", "--detach", "--name", &client, "--network", &cluster.name, image, "sh", "-c", &line];
    cluster.docker(host, &words);
    let asks = || cluster.docker(host, &["logs", &client]).contains("ok");
    cluster.until("the first answer", asks);
    client
}
