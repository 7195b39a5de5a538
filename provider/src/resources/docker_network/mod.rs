//! `windlass_docker_network`: a Docker network on a host, for stacks to share.
//!
//! On the host it owns the network of that name. It never touches containers: a network that any
//! is attached to is not removed, also where a change has to replace it. Docker changes nothing of
//! a network, so every change but that of the host replaces it.

mod apply;
mod model;
mod plan;
mod schema;

/// The networks of `windlass_docker_network`.
pub(crate) struct DockerNetwork;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use framework::testing::{Matrix, check_resource};

    use super::*;
    use crate::hosted::OnHost;

    fn resource() -> OnHost<DockerNetwork> {
        OnHost::new(Arc::default())
    }

    #[test]
    fn the_schema_is_sound_and_equals_the_model() {
        check_resource(&resource());
    }

    #[tokio::test]
    async fn no_configuration_breaks_a_plan() {
        let report = Matrix::new(resource())
            .sample("host", ["ssh://web", "local://"])
            .sample("name", ["shared"])
            .run()
            .await;
        assert!(report.planned > 50 && report.invalid > 50, "{report:?}");
    }
}
