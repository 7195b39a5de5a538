//! `windlass_swarm_config`: a config of a Docker Swarm, for stacks to share.
//!
//! In the swarm it owns the config of that whole name, which says what is in it, and those that it has
//! made before and that something still needs. Nothing in a config changes: another content is another
//! object, made before the old one is let go. It never touches services: a config that one uses stays
//! until it does not any more.

mod apply;
mod model;

/// The configs of `windlass_swarm_config`.
pub(crate) struct SwarmConfig;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clustered::testing::matrix;

    #[tokio::test]
    async fn the_schema_equals_the_model_and_no_configuration_breaks_a_plan() {
        let report = matrix::<SwarmConfig>()
            .sample("managers", [vec!["ssh://a"], vec!["ssh://a", "ssh://b"]])
            .sample("name", ["proxy"])
            .run()
            .await;
        assert!(report.planned > 50, "{report:?}");
    }
}
