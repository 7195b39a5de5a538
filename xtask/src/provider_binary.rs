//! Building the provider, and its names: the address users write and the
//! registries that a CLI may take it to mean.

use crate::{paths, shell};
use anyhow::{Context, Result, bail};
use cargo_metadata::Message;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The source address in `required_providers`.
pub const ADDRESS: &str = "windlass/windlass";
/// The default registries of OpenTofu and Terraform; a short address means one of them.
pub const REGISTRIES: [&str; 2] = ["registry.opentofu.org", "registry.terraform.io"];
/// The program's name, without what a mirror appends.
pub const BINARY: &str = "terraform-provider-windlass";

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
    let mut command = command(arguments);
    let line = shell::words(&command);
    eprintln!("$ {line}");
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{line}`"))?;
    let stdout = child.stdout.take().context("cargo has no stdout")?;
    let program = program(BufReader::new(stdout));
    let status = child.wait().context("cannot wait for cargo")?;
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    program
}

/// The command that builds the provider and tells on its stdout what it built.
pub fn command(arguments: &BuildArguments) -> Command {
    let mut command = shell::cargo();
    command.args(["build", "--package", "provider", "--bin", BINARY]);
    command.args((!arguments.dev).then_some("--release"));
    command.arg("--message-format=json-render-diagnostics");
    command
}

/// The path of the program in what [`command`] tells.
///
/// # Errors
/// When there is none.
pub fn program(told: impl BufRead) -> Result<PathBuf> {
    let mut program = None;
    for message in Message::parse_stream(told) {
        let message = message.context("cannot read what cargo says it built")?;
        if let Message::CompilerArtifact(artifact) = message
            && artifact.target.name == BINARY
        {
            program = artifact.executable.map(Into::into).or(program);
        }
    }
    program.with_context(|| format!("cargo built no program named {BINARY}"))
}

/// A file under the target directory, for what install and mirror write.
pub fn in_target(name: &str) -> PathBuf {
    paths::target().join(name)
}
