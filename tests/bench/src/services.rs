//! What a change of one service costs in a stack of many, and what it leaves alone.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::{Bench, plan::succeeded, samples::Samples, table::Row};

const SERVICES: usize = 30;
const ROUNDS: usize = 5;

pub(crate) async fn measure(bench: &'static Bench) -> Result<Vec<Row>> {
    let workspace = bench.workspace()?;
    workspace.write(
        "main.tf",
        &format!(
            "resource \"windlass_compose_stack\" \"wide\" {{\n  host   = \"{}\"\n  name   = \"wide\"\n  \
             config = [file(\"${{path.module}}/compose.tpl.yaml\")]\n}}\n",
            bench.place.connection()
        ),
    );
    let [mut ours, mut typed] = std::array::from_fn(|_| Samples::default());
    let mut most_touched = 0;
    for round in 0..=ROUNDS {
        let text = compose(bench, round)?;
        workspace.write("compose.tpl.yaml", &text);
        let write = format!("mkdir -p wide-typed && cat > wide-typed/compose.yaml <<'END'\n{text}END");
        bench.place.typed(&write).await?;
        let before = containers(bench)?;
        let [mut one, mut other] = std::array::from_fn(|_| Samples::default());
        let run =
            one.of(async { workspace.run(&["apply", "-input=false", "-auto-approve", "-no-color"]) }).await;
        succeeded("apply", &run)?;
        let after = containers(bench)?;
        other.of(bench.place.typed("cd wide-typed && docker compose up -d --wait")).await?;
        // The first round makes the stacks.
        if round > 0 {
            most_touched = most_touched.max(before.difference(&after).count());
            ours.add(one.median()?);
            typed.add(other.median()?);
        }
    }
    bench.place.typed("cd wide-typed && docker compose down").await?;
    succeeded("destroy", &workspace.run(&["destroy", "-input=false", "-auto-approve", "-no-color"]))?;
    let touched = f64::from(u32::try_from(most_touched)?);
    Ok(vec![
        Row::new(format!("containers replaced for 1 of {SERVICES} services"), touched, "").limit(1.0),
        Row::median(format!("`{} apply` of 1 of {SERVICES} services", workspace.cli().name), &ours, "ms")?
            .beside(format!("`docker compose up -d --wait` {:.0} ms", typed.median()?)),
    ])
}

/// A Compose file in which one service is another in each round.
fn compose(bench: &Bench, round: usize) -> Result<String> {
    let image = bench.place.image("busybox")?;
    let service = |number: usize| {
        let value = if number == 7 { round } else { 0 };
        format!(
            "  s{number}:\n    image: {image}\n    command: sleep infinity\n    init: true\n    network_mode: none\n    \
             environment: {{ VALUE: \"{value}\" }}\n"
        )
    };
    Ok(format!("services:\n{}", (0..SERVICES).map(service).collect::<String>()))
}

/// The ids of all containers of our stack.
fn containers(bench: &Bench) -> Result<BTreeSet<String>> {
    let listed = bench.place.asked("docker ps -aq --filter label=com.docker.compose.project=wide")?;
    Ok(listed.lines().map(str::to_owned).collect())
}
