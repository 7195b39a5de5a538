//! What planning many unchanged stacks on one host costs over a plan that needs no provider.

use std::time::Instant;

use acceptance_tests::{Cli, Run, Workspace, every_cli};
use anyhow::{Context as _, Result, ensure};
use tokio::runtime::Handle;

use crate::{Bench, samples::Samples, say, table::Row};

const STACKS: usize = 100;
const ROUNDS: usize = 7;
const PARALLELISM: usize = 50;

/// A built-in resource: no plugin is started for it.
const FLOOR: &str = "resource \"terraform_data\" \"nothing\" {}\n";

pub(crate) async fn measure(bench: &'static Bench) -> Result<Vec<Row>> {
    // CLIs are waited for without a pause.
    tokio::task::spawn_blocking(move || {
        let all = every_cli();
        let first = all.first().context("there is no CLI")?;
        prepare(bench, first)?.rows(first, &all[1..])
    })
    .await?
}

/// Stacks that are applied, and the floor beside them.
struct Prepared {
    stacks: Workspace,
    floor: Workspace,
    /// How long it took to apply all of them.
    applied: Samples,
    /// How long the same commands take, typed for as many at once.
    typed: Samples,
}

fn prepare(bench: &Bench, cli: &Cli) -> Result<Prepared> {
    let (mut stacks, floor) = (Workspace::with(cli), Workspace::with(cli));
    for (name, value) in bench.place.environment() {
        stacks.env(name, &value);
    }
    stacks.write("main.tf", &configuration(bench)?);
    // Nothing there may mention the provider.
    floor.write("versions.tf", "");
    floor.write("main.tf", FLOOR);
    let typed = typed(bench)?;
    say(&format!("applying {STACKS} stacks with {}", cli.name));
    let mut applied = Samples::default();
    for workspace in [&floor, &stacks] {
        applied = Samples::default();
        let run = workspace.run(&["apply", "-input=false", "-auto-approve", "-no-color", "-parallelism=50"]);
        succeeded("apply", &run)?;
        applied.time(run.took);
    }
    Ok(Prepared { stacks, floor, applied, typed })
}

/// One of the stacks. Without a network: an engine has addresses for some thirty.
fn compose(bench: &Bench) -> Result<String> {
    Ok(format!(
        "services:\n  app:\n    image: {}\n    command: sleep infinity\n    init: true\n    network_mode: none\n",
        bench.place.image("busybox")?
    ))
}

/// Brings as many stacks up as a script would, as many at once; and takes them down.
fn typed(bench: &Bench) -> Result<Samples> {
    let all = format!("cd hundred && ls -d h* | xargs -P {PARALLELISM} -I{{}} sh -c");
    let write = format!(
        "mkdir -p hundred && cd hundred && cat >compose.yaml <<'END'\n{}END\n\
         for n in $(seq {STACKS}); do mkdir -p h$n && cp compose.yaml h$n/; done; rm compose.yaml",
        compose(bench)?
    );
    let run = |line: &str| Handle::current().block_on(bench.place.typed(line));
    run(&write)?;
    let mut samples = Samples::default();
    let begun = Instant::now();
    run(&format!("{all} 'cd {{}} && docker compose up -d --wait 2>/dev/null'"))?;
    samples.time(begun.elapsed());
    run(&format!("{all} 'cd {{}} && docker compose down 2>/dev/null'; rm -rf ../hundred"))?;
    Ok(samples)
}

fn configuration(bench: &Bench) -> Result<String> {
    let compose = compose(bench)?;
    Ok(format!(
        "resource \"windlass_compose_stack\" \"many\" {{\n  count  = {STACKS}\n  host   = \"{}\"\n  \
         name   = \"many-${{count.index}}\"\n  config = [<<-END\n{compose}END\n  ]\n}}\n",
        bench.place.connection()
    ))
}

impl Prepared {
    fn rows(&self, cli: &Cli, others: &[Cli]) -> Result<Vec<Row>> {
        let [mut floor, mut over] = std::array::from_fn(|_| Samples::default());
        for _ in 0..ROUNDS {
            let without = timed(&self.floor)?;
            over.add((timed(&self.stacks)? - without) * 1000.0);
            floor.add(without * 1000.0);
        }
        let (connections, starts) = self.connections()?;
        let mut beside = format!("{} alone {:.0} ms", cli.name, floor.median()?);
        if !others.is_empty() {
            let names: Vec<&str> = others.iter().map(|cli| cli.name.as_str()).collect();
            beside += &format!("; not measured: {}", names.join(", "));
        }
        Ok(vec![
            Row::median(
                format!("`{} apply` of {STACKS} stacks at parallelism 50", cli.name),
                &self.applied,
                "ms",
            )?
            // Windlass watches for two seconds that each stays up; `--wait` does not.
            .limit(self.typed.median()? * 1.8)
            .beside(format!("`docker compose up -d --wait` of as many {:.0} ms", self.typed.median()?)),
            Row::median(format!("plan of {STACKS} unchanged stacks"), &over, "ms")?
                .limit(1500.0)
                .beside(beside),
            Row::new("SSH connections of that plan", connections, "")
                .limit(1.0)
                .beside(format!("{starts} provider processes")),
        ])
    }

    /// How many SSH connections one plan makes, and how many provider processes it starts. Only
    /// the one that plans has a reason to connect.
    fn connections(&self) -> Result<(f64, usize)> {
        let mut command = self.stacks.command(&["plan", "-input=false", "-no-color"]);
        let output = command.env("TF_LOG", "DEBUG").output().context("start the CLI")?;
        ensure!(output.status.success(), "a plan with a log failed: {}", output.status);
        let log = String::from_utf8_lossy(&output.stderr);
        let count = |part: &str| log.lines().filter(|line| line.contains(part)).count();
        let connected =
            log.lines().filter(|line| line.contains(": connected:") && line.contains("ssh")).count();
        let started = count("plugin started:");
        ensure!(connected > 0 && started > 0, "the log tells of no connection ({connected} of {started})");
        Ok((f64::from(u32::try_from(connected)?), started))
    }
}

/// The seconds of a plan that finds no change.
fn timed(workspace: &Workspace) -> Result<f64> {
    let begun = Instant::now();
    let run = workspace.run(&["plan", "-input=false", "-no-color", "-detailed-exitcode"]);
    let took = begun.elapsed().as_secs_f64();
    // 2 would be a plan with changes.
    succeeded("plan", &run)?;
    Ok(took)
}

pub(crate) fn succeeded(what: &str, run: &Run) -> Result<()> {
    let errors = run.stderr.lines().chain(run.stdout.lines()).filter(|line| line.contains("Error"));
    let errors: Vec<&str> = errors.collect();
    ensure!(run.code == Some(0), "{what} ended with {:?}: {}", run.code, errors.join(" "));
    Ok(())
}
