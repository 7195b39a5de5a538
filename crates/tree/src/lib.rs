//! Trees of files that are shipped to a host, and what a host has of them.
//!
//! A [`Tree`] is what lies here: a directory without what is ignored, or texts of a configuration.
//! Its [`Manifest`] is what lies on the host beside the files, and says which of them are ours:
//! only paths in the last manifest are ever overwritten or deleted. [`Manifest::difference`] tells
//! what has to be sent and what has to go. Who ships (stacks, image contexts, backups) decides where
//! and in which order.

mod difference;
mod digest;
mod dockerignore;
mod hashed;
mod left_out;
mod manifest;
#[cfg(test)]
mod testing;
mod tree;
mod walk;

pub use difference::Difference;
pub use digest::{FileDigest, LINK, Modes, link_digest, sha256};
pub use dockerignore::Dockerignore;
pub use left_out::LEFT_OUT;
pub use manifest::{Manifest, ManifestError};
pub use tree::{Content, Tree, TreeError, TreeFile};
pub use walk::{IGNORE_FILE, matching};

/// The folder in the shipped directory that is ours on the host.
pub const OURS: &str = ".windlass";

/// Checks a path relative to the directory that files are shipped to.
///
/// # Errors
/// What is wrong with it, as the end of a sentence about it.
pub fn check_relative(path: &str) -> Result<(), String> {
    check_parts(path)?;
    if path.split('/').next() == Some(OURS) {
        return Err(format!("must not be below {OURS}, which is ours on the host"));
    }
    Ok(())
}

/// Checks that every part of a path is a name, and that no character in it is for control: manifests have a line
/// for each path.
///
/// # Errors
/// What is wrong with it, as the end of a sentence about it.
pub fn check_parts(path: &str) -> Result<(), String> {
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err("must have no empty part and no `.` or `..` in it".to_owned());
    }
    if path.chars().any(char::is_control) {
        return Err("must not contain control characters".to_owned());
    }
    Ok(())
}

/// Paths relative to the directory, in the form that `xargs -0` reads: none is taken for an option.
pub fn null_separated<'p>(paths: impl Iterator<Item = &'p str>) -> Vec<u8> {
    paths.flat_map(|path| format!("./{path}\0").into_bytes()).collect()
}
