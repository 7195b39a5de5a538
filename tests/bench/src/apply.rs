//! What ApplyResourceChange of a stack costs over the same command, typed on the host.

use anyhow::{Result, ensure};
use protocol_tests::{Launch, Mode, Planned, Resource, Session, Stored, failed};
use tfvalue::Value;

use crate::{Bench, samples::Samples, table::Row};

const ROUNDS: usize = 9;

/// A stack of one service.
struct Stack {
    what: &'static str,
    compose: String,
}

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let image = bench.place.image("nginx")?;
    let service = format!("services:\n  web:\n    image: {image}\n    init: true\n");
    let health = "    healthcheck:\n      test: [\"CMD\", \"true\"]\n      interval: 1s\n";
    let stacks = [
        Stack { what: "with a health check", compose: format!("{service}{health}") },
        // Windlass watches for two seconds that it stays up; `--wait` does not.
        Stack { what: "without a health check", compose: service },
    ];
    bench.place.typed(&format!("docker pull --quiet {image}")).await?;
    let mut rows = Vec::new();
    for stack in &stacks {
        rows.push(one(bench, stack).await?);
    }
    Ok(rows)
}

async fn one(bench: &Bench, stack: &Stack) -> Result<Row> {
    let session = provider(bench).await?;
    let resource = session.resource("windlass_compose_stack")?;
    let config = resource.config([
        ("host", Value::from(bench.place.connection())),
        ("name", Value::from("ours")),
        ("config", Value::list_of([stack.compose.as_str()])),
    ])?;
    let [mut ours, mut typed] = std::array::from_fn(|_| Samples::default());
    let write = format!("mkdir -p typed && cat > typed/compose.yaml <<'END'\n{}END", stack.compose);
    bench.place.typed(&write).await?;
    for _ in 0..ROUNDS {
        let planned = plan(&resource, &Stored::default(), &config).await?;
        let made = ours.of(resource.apply(&planned)).await?;
        ensure!(!failed(&made.problems), "apply failed: {:?}", made.problems);
        let removal = plan(&resource, &made.stored, &Value::Null).await?;
        let removed = resource.apply(&removal).await?;
        ensure!(!failed(&removed.problems), "destroy failed: {:?}", removed.problems);

        typed.of(bench.place.typed("cd typed && docker compose up -d --wait")).await?;
        bench.place.typed("cd typed && docker compose down").await?;
    }
    session.into_core().shutdown().await?;
    let beside = typed.median()?;
    Ok(Row::median(format!("apply one stack {}", stack.what), &ours, "ms")?
        .limit(beside * 1.1 + 300.0)
        .beside(format!("`docker compose up -d --wait` {beside:.0} ms")))
}

/// A provider that is configured from the environment.
async fn provider(bench: &Bench) -> Result<Session> {
    let mut launch = Launch::new(&bench.provider, Mode::Tls)?;
    for (name, value) in bench.place.environment() {
        launch = launch.env(name, value);
    }
    let session = Session::open(launch.start().await?).await?;
    let shape = session.provider()?;
    let config = shape.config([("on_unreachable", Value::Null)])?;
    let problems = session.configure(shape.encode(&config)?).await?;
    ensure!(!failed(&problems), "Configure failed: {problems:?}");
    Ok(session)
}

async fn plan(resource: &Resource, prior: &Stored, config: &Value) -> Result<Planned> {
    let planned = resource.plan(prior, config).await?;
    ensure!(!failed(&planned.problems), "plan failed: {:?}", planned.problems);
    Ok(planned)
}
