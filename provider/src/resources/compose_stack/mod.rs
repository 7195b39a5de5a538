//! `windlass_compose_stack`: a Docker Compose project on a host.
//!
//! On the host it owns the containers and networks of the project, the files that it shipped to the
//! stack's directory, the `.env` there, `.windlass` below it (see `compose::layout`), and the
//! names that hold its images (see `compose::hold`).
//! It never touches other files in that directory, volumes (unless `remove_volumes_on_destroy`
//! says so), containers of other projects, one-off containers of `docker compose run` (but for those
//! of its own jobs), and, until the stack is destroyed, containers of services that `start_services`
//! leaves out.
//!
//! Life: Read gathers what runs and what lies on the host into `services`; Plan asks the host's own
//! `docker compose config` what the files want, unless its inputs are the ones of the last apply,
//! and compares; Apply takes a lock, pulls, ships what changed, runs `up`, waits, and leaves a
//! record; Destroy works by the project's label and by our own names for its images alone.

mod apply;
mod choice;
mod deploy;
mod destroy;
mod failure;
mod generation;
mod held;
mod images;
mod inputs;
mod job;
mod model;
mod plan;
mod policies;
mod predict;
mod prediction;
mod probe;
mod pull;
mod read;
mod schema;
mod secret_files;
mod ship;
mod site;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use framework::{Apply, Context, Diagnostics, Plan, Resource, Schema, State};
use serde::{Deserialize, Serialize};

use crate::{engines::Engines, hosts::Hosts, settings::OnUnreachable};
use images::ImageFacts;
pub(crate) use model::StackModel;
use prediction::Prediction;

/// The type of the resource.
pub(crate) const TYPE: &str = "windlass_compose_stack";

/// The resource `windlass_compose_stack`.
pub(crate) struct StackResource {
    hosts: Arc<Hosts>,
    engines: Arc<Engines>,
}

/// What the resource remembers besides its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StackPrivate {
    /// The machine that the stack is on, so that another route to it is no move.
    #[serde(default)]
    pub(crate) machine_id: String,
    /// The version of Compose there, as of the last read.
    #[serde(default)]
    pub(crate) compose: String,
    /// The ids behind the image references of the stack, as of the last read; only of references
    /// that can move.
    #[serde(default)]
    pub(crate) images: BTreeMap<String, String>,
    /// What else is known of images, as of the last read.
    #[serde(default)]
    pub(crate) image_facts: ImageFacts,
    /// What the last apply made, or what the plan wants.
    #[serde(default)]
    pub(crate) prediction: Option<Prediction>,
}

impl StackResource {
    /// The resource, on the hosts that the provider knows.
    pub(crate) fn new(hosts: Arc<Hosts>, engines: Arc<Engines>) -> Self {
        Self { hosts, engines }
    }

    /// Whether what lived on a host that is gone is to be forgotten.
    fn forgets(&self) -> bool {
        let settings = self.hosts.settings();
        settings.is_some_and(|settings| settings.on_unreachable == OnUnreachable::Forget)
    }
}

#[async_trait]
impl Resource for StackResource {
    type Model = StackModel;
    type Private = StackPrivate;

    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn schema(&self) -> Schema {
        schema::schema()
    }

    async fn validate(&self, _cx: &Context, config: &StackModel, problems: &mut Diagnostics) {
        inputs::validate(config, problems);
    }

    async fn read(&self, cx: &Context, state: State<Self>) -> Result<Option<State<Self>>, Diagnostics> {
        read::read(self, cx, state).await
    }

    async fn plan(&self, cx: &Context, plan: &mut Plan<Self>) -> Result<(), Diagnostics> {
        plan::plan(self, cx, plan).await
    }

    async fn create(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        apply::create(self, cx, apply).await
    }

    async fn update(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        apply::update(self, cx, apply).await
    }

    async fn delete(&self, cx: &Context, state: State<Self>) -> Result<(), Diagnostics> {
        destroy::delete(self, cx, state).await
    }

    async fn import(&self, _cx: &Context, id: &str) -> Result<State<Self>, Diagnostics> {
        read::import(id)
    }
}
