//! `windlass check`: Compose projects of a repository, checked without a host, a state or a credential.

mod finding;
mod formats;
mod project;
mod rules;

use std::path::PathBuf;

use crate::exit::{Exit, Failure};
use crate::settings::{NAME, Settings};
use crate::terminal;

pub use rules::CheckSettings;

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Exit codes: 0 all is well (warnings may have been told), 1 it could not be checked, 2 something is to be corrected."
)]
pub struct Arguments {
    /// Directories with Compose files; default: those that `[check]` of windlass.toml names, else the working directory
    #[arg(value_name = "DIR")]
    directories: Vec<PathBuf>,
    /// Check that a Docker Swarm can have them, too
    #[arg(long)]
    swarm: bool,
    /// How findings are told
    #[arg(long, value_enum, default_value_t)]
    format: formats::Format,
}

/// What a check has come to, where something is to be corrected.
const FOUND: Exit = Exit(2);

/// Checks the directories.
///
/// # Errors
/// When one cannot be checked, which says nothing of what is in it.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let settings = Settings::find()?;
    let rules = settings.check.rules().map_err(|error| {
        Failure::new(format!("Could not read {}", settings.folder.join(NAME).display()))
            .with("What `host_ports_allowed` of `[check.require]` says means nothing.")
            .because(&error)
    })?;
    let mut projects = settings.check.projects(&settings.folder, &arguments.directories);
    projects.iter_mut().for_each(|project| project.swarm |= arguments.swarm);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new("Could not begin to check").because(&error))?;
    let mut findings = Vec::new();
    for project in &projects {
        findings.extend(runtime.block_on(project::check(project, &rules))?);
    }
    terminal::raw(&arguments.format.tell(&findings, projects.len()));
    Ok(if findings.iter().any(finding::Finding::is_error) { FOUND } else { Exit::DONE })
}
