//! `cargo xtask test` (what CI runs) and `cargo xtask check` (its quick part).
//!
//! Phases: what the machine needs, the checks that need no host, the builds, and
//! the tests with a lab of real hosts. A phase runs to its end and shows all its
//! problems; the next one starts only when there were none.

pub mod lab;
mod packages;
pub mod report;

use crate::clis::{self, Cli};
use crate::docs::{self, DocsArguments};
use crate::interrupt::Interrupt;
use crate::provider_binary::{self, BuildArguments};
use crate::{install, mirror, paths, shell, tidy};
use anyhow::{Context, Result, bail};
use lab::{ALL_VARIANTS, Lab};
use report::Report;
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(clap::Args)]
pub struct TestArguments {
    /// Add the long matrices (tests see WINDLASS_FULL=1)
    #[arg(long)]
    full: bool,
}

pub fn run(arguments: &TestArguments) -> Result<()> {
    reported(|interrupt, report| everything(arguments, interrupt, report))
}

pub fn check() -> Result<()> {
    reported(checks)
}

/// Runs phases and prints the table however they end.
fn reported(phases: impl FnOnce(&Interrupt, &mut Report) -> Result<()>) -> Result<()> {
    let interrupt = Interrupt::watch()?;
    let mut report = Report::default();
    let outcome = phases(&interrupt, &mut report);
    eprintln!("\n{}", report.table());
    outcome
}

fn everything(arguments: &TestArguments, interrupt: &Interrupt, report: &mut Report) -> Result<()> {
    report.step("packages", || packages::ensure(interrupt))?;
    let clis = report.step("CLIs", found_clis)?;
    checks(interrupt, report)?;
    let built = report.step("provider", Built::new)?;
    interrupt.check()?;
    // Tests that need no host would still say something without a lab, but such a
    // run would be a failed one anyway.
    Lab::new("test", ALL_VARIANTS).during(interrupt, report, |lab, report| {
        report.step("tests", || interrupt.run(&mut test_command(arguments, lab, &built, &clis)?))
    })
}

fn found_clis() -> Result<Vec<Cli>> {
    let clis = clis::all()?;
    for cli in &clis {
        eprintln!("{} ({})", cli.program.display(), cli.version);
    }
    Ok(clis)
}

/// Everything that needs no host. All of it runs, then it fails.
fn checks(interrupt: &Interrupt, report: &mut Report) -> Result<()> {
    let cargo = |words: &[&str]| interrupt.run(shell::cargo().args(words));
    let outcomes = [
        report.step("format", || cargo(&["fmt", "--all", "--", "--check"])),
        report.step("clippy", || {
            cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny=warnings"])
        }),
        report.step("HCL format", || hcl_format(interrupt)),
        report.step("tidy", || interrupt.check().and_then(|()| tidy::run())),
        report.step("docs", || {
            interrupt.check()?;
            docs::run(&DocsArguments::CHECK)
        }),
        dependencies(interrupt, report),
    ];
    interrupt.check()?;
    if outcomes.iter().any(Result::is_err) {
        bail!("failed: {}", report.failed().join(", "));
    }
    Ok(())
}

/// The HCL that people will copy, in the form that every CLI's `fmt` leaves alone.
fn hcl_format(interrupt: &Interrupt) -> Result<()> {
    let clis = clis::all()?;
    let cli = clis.first().context("there is no CLI")?;
    interrupt.run(
        Command::new(&cli.program)
            .args(["fmt", "-check", "-diff", "-recursive", "examples"])
            .env("TF_CLI_CONFIG_FILE", "/dev/null")
            .current_dir(paths::root()),
    )
}

/// Advisories are not part of it: a new one must not fail an unrelated change.
fn dependencies(interrupt: &Interrupt, report: &mut Report) -> Result<()> {
    if paths::on_path("cargo-deny").is_none() {
        report.skipped("dependencies", "cargo-deny is not installed");
        return Ok(());
    }
    report.step("dependencies", || {
        let words = ["deny", "--all-features", "check", "bans", "licenses", "sources"];
        interrupt.run(shell::cargo().args(words))
    })
}

/// The provider as users get it, and the two ways for a CLI to find it.
struct Built {
    program: PathBuf,
    development: PathBuf,
    mirror: PathBuf,
}

impl Built {
    fn new() -> Result<Self> {
        let program = provider_binary::build(&BuildArguments::RELEASE)?;
        Ok(Self { development: install::install(&program)?, mirror: mirror::mirror(&program)?, program })
    }
}

/// The tests, told through the environment what to test with.
fn test_command(arguments: &TestArguments, lab: &Lab, built: &Built, clis: &[Cli]) -> Result<Command> {
    let programs = clis.iter().map(|cli| &cli.program);
    let programs = std::env::join_paths(programs).context("a CLI has a colon in its path")?;
    let mut command = shell::cargo();
    command
        .args(["test", "--workspace", "--locked", "--no-fail-fast"])
        .env("WINDLASS_LAB", lab.name())
        .env("WINDLASS_LAB_STATE", lab.state_file())
        .env("WINDLASS_PROVIDER", &built.program)
        .env("WINDLASS_DEV_CONFIG", &built.development)
        .env("WINDLASS_MIRROR_CONFIG", &built.mirror)
        .env("WINDLASS_CLIS", programs);
    for (variable, name) in [("TOFU", "tofu"), ("TERRAFORM", "terraform")] {
        if let Some(cli) = clis.iter().find(|cli| is_named(&cli.program, name)) {
            command.env(variable, &cli.program);
        }
    }
    if arguments.full {
        command.env("WINDLASS_FULL", "1");
    }
    Ok(command)
}

fn is_named(program: &Path, name: &str) -> bool {
    program.file_name().is_some_and(|found| found == name)
}
