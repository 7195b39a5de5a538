//! Building the provider, and its names: the address users write and the
//! registries that a CLI may take it to mean.

use crate::interrupt::Interrupt;
use crate::{paths, shell};
use anyhow::{Context, Result};
use cargo_metadata::Message;
use std::path::PathBuf;
use std::process::Command;

/// The source address in `required_providers`.
pub const ADDRESS: &str = "windlass/windlass";
/// The default registries of OpenTofu and Terraform; a short address means one of them.
pub const REGISTRIES: [&str; 2] = ["registry.opentofu.org", "registry.terraform.io"];
/// The program's name, without what a mirror appends.
pub const BINARY: &str = "terraform-provider-windlass";
/// The companion's program.
pub const COMPANION: &str = "windlass";
/// The program, and the package, that brings up hosts.
pub const LAB: &str = "lab";

#[derive(clap::Args, Clone)]
pub struct BuildArguments {
    /// A debug build instead of a release build: quick to build, slow to run
    #[arg(long)]
    dev: bool,
}

impl BuildArguments {
    /// What users get.
    pub const RELEASE: Self = Self { dev: false };
    /// For looking at the provider, not for measuring or shipping it.
    pub const DEV: Self = Self { dev: true };
}

/// The version in the workspace's manifest; every crate inherits it.
pub const fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Builds the provider and returns the path of its program.
///
/// # Errors
/// When it does not compile, or the crate has no such program.
pub fn build(arguments: &BuildArguments) -> Result<PathBuf> {
    program(&shell::stdout(&mut command(arguments))?, BINARY)
}

/// As [`build`], but not longer than until somebody interrupts.
///
/// # Errors
/// As [`build`].
pub fn build_unless(interrupt: &Interrupt, arguments: &BuildArguments) -> Result<PathBuf> {
    program(&interrupt.stdout(&mut command(arguments))?, BINARY)
}

/// Builds the companion and returns the path of its program.
///
/// # Errors
/// When it does not compile, or the crate has no such program.
pub fn build_companion(arguments: &BuildArguments) -> Result<PathBuf> {
    program(&shell::stdout(&mut cargo_build(arguments, "cli", COMPANION))?, COMPANION)
}

/// As [`build_companion`], but not longer than until somebody interrupts.
///
/// # Errors
/// As [`build_companion`].
pub fn build_companion_unless(interrupt: &Interrupt, arguments: &BuildArguments) -> Result<PathBuf> {
    program(&interrupt.stdout(&mut cargo_build(arguments, "cli", COMPANION))?, COMPANION)
}

fn command(arguments: &BuildArguments) -> Command {
    cargo_build(arguments, "provider", BINARY)
}

fn cargo_build(arguments: &BuildArguments, package: &str, binary: &str) -> Command {
    let mut command = shell::cargo();
    command.args(["build", "--locked", "--package", package, "--bin", binary]);
    command.args((!arguments.dev).then_some("--release"));
    command.arg(MESSAGES);
    command
}

/// What makes cargo tell on its stdout what it built; warnings and errors still go to stderr.
pub const MESSAGES: &str = "--message-format=json-render-diagnostics";

/// The path of a program in what cargo tells.
///
/// # Errors
/// When there is none.
pub fn program(told: &[u8], name: &str) -> Result<PathBuf> {
    let mut program = None;
    for message in Message::parse_stream(told) {
        let message = message.context("cannot read what cargo says it built")?;
        if let Message::CompilerArtifact(artifact) = message
            && artifact.target.name == name
            && !artifact.profile.test
        {
            program = artifact.executable.map(Into::into).or(program);
        }
    }
    program.with_context(|| format!("cargo built no program named {name}"))
}

/// A file under the target directory, for what install and mirror write.
pub fn in_target(name: &str) -> PathBuf {
    paths::target().join(name)
}
