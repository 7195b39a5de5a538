//! The projects and what is done to them.

mod choice;
mod files;
mod graph;
mod images;
mod shape;
mod values;

use crate::case::Case;

/// All of them.
pub fn all() -> Vec<Case> {
    let all =
        [values::cases(), files::cases(), shape::cases(), graph::cases(), choice::cases(), images::cases()];
    all.into_iter().flatten().collect()
}
