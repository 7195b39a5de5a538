//! Observing, making and removing the network.

use async_trait::async_trait;
use framework::{Apply, Diagnostics, Field, Plan, Schema, State};

use super::{DockerNetwork, model::NetworkModel, plan, schema};
use crate::{
    docker_objects::{named, taken},
    failure::{Explain as _, Failure, Stop},
    hosted::{Hosted, Import, MachinePrivate, OnHost, OnMachine, Planning, Words},
};

type Resource = OnHost<DockerNetwork>;

#[async_trait]
impl Hosted for DockerNetwork {
    type Model = NetworkModel;
    type Private = MachinePrivate;

    const TYPE: &'static str = "windlass_docker_network";
    const HOST: &'static str = "Another connection to the same machine changes nothing; another machine is a move: the \
         network is made there first, then removed here, unless containers are still attached to it.";
    const WORDS: Words = Words {
        remains: "The network is still there.",
        relocated: "The network is in its new place",
        ..Words::USUAL
    };

    fn schema() -> Schema {
        schema::schema()
    }

    fn subject(model: &NetworkModel) -> String {
        format!("docker network {:?}", model.name())
    }

    fn import() -> Import<NetworkModel> {
        let model = |host: String, name: String| NetworkModel {
            host: Field::Known(host),
            name: Field::Known(name),
            ..NetworkModel::default()
        };
        Import::ByName { what: "name of the network", model }
    }

    fn validate(config: &NetworkModel, problems: &mut Diagnostics) {
        plan::validate(config, problems);
    }

    async fn plan(_on: &Planning<'_>, plan: &mut Plan<Resource>) -> Result<(), Diagnostics> {
        plan::plan(plan);
        Ok(())
    }

    async fn observe(
        on: &OnMachine<'_>,
        mut state: State<Resource>,
    ) -> Result<Option<State<Resource>>, Failure> {
        let found = on.host.engine().await?.network(state.model.name()).await?;
        Ok(found.map(|found| {
            let adopting = state.private.machine_id.is_empty();
            state.model.set_observed(&found, adopting);
            state
        }))
    }

    /// Makes the network, unless there is one of that name.
    async fn create(on: &OnMachine<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
        let (engine, spec) = (on.host.engine().await?, apply.planned.spec());
        if engine.network(&spec.name).await?.is_some() {
            return Err(taken("Docker network", on, &spec.name));
        }
        let mut model = apply.planned.clone();
        model.id = Field::Known(engine.create_network(&spec).await?);
        model.subnets = Field::Known(Vec::new());
        // From here on it is there: whatever fails below, it is recorded.
        on.record(apply, model.clone(), MachinePrivate::default());
        let found = engine.network(&spec.name).await;
        let found = found.with_world("The network was made, but could not be looked at.")?;
        if let Some(found) = found {
            model.set_computed(&found);
            on.record(apply, model, MachinePrivate::default());
        }
        Ok(())
    }

    /// Records another way to the same machine.
    async fn update(
        on: &OnMachine<'_>,
        prior: State<Resource>,
        apply: &mut Apply<Resource>,
    ) -> Result<(), Failure> {
        let found = on.host.engine().await?.network(apply.planned.name()).await?;
        let Some(found) = found else { return Self::create(on, apply).await };
        let mut model = apply.planned.clone();
        model.set_computed(&found);
        on.record(apply, model, prior.private);
        Ok(())
    }

    /// Removes the network; one that is in use stays.
    async fn delete(on: &OnMachine<'_>, state: &State<Resource>) -> Result<(), Failure> {
        let (engine, name) = (on.host.engine().await?, state.model.name());
        let Some(found) = engine.network(name).await? else { return Ok(()) };
        let attached = engine.containers_on_network(&found).await?;
        if !attached.is_empty() {
            let happened =
                format!("Containers on {} are attached to it: {}.", on.host.name(), named(&attached));
            return Err(Stop::new(happened, DETACH).into());
        }
        Ok(engine.remove_network(name).await?)
    }
}

/// What to do about a network that is in use.
const DETACH: &str = "Destroy the stacks that use it, or remove those containers (`docker rm`), then run the same command \
     again. To replace it under stacks that stay, give it another name and set `lifecycle { create_before_destroy = \
     true }`: the new network is made first, the stacks go over to it, and this one is removed last.";
