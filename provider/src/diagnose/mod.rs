//! From errors to diagnostics: the one place where failures of the crates below become text that
//! a person reads.
//!
//! A caller gives the title (the operation and the thing) and one sentence about what the world
//! looks like now; what happened and what to do next follow from the error.

mod docker;
mod file;
mod host;
mod tree;

pub(crate) use docker::{docker_error, lock_error};
pub(crate) use file::file_error;
pub(crate) use host::host_error;
pub(crate) use tree::tree_error;

/// The text as a sentence: a capital first letter and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}
