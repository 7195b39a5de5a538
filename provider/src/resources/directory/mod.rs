//! `windlass_directory`: one directory on a host.
//!
//! On the host it owns the directory at `path` with its owner and mode and, below `~/.windlass`, the note
//! that it does. What is in it is none of its business: nothing is recursive, and a directory that is not
//! empty is never removed. One that was there before with other rights is not changed.

mod apply;
mod model;
mod plan;

use serde::{Deserialize, Serialize};

use crate::{host_path::Ownership, hosted::placed_on_machine};

/// What the host calls the objects whose owners it remembers.
const KIND: &str = "directory";

/// Whose they are.
const OWNERSHIP: Ownership = Ownership { kind: KIND, what: "directory" };

/// The directories of `windlass_directory`.
pub(crate) struct HostDirectory;

/// What the resource remembers besides its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DirectoryPrivate {
    /// The machine that the directory is on, so that another route to it is no move.
    pub(crate) machine_id: String,
    /// The id of this very directory, which its host remembers as well.
    pub(crate) instance: String,
    /// Who owned it when it was made, for a configuration that leaves that to us.
    pub(crate) owner: String,
    /// The same of its group.
    pub(crate) group: String,
}

placed_on_machine!(DirectoryPrivate);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosted::testing::matrix;

    #[tokio::test]
    async fn the_schema_equals_the_model_and_no_configuration_breaks_a_plan() {
        let report = matrix::<HostDirectory>()
            .sample("path", ["/srv/a b"])
            .sample("mode", ["0700", "2775"])
            .sample("on_destroy", ["keep", "delete"])
            .run()
            .await;
        assert!(report.planned > 50, "{report:?}");
    }
}
