//! `windlass_file`: one file on a host.
//!
//! On the host it owns the file at `path` and, for a write-only content, a proof of it below
//! `~/.windlass`. Directories that it had to make are left when it is destroyed. It never touches
//! a path that is not a regular file, and the old content stays until the new one is on the host
//! and verified.

mod apply;
mod model;
mod plan;
mod read;
mod schema;

use std::sync::Arc;

use async_trait::async_trait;
use framework::{Apply, Context, Diagnostics, Plan, Resource, Schema, State};
use serde::{Deserialize, Serialize};

use crate::hosts::Hosts;
pub(crate) use model::FileModel;

/// The type of the resource.
pub(crate) const TYPE: &str = "windlass_file";

/// The resource `windlass_file`.
pub(crate) struct FileResource {
    hosts: Arc<Hosts>,
}

/// What the resource remembers besides its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FilePrivate {
    /// The machine that the file is on, so that another route to it is no move.
    pub(crate) machine_id: String,
    /// Who owned it when it was written, for a configuration that leaves that to us.
    #[serde(default)]
    pub(crate) owner: String,
    /// The same of its group.
    #[serde(default)]
    pub(crate) group: String,
}

impl FileResource {
    /// The resource, on the hosts that the provider knows.
    pub(crate) fn new(hosts: Arc<Hosts>) -> Self {
        Self { hosts }
    }
}

#[async_trait]
impl Resource for FileResource {
    type Model = FileModel;
    type Private = FilePrivate;

    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    async fn read(&self, cx: &Context, state: State<Self>) -> Result<Option<State<Self>>, Diagnostics> {
        read::read(self, cx, state).await
    }

    async fn plan(&self, _cx: &Context, plan: &mut Plan<Self>) -> Result<(), Diagnostics> {
        if let Some(prior) = &plan.prior {
            let title = read::title("plan", &plan.planned);
            self.hosts.refuse_stranger(&title, &prior.model.host, &plan.planned.host)?;
        }
        plan::plan(plan)
    }

    async fn create(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        apply::create(self, cx, apply).await
    }

    async fn update(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        apply::update(self, cx, apply).await
    }

    async fn delete(&self, cx: &Context, state: State<Self>) -> Result<(), Diagnostics> {
        apply::delete(self, cx, state).await
    }

    async fn import(&self, _cx: &Context, id: &str) -> Result<State<Self>, Diagnostics> {
        read::import(id)
    }
}

#[cfg(test)]
mod tests {
    use framework::testing::{Matrix, check_resource};

    use super::*;

    #[test]
    fn the_schema_is_sound_and_equals_the_model() {
        check_resource(&FileResource::new(Arc::default()));
    }

    #[tokio::test]
    async fn no_configuration_breaks_a_plan() {
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let report = Matrix::new(FileResource::new(Arc::default()))
            .sample("host", ["ssh://web", "local://"])
            .sample("path", ["/srv/a b"])
            .sample("source", [here])
            .sample("mode", ["0600", "755"])
            .sample("directory_mode", ["0700"])
            .sample("on_destroy", ["keep", "delete"])
            .run()
            .await;
        assert!(report.planned > 50 && report.invalid > 50, "{report:?}");
    }
}
