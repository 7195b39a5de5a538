//! What a swarm of five hosts costs, from engines that are in none to nodes that are all up, over the
//! same commands in a shell loop.

use std::{process::Command, time::Instant};

use anyhow::{Context as _, Result, ensure};

use super::servers::{MANAGERS, NODES, STANDING, Servers, apply};
use crate::{Bench, samples::Samples, table::Row};

const ROUNDS: usize = 3;
/// How long it may take over the script.
const LIMIT: f64 = 1.2;

pub(crate) async fn measure(bench: &'static Bench) -> Result<Vec<Row>> {
    // CLIs are waited for without a pause.
    tokio::task::spawn_blocking(move || rows(bench)).await?
}

fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let servers = Servers::new(bench)?;
    let [mut ours, mut typed] = std::array::from_fn(|_| Samples::default());
    let mut cli = String::new();
    for _ in 0..ROUNDS {
        let workspace = bench.workspace()?;
        workspace.write("main.tf", &servers.configuration(""));
        ours.time(apply(&workspace)?.took);
        servers.expect_ready()?;
        servers.leave()?;
        cli = workspace.cli().name.clone();

        let begun = Instant::now();
        let output = Command::new("sh").args(["-c", &script(&servers)]).output().context("start sh")?;
        typed.time(begun.elapsed());
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the script failed ({}): {}", output.status, complaint.trim());
        servers.expect_ready()?;
        servers.leave()?;
    }
    let (took, beside) = (ours.median()?, typed.median()?);
    Ok(vec![
        Row::median(format!("`{cli} apply` of a swarm of {NODES} hosts, all ready"), &ours, "ms")?,
        Row::new(format!("swarm of {NODES} hosts over a shell loop of ssh and docker"), took / beside, "x")
            .limit(LIMIT)
            .beside(format!("{took:.0} ms over {beside:.0} ms")),
    ])
}

/// What a person would write: one host after the other, then a wait for all of them.
fn script(servers: &Servers) -> String {
    let [first, others @ ..] = &servers.places[..] else { return String::new() };
    let (address, manager) = (first.address(), first.script_words());
    let mut text = format!(
        "set -e\n{manager} docker swarm init --advertise-addr {address} >/dev/null\n\
         manager=$({manager} docker swarm join-token --quiet manager)\n\
         worker=$({manager} docker swarm join-token --quiet worker)\n"
    );
    for (index, host) in others.iter().enumerate() {
        let role = if index + 1 < MANAGERS { "manager" } else { "worker" };
        let words = host.script_words();
        text += &format!("{words} docker swarm join --token \"${role}\" {address}:2377 >/dev/null\n");
    }
    let nodes = format!("nodes=$({manager} \"docker node ls --format '{STANDING}'\")");
    let count = |what: &str| format!("$(echo \"$nodes\" | grep -cE '{what}')");
    text += &format!(
        "until {nodes}; [ \"{} {}\" = \"{NODES} {MANAGERS}\" ]; do sleep 0.2; done\n",
        count("^Ready"),
        count("Reachable|Leader")
    );
    text
}
