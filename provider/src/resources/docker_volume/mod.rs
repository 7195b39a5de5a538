//! `windlass_docker_volume`: a Docker volume on a host, for stacks to share.
//!
//! On the host it owns the volume of that name. Its data outlives the resource: without
//! `remove_on_destroy` destroying it, or giving it another name, leaves the volume on the host, and
//! a volume that containers use is never removed. Docker changes nothing of a volume, so every
//! change but those of the host and of that flag replaces it.

mod apply;
mod model;
mod plan;
mod read;
mod schema;

use async_trait::async_trait;
use framework::{Apply, Context, Diagnostics, Plan, Resource, Schema, State};
use serde::{Deserialize, Serialize};

use crate::daemon::Daemons;
pub(crate) use model::VolumeModel;

/// The type of the resource.
pub(crate) const TYPE: &str = "windlass_docker_volume";

/// The resource `windlass_docker_volume`.
pub(crate) struct VolumeResource {
    daemons: Daemons,
}

/// What the resource remembers besides its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VolumePrivate {
    /// The machine that the volume is on, so that another route to it is no move.
    #[serde(default)]
    pub(crate) machine_id: String,
}

impl VolumeResource {
    /// The resource, on the daemons that the provider knows.
    pub(crate) fn new(daemons: Daemons) -> Self {
        Self { daemons }
    }
}

#[async_trait]
impl Resource for VolumeResource {
    type Model = VolumeModel;
    type Private = VolumePrivate;

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
        let title = read::title("plan", &plan.planned);
        if let Some(prior) = &plan.prior {
            self.daemons.hosts.refuse_stranger(&title, &prior.model.host, &plan.planned.host)?;
        }
        plan::plan(&title, plan)
    }

    async fn create(&self, _cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        apply::create(self, apply).await
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
    use std::sync::Arc;

    use framework::testing::{Matrix, check_resource};

    use super::*;

    fn resource() -> VolumeResource {
        VolumeResource::new(Daemons::new(Arc::default(), Arc::default()))
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
