//! `windlass_swarm_node`: a machine as a node of a Docker Swarm.
//!
//! It owns the membership of the machine: that it joined, its role, whether it gets tasks, and its
//! labels. The node is known by its id, which another connection to the same machine does not change;
//! another machine is another node, which joins before the old one leaves. A node leaves in steps that
//! can be taken again: its work moves, it is demoted, it leaves, it is taken off the list. No step
//! costs the managers their majority.

mod apply;
mod change;
mod join;
mod leave;
mod model;
mod plan;
mod ready;
mod schema;

use crate::clustered::InCluster;

/// The nodes of `windlass_swarm_node`.
pub(crate) struct SwarmNode;

/// The resource that the kernel makes of them.
type Resource = InCluster<SwarmNode>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clustered::testing::matrix;

    #[tokio::test]
    async fn the_schema_equals_the_model_and_no_configuration_breaks_a_plan() {
        let report = matrix::<SwarmNode>()
            .sample("managers", [vec!["ssh://a"], vec!["ssh://a", "ssh://b"]])
            .sample("host", ["ssh://web", "local://"])
            .sample("role", ["worker", "manager"])
            .sample("availability", ["active", "drain"])
            .sample("labels_mode", ["exact", "merge"])
            .sample("drain", ["graceful", "fast"])
            .sample("drain_timeout", ["90s"])
            .run()
            .await;
        assert!(report.planned > 100, "{report:?}");
    }
}
