//! `windlass_docker_plugin`: a managed plugin of a Docker daemon, such as a driver of volumes.
//!
//! On the host it owns the plugin of its name: which one it is, what it is set to, and whether it runs.
//! It is granted what the configuration names and nothing else. Volumes of its driver are nobody's of
//! ours: a plugin that one of them needs is neither stopped nor removed.

mod apply;
mod model;
mod plan;
mod schema;

use serde::{Deserialize, Serialize};

use crate::hosted::placed_on_machine;

/// The plugins of `windlass_docker_plugin`.
pub(crate) struct DockerPlugin;

/// What the resource remembers besides its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PluginPrivate {
    /// The machine that it is on, so that another route to it is no move.
    pub(crate) machine_id: String,
    /// The reference that the daemon told when it was as the state says: after an upgrade it goes on
    /// telling the one that the plugin was installed by.
    pub(crate) told: String,
}

placed_on_machine!(PluginPrivate);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosted::testing::matrix;

    #[tokio::test]
    async fn the_schema_equals_the_model_and_no_configuration_breaks_a_plan() {
        let report = matrix::<DockerPlugin>()
            .sample("reference", ["vieux/sshfs:latest", "registry.example.org:5000/vol"])
            .sample("alias", ["data"])
            .run()
            .await;
        assert!(report.planned > 50, "{report:?}");
    }
}
