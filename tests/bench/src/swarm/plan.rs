//! What a plan of a swarm with stacks costs that finds no change, over one that needs no provider.

use anyhow::Result;

use super::servers::{NODES, Servers, apply, idle_service};
use crate::{Bench, many_files::floor, plan::succeeded, samples::Samples, table::Row};

const STACKS: usize = 10;
const ROUNDS: usize = 5;
/// How long it may take over the floor.
const LIMIT: f64 = 1000.0;

pub(crate) async fn measure(bench: &'static Bench) -> Result<Vec<Row>> {
    // CLIs are waited for without a pause.
    tokio::task::spawn_blocking(move || rows(bench)).await?
}

fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let servers = Servers::new(bench)?;
    let image = servers.image("busybox")?;
    let workspace = bench.workspace()?;
    let stacks = format!(
        "resource \"windlass_swarm_stack\" \"bench\" {{\n  count    = {STACKS}\n  \
         managers = windlass_swarm.bench.managers\n  name     = \"{}-${{count.index}}\"\n  \
         config   = [<<-END\nservices:\n{}END\n  ]\n  depends_on = [windlass_swarm_node.bench]\n}}\n",
        servers.name,
        idle_service("app", &image, 0)
    );
    workspace.write("main.tf", &(servers.configuration("") + &stacks));
    let applied = apply(&workspace)?;
    let floor = floor(bench)?;
    let mut over = Samples::default();
    for _ in 0..ROUNDS {
        // 2 would be a plan with changes.
        let run = workspace.run(&["plan", "-input=false", "-no-color", "-detailed-exitcode"]);
        succeeded("plan", &run)?;
        over.add(run.took.as_secs_f64() * 1000.0 - floor);
    }
    Ok(vec![
        Row::median(
            format!("plan of {NODES} nodes and {STACKS} stacks unchanged, over the floor"),
            &over,
            "ms",
        )?
        .limit(LIMIT)
        .beside(format!(
            "{} alone {floor:.0} ms; the first apply {:.0} ms",
            workspace.cli().name,
            applied.took.as_secs_f64() * 1000.0
        )),
    ])
}
