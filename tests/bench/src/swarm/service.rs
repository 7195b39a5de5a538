//! What a change of one service costs in a stack of many on a swarm, and what it leaves alone.

use std::collections::BTreeMap;

use anyhow::Result;
use tokio::runtime::Handle;

use super::servers::{Servers, apply, idle_service};
use crate::{Bench, samples::Samples, table::Row};

const SERVICES: usize = 20;
const ROUNDS: usize = 3;

pub(crate) async fn measure(bench: &'static Bench) -> Result<Vec<Row>> {
    // CLIs are waited for without a pause.
    tokio::task::spawn_blocking(move || rows(bench)).await?
}

fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let servers = Servers::new(bench)?;
    let image = servers.image("busybox")?;
    let workspace = bench.workspace()?;
    let (stack, typed) = (servers.name.clone(), format!("{}-typed", servers.name));
    let block = format!(
        "resource \"windlass_swarm_stack\" \"bench\" {{\n  managers   = windlass_swarm.bench.managers\n  \
         name       = {stack:?}\n  config     = [file(\"${{path.module}}/compose.tpl.yaml\")]\n  \
         depends_on = [windlass_swarm_node.bench]\n}}\n"
    );
    workspace.write("main.tf", &(servers.configuration("") + &block));
    let [mut ours, mut theirs, mut updated, mut also] = std::array::from_fn(|_| Samples::default());
    for round in 0..=ROUNDS {
        let compose = compose(&image, round);
        workspace.write("compose.tpl.yaml", &compose);
        let before = versions(&servers, &stack, round)?;
        let took = apply(&workspace)?.took;
        let after = servers.versions(&stack)?;
        let others = versions(&servers, &typed, round)?;
        let mut deploy = Samples::default();
        let line = format!(
            "cat >{typed}.yaml <<'END'\nversion: '3.8'\n{compose}END\n\
             docker stack deploy --detach=false --compose-file {typed}.yaml {typed} >/dev/null"
        );
        Handle::current().block_on(deploy.of(servers.first().typed(&line)))?;
        // The first round makes the stacks.
        if round > 0 {
            ours.time(took);
            updated.add(different(&before, &after)?);
            theirs.add(deploy.median()?);
            also.add(different(&others, &servers.versions(&typed)?)?);
        }
    }
    let cli = &workspace.cli().name;
    Ok(vec![
        Row::median(format!("services updated for 1 of {SERVICES} of a swarm's stack"), &updated, "")?
            .limit(1.0)
            .beside(format!("`docker stack deploy` {:.0}", also.median()?)),
        Row::median(format!("`{cli} apply` of 1 of {SERVICES} services of a swarm's stack"), &ours, "ms")?
            .beside(format!("`docker stack deploy` {:.0} ms", theirs.median()?)),
    ])
}

/// A Compose file in which one service is another in each round.
fn compose(image: &str, round: usize) -> String {
    let value = |number: usize| if number == 7 { round } else { 0 };
    let services = (0..SERVICES).map(|number| idle_service(&format!("s{number}"), image, value(number)));
    format!("services:\n{}", services.collect::<String>())
}

/// The versions before a round; before the first there are none.
fn versions(servers: &Servers, stack: &str, round: usize) -> Result<BTreeMap<String, String>> {
    if round == 0 { Ok(BTreeMap::new()) } else { servers.versions(stack) }
}

/// How many services have another version.
fn different(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Result<f64> {
    let count = after.iter().filter(|(name, version)| before.get(*name) != Some(version)).count();
    Ok(f64::from(u32::try_from(count)?))
}
