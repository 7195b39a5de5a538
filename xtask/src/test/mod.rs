//! `cargo xtask test` (what CI runs) and `cargo xtask check` (its quick part).
//!
//! Phases: what the machine needs, the checks that compile nothing, one pass that compiles all
//! tests with the provider and the lab, the checks that compile, and the tests, those with real
//! hosts several at a time. A phase runs to its end and shows all its problems; the next one
//! starts only when there were none. Hosts start beside the checks.
//!
//! Tests run the provider of that pass, a development build: to make what users get takes longer
//! than all tests together, so it is left to the long run, which tries it at its end.

pub mod areas;
mod background;
pub mod lab;
mod lanes;
mod packages;
mod programs;
pub mod report;
mod space;

use crate::clis::{self, Cli};
use crate::docs::{self, DocsArguments};
use crate::interrupt::Interrupt;
use crate::provider_binary::{self, BuildArguments};
use crate::{install, mirror, paths, shell, tidy, tools};
use anyhow::{Context, Result, bail};
use areas::{Area, PROTOCOL, WITH_HOSTS, WITH_PROVIDER};
use background::{Background, Log};
use lab::{ALL_VARIANTS, Lab};
use lanes::Lane;
use programs::{Built, Program};
use report::Report;
use std::path::Path;
use std::process::Command;

#[derive(clap::Args)]
pub struct TestArguments {
    /// Add the long matrices (tests see WINDLASS_FULL=1) and a release build
    #[arg(long)]
    full: bool,
}

pub fn run(arguments: &TestArguments) -> Result<()> {
    reported(|interrupt, report| everything(arguments, interrupt, report))
}

pub fn check() -> Result<()> {
    reported(|interrupt, report| {
        quick_checks(interrupt, report)?;
        checks(None, interrupt, report)
    })
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
    report.step(Area::Builds, "disk", space::ensure)?;
    report.step(Area::Builds, "packages", packages::ensure)?;
    let clis = report.step(Area::Builds, "CLIs", found_clis)?;
    let headscale = report.step(Area::Builds, "Headscale", || tools::built(tools::HEADSCALE))?;
    let older_headscale =
        report.step(Area::Builds, "the Headscale before", || tools::built(tools::OLDER_HEADSCALE))?;
    let tailscale = report.step(Area::Builds, "Tailscale", || tools::built(tools::TAILSCALE))?;
    let sops = report.step(Area::Builds, "sops", || tools::built(tools::SOPS))?;
    let restic = report.step(Area::Builds, "restic", || tools::built(tools::RESTIC))?;
    quick_checks(interrupt, report)?;
    let built = report.step(Area::Builds, "tests, provider and lab", || Built::new(interrupt))?;
    let tool = built.lab.clone();
    let labs = Background::begin("labs up", interrupt, move |interrupt, log| labs(&tool, interrupt, log))?;
    checks(Some(&built.provider), interrupt, report)?;
    let mut environment = environment(arguments, &built.provider, &clis)?;
    environment.push(("WINDLASS_HEADSCALE", headscale.into()));
    environment.push(("WINDLASS_OLDER_HEADSCALE", older_headscale.into()));
    environment.push(("WINDLASS_TAILSCALE", tailscale.into()));
    environment.push(("WINDLASS_SOPS", sops.into()));
    environment.push(("WINDLASS_RESTIC", restic.into()));
    environment.push(("WINDLASS_COMPANION", built.companion.clone().into()));
    let (with_hosts, without): (Vec<_>, Vec<_>) =
        built.tests.into_iter().partition(|program| program.package == WITH_HOSTS);
    let (with_provider, without): (Vec<_>, Vec<_>) =
        without.into_iter().partition(|program| WITH_PROVIDER.contains(&program.package.as_str()));
    let smoke: Vec<Program> = smoke(with_hosts.iter().chain(&with_provider)).cloned().collect();

    // All of these run, then it fails.
    // Half of what runs without hosts is to wait, for time-outs and for connections that are cut.
    let idle = [Lane::new(), Lane::new()];
    let mut outcomes = vec![lanes::run(without, &idle, interrupt, report)];
    outcomes.push(report.step(Area::Units, "tests in documentation", || {
        interrupt.run(shell::cargo().args(["test", "--workspace", "--locked", "--doc"]))
    }));
    let labs = labs.end(report)?;
    outcomes.push(lanes::run(with_provider, std::slice::from_ref(&environment), interrupt, report));
    let lanes = |environment: &Lane| -> Vec<Lane> {
        let threads = vec![("RUST_TEST_THREADS", THREADS.into())];
        labs.iter()
            .map(|lab| [lab.environment().to_vec(), environment.clone(), threads.clone()].concat())
            .collect()
    };
    outcomes.push(lanes::run(areas::longest_first(with_hosts), &lanes(&environment), interrupt, report));
    if arguments.full {
        outcomes.push(released(smoke, arguments, &clis, lanes, interrupt, report));
    }
    outcomes.push(report.step(Area::Builds, "labs down", || lab::down(labs)));
    interrupt.check()?;
    background::all(outcomes)
}

