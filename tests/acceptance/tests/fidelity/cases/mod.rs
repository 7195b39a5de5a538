//! The projects and what is done to them.

mod files;
mod graph;
mod shape;
mod values;

use crate::case::Case;

/// All of them.
pub fn all() -> Vec<Case> {
    [values::cases(), files::cases(), shape::cases(), graph::cases()].into_iter().flatten().collect()
}
