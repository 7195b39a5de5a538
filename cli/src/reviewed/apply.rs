//! `windlass apply F`: the plan of an artefact, where all is as it was when it was made.

use std::path::PathBuf;

use super::artefact::Artefact;
use super::core::{Core, Words};
use super::digests;
use super::facts::Facts;
use super::memory::MemoryFile;
use crate::exit::{Exit, Failure};

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "It ends with the core's exit code, or with 1 where the plan is refused: when the state, the configuration, the lock file, a provider or a version is not what it was. A new file beside the configuration counts where a core reads its name (`*.tf`, `*.tfvars`, …) or the configuration may read it. A plan is applied once: after that, the state is another one."
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

const AGAIN: &str = "Nothing was applied. Plan again, and have that reviewed.";

/// The plan, once all of it is what was reviewed.
fn reviewed(arguments: &Arguments, core: &Core, artefact: &Artefact) -> Result<MemoryFile, Failure> {
    let refused = || Failure::new(format!("Could not apply the plan in {}", arguments.file.display()));
    let same = |then: &Facts, now: &Facts| {
        let differences = then.differences(now);
        if differences.is_empty() {
            return Ok(());
        }
        let failure = refused().with("Something has changed since it was made:");
        Err(failure.with(differences.join("\n")).with(AGAIN))
    };
    let then = &artefact.content.facts;
    let but = std::slice::from_ref(&arguments.file);
    // First what needs no state: another core, say, may not even be able to read it.
    let may_be_read = |path: &str| digests::may_be_read(core.directory(), then.configuration.keys(), path);
    let around = core.facts(None, but)?.but_unrelated(then, may_be_read);
    same(&Facts { state: None, ..then.clone() }, &around)?;
    let state = core.state()?;
    same(then, &core.facts(Some(&state), but)?.but_unrelated(then, may_be_read))?;
    if !artefact.is_of(&state) {
        return Err(refused()
            .with("It was not made from this state: the state has the same lineage and serial and other contents, or somebody without access to it has made this file.")
            .with(AGAIN));
    }
    let plan = artefact.plan().map_err(|error| refused().because(&error).with(AGAIN))?;
    let plan = MemoryFile::with(&plan).map_err(|error| refused().because(&error).with(AGAIN))?;
    if core.show(&plan)?.expose() != artefact.plan_json() {
        return Err(refused().with("The plan file in it does not say what was reviewed.").with(AGAIN));
    }
    Ok(plan)
}