/// How many programs with hosts run at the same time.
const LANES: usize = 2;

/// How many tests of a program with hosts run at the same time: more than there are processors,
/// because most of what they do is to wait for containers.
const THREADS: &str = "3";

/// The tests that the provider as users get it has to pass as well: the protocol and its times,
/// both ways to install it, and a whole system.
fn smoke<'a>(programs: impl Iterator<Item = &'a Program>) -> impl Iterator<Item = &'a Program> {
    programs.filter(|program| {
        program.package == PROTOCOL || ["install", "systems"].contains(&program.target.as_str())
    })
}

/// The smoke test of a release build.
fn released(
    smoke: Vec<Program>,
    arguments: &TestArguments,
    clis: &[Cli],
    lanes: impl Fn(&Lane) -> Vec<Lane>,
    interrupt: &Interrupt,
    report: &mut Report,
) -> Result<()> {
    interrupt.check()?;
    let provider = report.step(Area::Builds, "release", || {
        provider_binary::build_unless(interrupt, &BuildArguments::RELEASE)
    })?;
    let environment = environment(arguments, &provider, clis)?;
    // One at a time: the protocol's tests are among them.
    lanes::run(smoke, &lanes(&environment)[..1], interrupt, report)
}

/// A lab for each lane. Those that are up go down again when one does not come up.
fn labs(tool: &Path, interrupt: &Interrupt, log: &Log) -> Result<Vec<Lab>> {
    let mut labs: Vec<Lab> =
        (1..=LANES).map(|lane| Lab::new(&format!("test{lane}"), ALL_VARIANTS, tool)).collect();
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

/// The checks that compile nothing. All of them run, then it fails.
fn quick_checks(interrupt: &Interrupt, report: &mut Report) -> Result<()> {
    let outcomes = [
        report
            .step(Area::Checks, "format", || interrupt.run(shell::cargo().args(["fmt", "--all", "--check"]))),
        report.step(Area::Checks, "tidy", || interrupt.check().and_then(|()| tidy::run())),
        report.step(Area::Checks, "HCL format", || hcl_format(interrupt)),
        dependencies(interrupt, report),
    ];
    passed(&outcomes, interrupt, report)
}

/// The checks that compile. The schema is asked of the `provider` that was built, or of a fresh
/// build.
fn checks(provider: Option<&Path>, interrupt: &Interrupt, report: &mut Report) -> Result<()> {
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny=warnings"];
    let outcomes = [
        report.step(Area::Checks, "clippy", || interrupt.run(shell::cargo().args(clippy))),
        report.step(Area::Checks, "docs", || {
            interrupt.check()?;
            docs::run(&DocsArguments::check(provider))
        }),
    ];
    passed(&outcomes, interrupt, report)
}

fn passed(outcomes: &[Result<()>], interrupt: &Interrupt, report: &Report) -> Result<()> {
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
        report.skipped(Area::Checks, "dependencies", "cargo-deny is not installed");
        return Ok(());
    }
    report.step(Area::Checks, "dependencies", || {
        let words = ["deny", "--all-features", "check", "bans", "licenses", "sources"];
        interrupt.run(shell::cargo().args(words))
    })
}

/// What all tests learn through the environment: what to test with, and the two ways for a CLI to
/// find the provider.
fn environment(arguments: &TestArguments, provider: &Path, clis: &[Cli]) -> Result<Lane> {
    let programs = clis.iter().map(|cli| &cli.program);
    let programs = std::env::join_paths(programs).context("a CLI has a colon in its path")?;
    let mut environment: Lane = vec![
        ("WINDLASS_PROVIDER", provider.into()),
        ("WINDLASS_DEV_CONFIG", install::install(provider, "test.tfrc")?.into()),
        ("WINDLASS_MIRROR_CONFIG", mirror::mirror(provider, "test-mirror")?.into()),
        ("WINDLASS_CLIS", programs),
        ("WINDLASS_COMPOSE", tools::built(tools::COMPOSE)?.into()),
    ];
    for (variable, name) in [("TOFU", "tofu"), ("TERRAFORM", "terraform")] {
        if let Some(cli) = clis.iter().find(|cli| is_named(&cli.program, name)) {
            environment.push((variable, cli.program.clone().into()));
        }
    }
    if arguments.full {
        environment.push(("WINDLASS_FULL", "1".into()));
        environment.push(("WINDLASS_BUILDX", tools::built(tools::BUILDX)?.into()));
    }
    Ok(environment)
}

fn is_named(program: &Path, name: &str) -> bool {
    program.file_name().is_some_and(|found| found == name)
}
