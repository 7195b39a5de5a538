//! `windlass_docker_network`: a Docker network on a host, for stacks to share.
//!
//! On the host it owns the network of that name. It never touches containers: a network that any
//! is attached to is not removed, also where a change has to replace it. Docker changes nothing of
//! a network, so every change but that of the host replaces it.

mod apply;
mod model;
mod plan;
mod read;
mod schema;

use async_trait::async_trait;
use framework::{Apply, Context, Diagnostics, Plan, Resource, Schema, State};
use serde::{Deserialize, Serialize};

use crate::daemon::Daemons;
pub(crate) use model::NetworkModel;

/// The type of the resource.
pub(crate) const TYPE: &str = "windlass_docker_network";

/// The resource `windlass_docker_network`.
pub(crate) struct NetworkResource {
    daemons: Daemons,
}

/// What the resource remembers besides its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NetworkPrivate {
    /// The machine that the network is on, so that another route to it is no move.
    #[serde(default)]
    pub(crate) machine_id: String,
}

impl NetworkResource {
    /// The resource, on the daemons that the provider knows.
    pub(crate) fn new(daemons: Daemons) -> Self {
        Self { daemons }
    }
}

#[async_trait]
impl Resource for NetworkResource {
    type Model = NetworkModel;
    type Private = NetworkPrivate;

    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    async fn validate(&self, _cx: &Context, config: &NetworkModel, problems: &mut Diagnostics) {
        plan::validate(config, problems);
    }

    async fn read(&self, cx: &Context, state: State<Self>) -> Result<Option<State<Self>>, Diagnostics> {
        read::read(self, cx, state).await
    }

    async fn plan(&self, _cx: &Context, plan: &mut Plan<Self>) -> Result<(), Diagnostics> {
        if let Some(prior) = &plan.prior {
            let title = read::title("plan", &plan.planned);
            self.daemons.hosts.refuse_stranger(&title, &prior.model.host, &plan.planned.host)?;
        }
        plan::plan(plan);
        Ok(())
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

    fn resource() -> NetworkResource {
        NetworkResource::new(Daemons::new(Arc::default(), Arc::default()))
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
