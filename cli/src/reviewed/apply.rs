//! `windlass apply F`: the plan of an artefact, where all is as it was when it was made.

use std::path::PathBuf;

use super::artefact::Artefact;
use super::core::{Core, Words};
use super::memory::MemoryFile;
use crate::exit::{Exit, Failure};

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "It ends with the core's exit code, or with 1 where the plan is refused: when the state, the configuration, the lock file, a provider or a version is not what it was. A plan is applied once: after that, the state is another one."
)]
pub struct Arguments {
    #[command(flatten)]
    words: Words,
    /// What `windlass plan --out` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Applies it.
///
/// # Errors
/// When it is refused, with all that differs.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let path = &arguments.file;
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::new(format!("Could not read {}", path.display())).because(&error))?;
    let artefact = super::open(path, &bytes).map_err(|failure| failure.with("Nothing was applied."))?;
    let core = Core::open(&arguments.words)?;
    let ended = reviewed(arguments, &core, &artefact).and_then(|plan| core.apply(&plan));
    core.session.close()?;
    ended
}

/// The plan, once all of it is what was reviewed.
fn reviewed(arguments: &Arguments, core: &Core, artefact: &Artefact) -> Result<MemoryFile, Failure> {
    let state = core.state()?;
    let now = core.facts(&state, std::slice::from_ref(&arguments.file))?;
    let refused = || Failure::new(format!("Could not apply the plan in {}", arguments.file.display()));
    let again = "Nothing was applied. Plan again, and have that reviewed.";
    let differences = artefact.content.facts.differences(&now);
    if !differences.is_empty() {
        let failure = refused().with("Something has changed since it was made:");
        return Err(failure.with(differences.join("\n")).with(again));
    }
    if !artefact.is_of(&state) {
        return Err(refused()
            .with("It was not made from this state: the state has the same lineage and serial and other contents, or somebody without access to it has made this file.")
            .with(again));
    }
    let plan = artefact.plan().map_err(|error| refused().because(&error).with(again))?;
    let plan = MemoryFile::with(&plan).map_err(|error| refused().because(&error).with(again))?;
    if core.show(&plan)?.expose() != artefact.plan_json() {
        return Err(refused().with("The plan file in it does not say what was reviewed.").with(again));
    }
    Ok(plan)
}
