//! `windlass_command`: commands on a host, for what no resource covers.
//!
//! On the host it owns nothing but what its commands make: `create` makes it, `update` changes it,
//! `read` looks at it and `destroy` takes it down. Words reach the programs as they are, without a
//! shell. What a command prints is kept, up to a limit; what it reads from stdin is not.
//!
//! Life: Read runs `read`, where there is one, and contacts nothing else; Plan compares what it
//! printed with what the last apply left, and the configuration with the last one. Whatever has to
//! be made again is made by `update` in place, or by replacing where there is none. A `create` that
//! failed is recorded only where there is a `destroy`, which then runs before the next attempt.

mod apply;
mod model;
mod plan;
mod read;
mod run;
mod schema;

use std::sync::Arc;

use async_trait::async_trait;
use framework::{Apply, Context, Diagnostics, Plan, Resource, Schema, State};
use serde::{Deserialize, Serialize};

use crate::hosts::Hosts;
pub(crate) use model::CommandModel;

/// The type of the resource.
pub(crate) const TYPE: &str = "windlass_command";

/// The resource `windlass_command`.
pub(crate) struct CommandResource {
    hosts: Arc<Hosts>,
}

/// What the resource remembers besides its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CommandPrivate {
    /// The machine that the commands ran on, so that another route to it is no move.
    #[serde(default)]
    pub(crate) machine_id: String,
    /// The hash of what the last apply left as the output; empty before there was one.
    #[serde(default)]
    pub(crate) output_hash: String,
}

impl CommandResource {
    /// The resource, on the hosts that the provider knows.
    pub(crate) fn new(hosts: Arc<Hosts>) -> Self {
        Self { hosts }
    }
}

#[async_trait]
impl Resource for CommandResource {
    type Model = CommandModel;
    type Private = CommandPrivate;

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
            let title = plan.planned.title("plan");
            self.hosts.refuse_stranger(&title, &prior.model.host, &plan.planned.host)?;
        }
        plan::plan(plan);
        Ok(())
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
        Err(read::not_importable(id).into())
    }
}

#[cfg(test)]
mod tests {
    use framework::{
        Value,
        testing::{Matrix, check_resource},
    };

    use super::*;

    #[test]
    fn the_schema_is_sound_and_equals_the_model() {
        check_resource(&CommandResource::new(Arc::default()));
    }

    #[tokio::test]
    async fn no_configuration_breaks_a_plan() {
        let words = |words: &[&str]| Value::list_of(words.iter().map(|word| Value::from(*word)));
        let report = Matrix::new(CommandResource::new(Arc::default()))
            .sample("host", ["ssh://web", "local://"])
            .sample("create", [words(&["make", "it"])])
            .sample("update", [words(&["change", "it"])])
            .sample("read", [words(&["look"])])
            .sample("destroy", [words(&["rm", "it"])])
            .sample("working_directory", ["/srv"])
            .sample("gone_statuses", [Value::list_of([Value::from(3)])])
            .run()
            .await;
        assert!(report.planned > 50 && report.invalid > 20, "{report:?}");
    }
}
