//! Opening a state as every command does.

use std::path::Path;

use sops::Identities;

use crate::exit::Failure;
use crate::settings::Settings;
use crate::store::{Error, Store};

/// All private keys that are at hand.
///
/// # Errors
/// When what a variable names cannot be read.
pub fn identities() -> Result<Identities, Failure> {
    Identities::of_environment(&|name| std::env::var_os(name))
        .map_err(|error| Failure::new("Could not read the age identities").because(&error))
}

/// Opens a state.
///
/// # Errors
/// When it does not open, or has to be encrypted for nobody.
pub fn open(settings: &Settings, path: &Path) -> Result<Store, Failure> {
    opened(settings, path, false)
}

/// As [`open`], also when another tool has edited it.
///
/// # Errors
/// As [`open`].
pub fn open_edited(settings: &Settings, path: &Path) -> Result<Store, Failure> {
    opened(settings, path, true)
}

fn opened(settings: &Settings, path: &Path, accept_edited: bool) -> Result<Store, Failure> {
    let recipients = settings.recipients()?;
    let is_new = !path.exists();
    if is_new && recipients.is_empty() {
        return Err(Failure::new(format!("Could not begin a state in {}", path.display()))
            .with("Nobody is named that it would be encrypted for; nothing was run or written.")
            .with("Name age recipients in `[state] recipients` of windlass.toml (`windlass state init` does that), or in SOPS_AGE_RECIPIENTS."));
    }
    Store::open(path, recipients, settings.state.layout, identities()?, accept_edited).map_err(|error| {
        let failure = Failure::new(format!("Could not open the state in {}", path.display())).because(&error);
        match error {
            Error::Digest { .. } => failure
                .with("Nothing was run or written.")
                .with("If you have edited it on purpose, take it over by `windlass state verify --accept`; else restore it, by `git checkout` for example."),
            _ => failure.with("Nothing was run or written."),
        }
    })
}
