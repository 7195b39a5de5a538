//! Observing, making and removing the volume.

use async_trait::async_trait;
use framework::{Apply, Diagnostic, Diagnostics, Field, Plan, Schema, State};

use super::{
    DockerVolume,
    model::{self, VolumeModel},
    plan,
};
use crate::{
    docker_objects::{named, taken},
    failure::{Failure, Stop},
    hosted::{Departure, Hosted, Import, MachinePrivate, OnHost, OnMachine, Planning, Words},
};

type Resource = OnHost<DockerVolume>;

#[async_trait]
impl Hosted for DockerVolume {
    type Model = VolumeModel;
    type Private = MachinePrivate;

    const TYPE: &'static str = "windlass_docker_volume";
    const HOST: &'static str = "Another connection to the same machine changes nothing; another machine is a move: an \
         empty volume is made there, and this one is left or removed as its destruction would. **Data does not move.**";
    const WORDS: Words = Words {
        remains: "The volume and its data are still there.",
        relocated: "An empty volume is in its new place",
        ..Words::USUAL
    };

    fn schema() -> Schema {
        model::schema()
    }

    fn subject(model: &VolumeModel) -> String {
        format!("docker volume {:?}", model.name())
    }

    fn import() -> Import<VolumeModel> {
        let model = |host: String, name: String| VolumeModel {
            host: Field::Known(host),
            name: Field::Known(name),
            remove_on_destroy: Field::Known(false),
            ..VolumeModel::default()
        };
        Import::ByName { what: "name of the volume", model }
    }

    async fn plan(on: &Planning<'_>, plan: &mut Plan<Resource>) -> Result<(), Diagnostics> {
        plan::plan(on.title, plan)
    }

    async fn observe(
        on: &OnMachine<'_>,
        mut state: State<Resource>,
    ) -> Result<Option<State<Resource>>, Failure> {
        let found = on.host.engine().await?.volume(state.model.name()).await?;
        Ok(found.map(|found| {
            state.model.set_observed(&found);
            state
        }))
    }

    /// Makes the volume, unless there is one of that name: its data is somebody's.
    async fn create(on: &OnMachine<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
        let (engine, spec) = (on.host.engine().await?, apply.planned.spec());
        if engine.volume(&spec.name).await?.is_some() {
            return Err(taken("Docker volume", on, &spec.name));
        }
        let mut model = apply.planned.clone();
        model.set_computed(&engine.create_volume(&spec).await?);
        on.record(apply, model, MachinePrivate::default());
        Ok(())
    }

    /// Records another way to the same machine.
    async fn update(
        on: &OnMachine<'_>,
        prior: State<Resource>,
        apply: &mut Apply<Resource>,
    ) -> Result<(), Failure> {
        let found = on.host.engine().await?.volume(apply.planned.name()).await?;
        let Some(found) = found else { return Self::create(on, apply).await };
        let mut model = apply.planned.clone();
        model.set_computed(&found);
        on.record(apply, model, prior.private);
        Ok(())
    }

    fn is_kept(model: &VolumeModel) -> bool {
        !model.is_removed_on_destroy()
    }

    fn kept(model: &VolumeModel, departure: Departure) -> Option<Diagnostic> {
        let name = model.name();
        Some(match departure {
            Departure::Destroyed => Diagnostic::warning(format!("Docker volume {name:?} was kept"))
                .detail("It stays on the host with all its data and is no longer recorded, because `remove_on_destroy` was not set.")
                .detail(format!(
                    "Adopt it again by an import, or remove it there when nobody needs its data: `docker volume rm {name}`."
                )),
            Departure::Relocated => {
                Diagnostic::warning(format!("Docker volume {name:?} was kept on the machine it was on"))
                    .detail("An empty volume was made in its new place; data does not move.")
                    .detail("Copy what is needed, then remove the old one there by `docker volume rm`.")
            }
        })
    }

    /// Removes the volume; one that is in use stays.
    async fn delete(on: &OnMachine<'_>, state: &State<Resource>) -> Result<(), Failure> {
        let (engine, name) = (on.host.engine().await?, state.model.name());
        if engine.volume(name).await?.is_none() {
            return Ok(());
        }
        let users = engine.containers_of_volume(name).await?;
        if !users.is_empty() {
            let happened = format!("Containers on {} use it: {}.", on.host.name(), named(&users));
            let next = "Destroy the stacks that use it, or remove those containers (`docker rm`), then run the same \
                        command again.";
            return Err(Stop::new(happened, next).into());
        }
        Ok(engine.remove_volume(name).await?)
    }
}
