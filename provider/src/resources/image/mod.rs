//! `windlass_image`: an image that is built on a host.
//!
//! On the host it owns the tags that it gave the image, and the copy of the build context in
//! `~/.windlass/builds/<id>`, so that only changed files are sent again. The image before the last
//! build stays, for containers and rollbacks that use it by its id; the one before that goes. It
//! never removes an image that something uses, a tag that stands for another image by now, or
//! anything from a registry.
//!
//! Life: Read asks the host what its tags stand for, and the registries that they were pushed to;
//! Plan compares what the image is built from,
//! as one hash, and everything else that a build depends on; Apply ships the context, builds with
//! BuildKit and pushes through the Engine; Destroy removes the tags.

mod apply;
mod context;
mod make;
mod model;
mod plan;
mod read;
mod schema;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::hosted::placed_on_machine;

/// The images of `windlass_image`.
pub(crate) struct HostImage;

/// What the resource remembers besides its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImagePrivate {
    /// The machine that the image is on, so that another route to it is no move.
    #[serde(default)]
    pub(crate) machine_id: String,
    /// The id of the image that was built last.
    #[serde(default)]
    pub(crate) image_id: String,
    /// The id of the one before.
    #[serde(default)]
    pub(crate) previous_id: String,
    /// Whether Read has found a tag that stands for something else, or nothing to push again.
    #[serde(default)]
    pub(crate) moved: bool,
    /// The digests of what was pushed, by name.
    #[serde(default)]
    pub(crate) pushed: BTreeMap<String, String>,
    /// Whether Read has found a registry that does not have what was pushed.
    #[serde(default)]
    pub(crate) unpushed: bool,
}

placed_on_machine!(ImagePrivate);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosted::testing::matrix;

    #[tokio::test]
    async fn the_schema_equals_the_model_and_no_configuration_breaks_a_plan() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("Dockerfile"), "FROM scratch\n").unwrap();
        let report = matrix::<HostImage>()
            .sample("name", ["registry.example.org/team/app:1", "app"])
            .sample("context", [dir.path().to_str().unwrap()])
            .sample("git", ["https://example.org/app.git#main:docker"])
            .sample("dockerfile", ["Dockerfile"])
            .sample("platform", ["linux/arm64"])
            .run()
            .await;
        assert!(report.planned > 50 && report.invalid > 20, "{report:?}");
    }
}
