//! `bench <file> [<section>…]`: measures what the provider costs, or only what these sections measure, and
//! writes one table into the file.
//!
//! Medians of what a core, a CLI or a person sees on the clock; what is compared is measured in
//! turns in the same run, because machines have moods. Nothing here is a test: a limit that is
//! missed is marked. Only what could not be measured makes the run fail.
//!
//! Told by `cargo xtask bench` through the environment: `WINDLASS_PROVIDER` and `WINDLASS_COMPANION`
//! (release builds), `WINDLASS_LAB_STATE` (a lab whose first host is used, and five of them for a swarm),
//! `WINDLASS_CLIS`, and for the companion `WINDLASS_SOPS` and `WINDLASS_COMPOSE`.

mod apply;
mod companion;
mod corpus;
mod exec;
mod large;
mod many_files;
mod place;
mod plan;
mod samples;
mod services;
mod stacks;
mod starts;
mod swarm;
mod table;
mod tailnet;

use std::{env, fs, future::Future, path::PathBuf, pin::Pin, process::ExitCode};

use acceptance_tests::{Workspace, every_cli};
use anyhow::{Context as _, Result};
use place::Place;
use table::{Row, Table};
use tokio::task::JoinHandle;

/// What the sections measure with.
#[derive(Debug)]
struct Bench {
    /// The provider's binary.
    provider: PathBuf,
    /// The companion's binary.
    companion: PathBuf,
    /// The host.
    place: Place,
    /// What tells of the lab.
    state: PathBuf,
}

impl Bench {
    /// A workspace of the first CLI that knows how to reach the host.
    fn workspace(&self) -> Result<Workspace> {
        let cli = every_cli().into_iter().next().context("there is no CLI")?;
        let mut workspace = Workspace::with(&cli);
        for (name, value) in self.place.environment() {
            workspace.env(name, &value);
        }
        Ok(workspace)
    }
}

type Measuring = Pin<Box<dyn Future<Output = Result<Vec<Row>>> + Send>>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("bench: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Whether everything could be measured.
async fn run() -> Result<bool> {
    if env::args().nth(1).is_some_and(|word| word == companion::WRITER) {
        let rounds = env::args().nth(2).and_then(|word| word.parse().ok()).context("say how many states")?;
        return companion::write(rounds).map(|()| true);
    }
    let file = env::args_os().nth(1).context("name the file for the table")?;
    let provider = PathBuf::from(env::var_os("WINDLASS_PROVIDER").context("WINDLASS_PROVIDER is not set")?);
    let companion = env::var_os("WINDLASS_COMPANION").context("WINDLASS_COMPANION is not set")?.into();
    let state = PathBuf::from(env::var_os("WINDLASS_LAB_STATE").context("WINDLASS_LAB_STATE is not set")?);
    let place = Place::new(&state)?;
    let bench: &'static Bench = Box::leak(Box::new(Bench { provider, companion, place, state }));

    let sections: [(&'static str, Measuring); 16] = [
        ("start", Box::pin(starts::measure(bench))),
        ("exec on a host", Box::pin(exec::measure(bench))),
        ("ApplyResourceChange", Box::pin(apply::measure(bench))),
        ("a dozen stacks", Box::pin(stacks::measure(bench))),
        ("one service of many", Box::pin(services::measure(bench))),
        ("large source_dir", Box::pin(large::measure(bench))),
        ("many files", Box::pin(many_files::measure(bench))),
        ("tailnet", Box::pin(tailnet::measure(bench))),
        ("corpus", Box::pin(corpus::measure(bench))),
        ("plan", Box::pin(plan::measure(bench))),
        ("companion", Box::pin(companion::measure())),
        ("swarm join", Box::pin(swarm::join::measure(bench))),
        ("swarm plan", Box::pin(swarm::plan::measure(bench))),
        ("swarm drain", Box::pin(swarm::drain::measure(bench))),
        ("swarm service", Box::pin(swarm::service::measure(bench))),
        ("swarm rebuild", Box::pin(swarm::rebuild::measure(bench))),
    ];
    let chosen: Vec<String> = env::args().skip(2).collect();
    let mut table = Table::default();
    let mut load = vec![load_average()?];
    for (name, measuring) in sections {
        if !chosen.is_empty() && !chosen.iter().any(|one| one == name) {
            continue;
        }
        say(&format!("measuring: {name}"));
        // A task, so that a panic costs one section and not the table.
        let section: JoinHandle<Result<Vec<Row>>> = tokio::spawn(measuring);
        match section.await.map_err(anyhow::Error::from).and_then(|rows| rows) {
            Ok(rows) => rows.into_iter().for_each(|row| table.add(row)),
            Err(error) => table.unmeasured(name, &format!("{error:#}")),
        }
    }
    bench.place.close();
    load.push(load_average()?);
    let processors = std::thread::available_parallelism()?;
    // A busy machine misses limits that a quiet one keeps.
    let machine = format!("load average {} on {processors} processors\n", load.join(" to "));
    fs::write(&file, table.render() + &machine).with_context(|| format!("write {}", file.display()))?;
    Ok(table.is_whole())
}

/// How many tasks wanted a processor in the last minute.
fn load_average() -> Result<String> {
    let all = fs::read_to_string("/proc/loadavg").context("read the load average")?;
    Ok(all.split(' ').next().unwrap_or_default().to_owned())
}

/// Progress, to stderr.
fn say(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{text}");
}
