//! How long it takes to be back after the loss of all managers: the same configuration makes a new
//! swarm of the same hosts, around the data that the workers still have.

use anyhow::{Context as _, Result, ensure};

use super::servers::{MANAGERS, NODES, Servers, apply, idle_service, until};
use crate::{Bench, samples::Samples, table::Row};

const ROUNDS: usize = 2;
/// How many milliseconds it may take.
const LIMIT: f64 = 90_000.0;

pub(crate) async fn measure(bench: &'static Bench) -> Result<Vec<Row>> {
    // CLIs are waited for without a pause.
    tokio::task::spawn_blocking(move || rows(bench)).await?
}

fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let servers = Servers::new(bench)?;
    let image = servers.image("busybox")?;
    let workspace = bench.workspace()?;
    let labels = "labels   = count.index == 4 ? { tier = \"data\" } : {}";
    workspace.write("main.tf", &(servers.configuration(labels) + &system(&servers, &image)));
    let first = apply(&workspace)?.took.as_secs_f64() * 1000.0;
    let written = data(&servers)?;
    let mut rebuilt = Samples::default();
    for _ in 0..ROUNDS {
        servers.on_all(&servers.places[..MANAGERS], "docker swarm leave --force")?;
        rebuilt.time(apply(&workspace)?.took);
        servers.expect_ready()?;
        ensure!(data(&servers)? == written, "the data is not what it was");
    }
    let cli = &workspace.cli().name;
    Ok(vec![
        Row::median(
            format!("`{cli} apply` after the loss of all managers of {NODES} nodes"),
            &rebuilt,
            "ms",
        )?
        .limit(LIMIT)
        .beside(format!("the first apply {first:.0} ms")),
    ])
}

/// A database on the node that has its data, and what asks it.
fn system(servers: &Servers, image: &str) -> String {
    let write = "[ -e /data/first ] || cat /proc/sys/kernel/random/uuid > /data/first; exec sleep 1000000";
    let db = format!(
        "  db:\n    image: {image}\n    init: true\n    stop_grace_period: 0s\n    command: [sh, -c, \"{write}\"]\n    \
         volumes: [\"data:/data\"]\n    deploy:\n      endpoint_mode: dnsrr\n      \
         placement: {{ constraints: [node.labels.tier == data] }}\n"
    );
    let others = ["api", "web", "worker"].map(|name| idle_service(name, image, 0)).concat();
    format!(
        "resource \"windlass_swarm_stack\" \"bench\" {{\n  managers   = windlass_swarm.bench.managers\n  \
         name       = {:?}\n  config     = [<<-END\nservices:\n{db}{others}volumes: {{ data: {{}} }}\nEND\n  ]\n  \
         depends_on = [windlass_swarm_node.bench]\n}}\n",
        servers.name
    )
}

/// What the database has, once it runs.
fn data(servers: &Servers) -> Result<String> {
    let place = servers.places.last().context("there is no host")?;
    let label = format!("label=com.docker.swarm.service.name={}_db", servers.name);
    until("the database to run", || {
        let tasks = place.asked(&format!("docker ps -q --filter {label}"))?;
        let [task] = tasks.lines().collect::<Vec<_>>()[..] else { return Ok(None) };
        // What starts just now has no data yet.
        Ok(place.asked(&format!("docker exec {task} cat /data/first")).ok().filter(|data| !data.is_empty()))
    })
}
