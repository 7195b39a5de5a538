//! `windlass_docker_volume`: a Docker volume on a host, for stacks to share.
//!
//! On the host it owns the volume of that name. Its data outlives the resource: without
//! `remove_on_destroy` destroying it, or giving it another name, leaves the volume on the host, and
//! a volume that containers use is never removed. Docker changes nothing of a volume, so every
//! change but those of the host and of that flag replaces it.

mod apply;
mod model;

/// The volumes of `windlass_docker_volume`.
pub(crate) struct DockerVolume;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosted::testing::matrix;

    #[tokio::test]
    async fn the_schema_equals_the_model_and_no_configuration_breaks_a_plan() {
        let report = matrix::<DockerVolume>().sample("name", ["data"]).run().await;
        assert!(report.planned > 100, "{report:?}");
    }
}
