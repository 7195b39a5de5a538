//! The state of a drill: what is destroyed at its end, without a question. So nothing is taken for it that is not:
//! its file says in what is encrypted with which lineage the drill has begun it, and its lineage still has to be that.

use std::path::Path;

use super::after;
use super::before::refuse_leftovers;
use crate::exit::Failure;
use crate::store::{State, Store};
use crate::terminal;

/// Begins the state of a drill, where there is none.
///
/// # Errors
/// When there is one that no drill has begun, or it cannot be written.
pub fn begin(store: &mut Store) -> Result<(), Failure> {
    let path = store.path().display().to_string();
    if store.is_of_drill() {
        return Ok(());
    }
    if store.state().is_some() {
        return Err(Failure::new(format!("Could not use {path} for a drill: no drill has begun it"))
            .with("Nothing was run: what is in it may be in use, and a drill destroys at its end all that it has.")
            .with("A drill has a workspace of its own. If this is one from before, destroy what is in it \
                   (`windlass run --workspace … -- tofu destroy`) and remove the file, by `git rm` where git has it."));
    }
    let failed = || Failure::new(format!("Could not begin the state of the drill in {path}"));
    let lineage = lineage().map_err(|error| failed().because(&error))?;
    let empty = State::empty(&lineage).map_err(|error| failed().because(&error))?;
    store.begin_drill(empty).map_err(|error| failed().because(&error).with("Nothing was run."))
}

/// Takes over the state that a core could not hand over because nobody was there any more. It is in clear, and goes.
///
/// # Errors
/// When it is of another infrastructure, or cannot be taken over; it is still there then.
pub fn recover(directory: &Path, store: &mut Store) -> Result<(), Failure> {
    let (plain, kept) = (after::errored(directory), after::kept(directory));
    if kept.exists() {
        return Err(Failure::new(format!(
            "Could not use {}: {} is there",
            store.path().display(),
            kept.display()
        ))
        .with("A run has kept a state in it that it could not write, which may be newer; nothing was run.")
        .with(format!("Push it by `windlass state push {}` and remove it.", kept.display())));
    }
    if !after::has_errored(directory) {
        return Ok(());
    }
    let failed = || Failure::new(format!("Could not take over {}", plain.display()));
    let text = std::fs::read_to_string(&plain).map_err(|error| failed().because(&error))?;
    let newer = match State::parse(&text) {
        Ok(newer) if store.state().is_some_and(|state| state.lineage() == newer.lineage()) => newer,
        // What it is of, somebody has to know.
        _ => return refuse_leftovers(directory, store.path()),
    };
    if store.state().is_none_or(|state| state.serial() <= newer.serial()) {
        store.save(newer).map_err(|error| failed().because(&error))?;
        terminal::note(format_args!(
            "Took over the state that an interrupted run has left in {}.",
            plain.display()
        ));
    }
    std::fs::remove_file(&plain).map_err(|error| failed().because(&error))
}

/// A new one, which no other infrastructure has.
fn lineage() -> Result<String, getrandom::Error> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)?;
    // A random UUID (version 4, variant 1), as cores make them.
    random[6] = random[6] & 0x0f | 0x40;
    random[8] = random[8] & 0x3f | 0x80;
    let text = secret::hex(&random);
    let parts = [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]];
    Ok(parts.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lineage_is_a_random_uuid() {
        let (one, other) = (lineage().unwrap(), lineage().unwrap());
        assert_ne!(one, other);
        let lengths: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(one.as_bytes()[14], b'4');
    }
}
