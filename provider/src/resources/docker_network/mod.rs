//! `windlass_docker_network`: a Docker network on a host, for stacks to share.
//!
//! On the host it owns the network of that name. It never touches containers: a network that any
//! is attached to is not removed, also where a change has to replace it. Docker changes nothing of
//! a network, so every change but that of the host replaces it. An overlay network belongs to the swarm
//! that the host is a manager of, so that another manager is another way to the same one.

mod apply;
mod model;
mod plan;
mod schema;

/// The networks of `windlass_docker_network`.
pub(crate) struct DockerNetwork;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosted::testing::matrix;

    #[tokio::test]
    async fn the_schema_equals_the_model_and_no_configuration_breaks_a_plan() {
        let report = matrix::<DockerNetwork>().sample("name", ["shared"]).run().await;
        assert!(report.planned > 50 && report.invalid > 50, "{report:?}");
    }
}
