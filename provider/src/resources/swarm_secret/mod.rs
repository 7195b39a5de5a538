//! `windlass_swarm_secret`: a secret of a Docker Swarm, for stacks to share.
//!
//! In the swarm it owns the secret of that whole name, which says its version and never its value, and
//! those that it has made before and that something still needs. Nothing in a secret changes: another
//! version is another object, made before the old one is let go. It never touches services: a secret
//! that one uses stays until it does not any more.

mod apply;
mod model;

/// The secrets of `windlass_swarm_secret`.
pub(crate) struct SwarmSecret;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clustered::testing::matrix;

    #[tokio::test]
    async fn the_schema_equals_the_model_and_no_configuration_breaks_a_plan() {
        let report = matrix::<SwarmSecret>()
            .sample("managers", [vec!["ssh://a"], vec!["ssh://a", "ssh://b"]])
            .sample("name", ["database"])
            .run()
            .await;
        assert!(report.planned > 50, "{report:?}");
    }
}
