//! `windlass_docker_volume`: a Docker volume on a host, for stacks to share.
//!
//! On the host it owns the volume of that name. Its data outlives the resource: without
//! `remove_on_destroy` destroying it, or giving it another name, leaves the volume on the host, and
//! a volume that containers use is never removed. Docker changes nothing of a volume, so every
//! change but those of the host and of that flag replaces it.

mod apply;
mod model;
mod plan;

/// The volumes of `windlass_docker_volume`.
pub(crate) struct DockerVolume;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use framework::testing::{Matrix, check_resource};

    use super::*;
    use crate::hosted::OnHost;

    fn resource() -> OnHost<DockerVolume> {
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
            .sample("name", ["data"])
            .run()
            .await;
        assert!(report.planned > 100, "{report:?}");
    }
}
