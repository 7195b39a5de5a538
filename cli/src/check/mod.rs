//! `windlass check`: Compose projects of a repository, checked without a host, a state or a credential.
//!
//! What is checked are directories with Compose files ([`project`]), and the stacks of configurations
//! ([`configuration`], [`stack`]), which say what the files are given. What they mean is asked of the Compose
//! of this machine ([`local`]).

mod configuration;
mod finding;
mod formats;
mod local;
mod project;
mod rules;
mod services;
mod stack;

use std::path::{Path, PathBuf};

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::exit::{Exit, Failure};
use crate::settings::{NAME, Settings};
use crate::terminal;

use self::configuration::{Source, Stack};
use self::local::LocalCompose;
use self::rules::{Rules, Wanted};
pub use rules::CheckSettings;

/// What a value is that is not known: text, number and port.
const STAND_IN: &str = "1";
/// Another such value: what is found with one and not with the other depends on it.
const OTHER_STAND_IN: &str = "2";

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Exit codes: 0 all is well (warnings may have been told), 1 it could not be checked, 2 something is to be corrected."
)]
pub struct Arguments {
    /// Directories with Compose files, or with a configuration of OpenTofu or Terraform whose stacks are checked; default:
    /// those that `[check]` of windlass.toml names, else the working directory
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
    let mut wanted = settings.check.projects(&settings.folder, &arguments.directories);
    wanted.iter_mut().for_each(|project| project.swarm |= arguments.swarm);
    let (mut stacks, mut findings) = (Vec::new(), Vec::new());
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    let here = here.map_err(|error| Failure::new("Could not find the working directory").because(&error))?;
    let mut projects = Vec::new();
    for one in wanted {
        let has_stacks = configuration::is_one(&one.path);
        if has_stacks {
            let read = configuration::read(&one.path, &here)?;
            stacks.extend(read.stacks);
            findings.extend(read.notes);
        }
        if !has_stacks || project::is_one(&one.path) {
            projects.push(one);
        }
    }
    // What a configuration gives a directory is more than the directory says of itself.
    projects.retain(|one| !stacks.iter().any(|stack| is_of(stack, one)));
    let count = projects.len() + stacks.len();
    let projects = projects.iter().map(Job::Project).chain(stacks.iter().map(Job::Stack)).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new("Could not begin to check").because(&error))?;
    let with = With { rules: &rules, settings: &settings.check, here: &here };
    findings.extend(runtime.block_on(all(projects, &with))?);
    // Stacks that share a directory share what is wrong in it.
    let mut told: Vec<finding::Finding> = Vec::with_capacity(findings.len());
    findings.into_iter().for_each(|one| {
        if !told.contains(&one) {
            told.push(one)
        }
    });
    terminal::raw(&arguments.format.tell(&told, count));
    Ok(if told.iter().any(finding::Finding::is_error) { FOUND } else { Exit::DONE })
}

/// Whether a stack has its files in a directory.
fn is_of(stack: &Stack, project: &Wanted) -> bool {
    let Source::Directory(directory) = &stack.source else { return false };
    directory.canonicalize().ok().is_some_and(|directory| project.path.canonicalize().ok() == Some(directory))
}

/// What is checked by itself.
enum Job<'a> {
    Project(&'a Wanted),
    Stack(&'a Stack),
}

/// What it is checked with.
struct With<'a> {
    rules: &'a Rules,
    settings: &'a CheckSettings,
    here: &'a Path,
}

/// All of them, as many at once as there are processors; what is found has their order.
async fn all(jobs: Vec<Job<'_>>, with: &With<'_>) -> Result<Vec<finding::Finding>, Failure> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let local = &LocalCompose::find().await?;
    let at_once = std::thread::available_parallelism().map_or(2, usize::from);
    let checks = jobs.into_iter().map(|job| async move {
        match job {
            Job::Project(project) => project::check(local, project, with.rules).await,
            Job::Stack(stack) => stack::check(local, stack, with.settings, with.here).await,
        }
    });
    let found: Vec<Vec<finding::Finding>> = stream::iter(checks).buffered(at_once).try_collect().await?;
    Ok(found.concat())
}
