//! `windlass plan` and `windlass apply`: what was reviewed is what runs.
//!
//! [`artefact`] is the file, [`facts`] what has to be the same, [`digests`] how files are compared,
//! and [`core`] how the core is asked; plans in clear are in [`memory`] alone.

mod apply;
mod artefact;
mod core;
mod digests;
mod facts;
mod memory;
mod plan;

use std::path::Path;

use secret::Secret;

pub use self::core::{Core, Words, found, object, version};
pub use apply::{Arguments as ApplyArguments, run as apply};
pub use memory::MemoryFile;
pub use plan::{Arguments as PlanArguments, run as plan};

use crate::exit::Failure;
use crate::opening::identities;
use crate::summary::read::stream::Diagnostic;
use artefact::Artefact;

/// Opens an artefact.
///
/// # Errors
/// When it is none, or is for others.
fn open(path: &Path, bytes: &[u8]) -> Result<Artefact, Failure> {
    artefact::open(bytes, &identities()?).map_err(|error| {
        Failure::new(format!("Could not open the plan in {}", path.display())).because(&error)
    })
}

/// The JSON of a plan that bytes hold, where they are an artefact, and what was warned of.
///
/// # Errors
/// When they are one that does not open.
pub fn plan_json(path: &Path, bytes: &[u8]) -> Result<Option<(Secret, Vec<Diagnostic>)>, Failure> {
    if !artefact::is_one(bytes) {
        return Ok(None);
    }
    let artefact = open(path, bytes)?;
    Ok(Some((artefact.plan_json().into(), artefact.content.warnings)))
}
