//! `cargo xtask test` (what CI runs) and `cargo xtask check` (its quick part).
//!
//! Phases: what the machine needs, the checks that need no host, the builds, and
//! the tests, those with real hosts several at a time. A phase runs to its end and
//! shows all its problems; the next one starts only when there were none. What
//! only waits (a linker, hosts that start) goes on beside the phases before it is
//! needed.

mod background;
pub mod lab;
mod lanes;
mod packages;
mod programs;
pub mod report;

use crate::clis::{self, Cli};
use crate::docs::{self, DocsArguments};
use crate::interrupt::Interrupt;
use crate::provider_binary::{self, BuildArguments};
use crate::{install, mirror, paths, shell, tidy, tools};
use anyhow::{Context, Result, bail};
use background::{Background, Log};
use lab::{ALL_VARIANTS, Lab};
use lanes::Lane;
use programs::Program;
use report::Report;
use std::fs::File;
use std::io::BufReader;
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
    // Two directories of cargo's, which it locks one by one: this takes turns with nothing below.
    let provider = Background::begin("provider", interrupt, Built::new)?;
    let labs = Background::begin("labs up", interrupt, labs)?;
    checks(interrupt, report)?;
    let programs = report.step("test programs", || programs::build(interrupt))?;
    let (with_hosts, without): (Vec<_>, Vec<_>) =
        programs.into_iter().partition(|program| program.package == WITH_HOSTS);
    let (with_provider, without): (Vec<_>, Vec<_>) =
        without.into_iter().partition(|program| program.package == WITH_PROVIDER);

    // All of these run, then it fails.
    let mut outcomes = vec![lanes::run(without, &[Lane::new()], interrupt, report)];
    outcomes.push(report.step("tests in documentation", || {
        interrupt.run(shell::cargo().args(["test", "--workspace", "--locked", "--doc"]))
    }));
    let built = provider.end(report)?;
    let told = told(arguments, &built, &clis)?;
    outcomes.push(lanes::run(with_provider, std::slice::from_ref(&told), interrupt, report));
    let labs = labs.end(report)?;
    let lanes: Vec<Lane> = labs.iter().map(|lab| [lab.told().to_vec(), told.clone()].concat()).collect();
    outcomes.push(lanes::run(longest_first(with_hosts), &lanes, interrupt, report));
    outcomes.push(report.step("labs down", || lab::down(labs)));
    interrupt.check()?;
    background::all(outcomes)
}

/// The package whose tests need a lab. Each of its programs gets one that no other uses at the
/// same time.
const WITH_HOSTS: &str = "acceptance-tests";
/// The package whose tests need nothing but the provider. They hold it to times, and so they run
/// one after the other and before all that is noisy.
const WITH_PROVIDER: &str = "protocol-tests";
/// How many programs with hosts run at the same time.
const LANES: usize = 2;
/// The programs with hosts that take longest. The others fill what is left beside them.
const LONGEST: &[&str] = &["compose_stack", "failures", "fidelity", "edge", "systems"];

fn longest_first(mut programs: Vec<Program>) -> Vec<Program> {
    programs.sort_by_key(|one| LONGEST.iter().position(|long| *long == one.target).unwrap_or(LONGEST.len()));
    programs
}

/// A lab for each lane. Those that are up go down again when one does not come up.
fn labs(interrupt: &Interrupt, log: &Log) -> Result<Vec<Lab>> {
    let mut labs: Vec<Lab> = (1..=LANES).map(|lane| Lab::new(&format!("test{lane}"), ALL_VARIANTS)).collect();
    for lab in &mut labs {
        lab.up_beside(interrupt, log)?;
    }
    Ok(labs)
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
    fn new(interrupt: &Interrupt, log: &Log) -> Result<Self> {
        let path = provider_binary::in_target("provider.json");
        let file =
            |result: std::io::Result<File>| result.with_context(|| format!("cannot open {}", path.display()));
        let stdout = file(File::create(&path))?;
        log.run(interrupt, provider_binary::command(&BuildArguments::RELEASE).stdout(stdout))?;
        let program = provider_binary::program(BufReader::new(file(File::open(&path))?))?;
        Ok(Self { development: install::install(&program)?, mirror: mirror::mirror(&program)?, program })
    }
}

/// What all tests are told through the environment: what to test with.
fn told(arguments: &TestArguments, built: &Built, clis: &[Cli]) -> Result<Lane> {
    let programs = clis.iter().map(|cli| &cli.program);
    let programs = std::env::join_paths(programs).context("a CLI has a colon in its path")?;
    let mut told: Lane = vec![
        ("WINDLASS_PROVIDER", built.program.clone().into()),
        ("WINDLASS_DEV_CONFIG", built.development.clone().into()),
        ("WINDLASS_MIRROR_CONFIG", built.mirror.clone().into()),
        ("WINDLASS_CLIS", programs),
    ];
    for (variable, name) in [("TOFU", "tofu"), ("TERRAFORM", "terraform")] {
        if let Some(cli) = clis.iter().find(|cli| is_named(&cli.program, name)) {
            told.push((variable, cli.program.clone().into()));
        }
    }
    if arguments.full {
        told.push(("WINDLASS_FULL", "1".into()));
        told.push(("WINDLASS_COMPOSE", tools::built(tools::COMPOSE)?.into()));
        told.push(("WINDLASS_BUILDX", tools::built(tools::BUILDX)?.into()));
    }
    Ok(told)
}

fn is_named(program: &Path, name: &str) -> bool {
    program.file_name().is_some_and(|found| found == name)
}
