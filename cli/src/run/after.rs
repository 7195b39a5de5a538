//! What a command leaves behind.

use std::path::{Path, PathBuf};

use crate::exit::Failure;
use crate::opening::open;
use crate::settings::Settings;
use crate::store::State;
use crate::terminal;

/// What a core writes when its backend does not take the state, in clear.
const ERRORED: &str = "errored.tfstate";

/// Where it is kept, encrypted.
pub fn kept(directory: &Path) -> PathBuf {
    directory.join("errored.tfstate.sops.json")
}

/// Where a core writes it.
pub fn errored(directory: &Path) -> PathBuf {
    directory.join(ERRORED)
}

/// Whether a core has ended without being able to hand over its state.
pub fn has_errored(directory: &Path) -> bool {
    errored(directory).exists()
}

/// Encrypts the state that a core could not hand over, and removes the plain one.
///
/// # Errors
/// When it cannot be encrypted; then the plain one is still there.
pub fn leftovers(directory: &Path, settings: &Settings) -> Result<(), Failure> {
    if !has_errored(directory) {
        return Ok(());
    }
    let plain = errored(directory);
    let kept = kept(directory);
    let failed = || {
        Failure::new(format!("Could not encrypt {}", plain.display()))
            .with("It holds the newest state, in clear. Keep it, and push it by `windlass state push`.")
    };
    let text = std::fs::read_to_string(&plain).map_err(|error| failed().because(&error))?;
    if text.is_empty() {
        // Of a full disk a core writes nothing but the name, and prints the state instead.
        return Err(Failure::new(format!("Could not keep the state: {} is empty", plain.display())).with(
            "There was no room for it, and the core has printed the newest state above, in clear. Make room, save that \
             text into a file, push it by `windlass state push FILE`, and remove both files.",
        ));
    }
    let state = State::parse(&text).map_err(|error| failed().because(&error))?;
    let mut store = open(settings, &kept)?;
    if settings.recipients()?.is_empty() && store.state().is_none() {
        return Err(failed());
    }
    store.put(state).map_err(|error| failed().because(&error))?;
    std::fs::remove_file(&plain).map_err(|error| failed().because(&error))?;
    terminal::note(format_args!(
        "The state of this run could not be written. It is kept, encrypted, in {}: push it by `windlass state push {}`.",
        kept.display(),
        kept.display()
    ));
    Ok(())
}
