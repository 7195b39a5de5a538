//! The projects and what is done to them.

mod choice;
mod files;
mod graph;
mod images;
mod public;
mod shape;
mod values;

use crate::case::Case;

/// All of them.
pub fn all() -> Vec<Case> {
    families().into_iter().flatten().collect()
}

/// Those of a run that is not the full one: every second one of each family, so that each kind of change
/// is in it.
pub fn of_short_run() -> Vec<Case> {
    families().into_iter().flat_map(|family| family.into_iter().step_by(2)).collect()
}

fn families() -> [Vec<Case>; 7] {
    [
        values::cases(),
        files::cases(),
        shape::cases(),
        graph::cases(),
        choice::cases(),
        images::cases(),
        public::cases(),
    ]
}
