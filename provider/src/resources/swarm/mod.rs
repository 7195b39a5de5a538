//! `windlass_swarm`: a Docker Swarm as a whole.
//!
//! It owns that there is a swarm: it is made on the first of its managers that can, and ends when the
//! last node leaves. Its settings change in place. Nodes beyond the first are `windlass_swarm_node`s;
//! what runs on them is none of its business. A swarm that is there already is not taken over unless
//! `adopt` says so, and one that has other nodes is not ended unless `force_destroy` says so.

mod apply;
mod destroy;
mod model;
mod plan;
mod schema;

use serde::{Deserialize, Serialize};

/// The swarms of `windlass_swarm`.
pub(crate) struct SwarmCluster;

/// What the resource remembers besides its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SwarmPrivate {
    /// Whether managers that restart need a key, which nobody tells while there is no leader.
    #[serde(default)]
    pub(crate) autolock: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clustered::testing::matrix;

    #[tokio::test]
    async fn the_schema_equals_the_model_and_no_configuration_breaks_a_plan() {
        let report = matrix::<SwarmCluster>()
            .sample("managers", [vec!["ssh://a"], vec!["ssh://a", "ssh://b", "ssh://c"]])
            .sample("cert_expiry", ["720h"])
            .sample("subnet_size", [26])
            .sample("default_addr_pool", [vec!["10.20.0.0/16"]])
            .run()
            .await;
        assert!(report.planned > 50, "{report:?}");
    }
}
