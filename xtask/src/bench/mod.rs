//! `cargo xtask bench`: the numbers that Windlass is held to, as one table.
//!
//! Builds what users get, brings up a lab of five hosts, and lets tests/bench measure. A limit that
//! is missed is marked in the table; only what cannot be measured fails the command.

use crate::clis::{self, Cli};
use crate::interrupt::Interrupt;
use crate::provider_binary::{self, BuildArguments, MESSAGES, program};
use crate::shell;
use crate::test::areas::Area;
use crate::test::lab::{self, Lab};
use crate::test::report::Report;
use crate::tools;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The package that measures, and the name of its program.
const PACKAGE: &str = "bench";
/// Hosts where root logs in: one for what one host is enough for, and as many as a swarm needs.
const HOSTS: &[&str] = &["--hosts", "5"];

pub fn run() -> Result<()> {
    let interrupt = Interrupt::watch()?;
    let clis = clis::all()?;
    let provider = provider_binary::build_unless(&interrupt, &BuildArguments::RELEASE)?;
    let companion = provider_binary::build_companion_unless(&interrupt, &BuildArguments::RELEASE)?;
    let meter = build_meter(&interrupt)?;
    let measured = Measured {
        provider,
        companion,
        sops: tools::built(tools::SOPS)?,
        compose: tools::built(tools::COMPOSE)?,
    };
    let table = provider_binary::in_target("bench.txt");
    // What an earlier run left must not pass for the result of this one.
    if table.exists() {
        fs::remove_file(&table).with_context(|| format!("cannot remove {}", table.display()))?;
    }
    let outcome = Lab::new("bench", HOSTS, &lab::tool(&interrupt)?).during(
        &interrupt,
        &mut Report::default(),
        |lab, report| {
            report.step(Area::Hosts, "measure", || {
                interrupt.run(&mut measuring(&meter, &table, &measured, lab, &clis)?)
            })
        },
    );
    // Also when something could not be measured: the rest was.
    if table.exists() {
        let text = fs::read_to_string(&table);
        println!("\n{}", text.with_context(|| format!("cannot read {}", table.display()))?);
    }
    outcome
}

/// Built apart from the provider, so that what the meter needs does not become part of it; for
/// release as well, because half of the way to a host is the meter's own.
fn build_meter(interrupt: &Interrupt) -> Result<PathBuf> {
    let words = ["build", "--locked", "--release", "--package", PACKAGE, MESSAGES];
    program(&interrupt.stdout(shell::cargo().args(words))?, PACKAGE)
}

/// What is measured, and what beside it.
struct Measured {
    provider: PathBuf,
    companion: PathBuf,
    sops: PathBuf,
    compose: PathBuf,
}

fn measuring(meter: &Path, table: &Path, measured: &Measured, lab: &Lab, clis: &[Cli]) -> Result<Command> {
    let programs = std::env::join_paths(clis.iter().map(|cli| &cli.program));
    let mut command = Command::new(meter);
    command
        .arg(table)
        .env("WINDLASS_PROVIDER", &measured.provider)
        .env("WINDLASS_COMPANION", &measured.companion)
        .env("WINDLASS_SOPS", &measured.sops)
        .env("WINDLASS_COMPOSE", &measured.compose)
        .env("WINDLASS_LAB_STATE", lab.state_file())
        .env("WINDLASS_CLIS", programs.context("a CLI has a colon in its path")?);
    Ok(command)
}
