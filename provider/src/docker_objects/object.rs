//! What a kind of object of a daemon says of itself, and what the layer makes of it.

use std::time::Duration;

use async_trait::async_trait;
use docker::{
    Error,
    engine::{Container, Engine},
};
use framework::{Apply, Diagnostic, Diagnostics, Model, Plan, Schema, State, Timeouts};
use remote::poll::Poll;

use super::{FieldTexts, ObjectFields, in_use, place::swarm_of};
use crate::{
    failure::{Explain as _, Failure},
    hosted::{Departure, Host, Hosted, Import, MachinePrivate, OnHost, OnMachine, Planning, Words},
};

/// How long a swarm is given to remove the containers of tasks that have ended, and how often we look.
const TASKS_GO: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(250);

/// The attributes of a kind of object, [`ObjectFields`] among them.
pub(crate) trait ObjectModel: Model + Default {
    /// What the daemon says of one.
    type Found: Send + Sync;

    /// What every object has.
    fn object(&self) -> &ObjectFields;

    /// The same, to be changed.
    fn object_mut(&mut self) -> &mut ObjectFields;

    /// The attributes in which the daemon cannot make `prior` into this.
    fn changed(&self, prior: &Self) -> Vec<&'static str> {
        self.object().changed(prior.object())
    }

    /// Makes unknown what only the daemon knows, and another one would answer differently.
    fn set_unknown(&mut self);

    /// Takes over what only the daemon knows.
    fn set_computed(&mut self, found: &Self::Found);

    /// Takes over all of it as it is; `adopting` says that nothing is known of it yet.
    fn set_observed(&mut self, found: &Self::Found, adopting: bool);
}

/// A kind of object that a daemon keeps under a name, such as the volumes of
/// `windlass_docker_volume`. It is [`Hosted`] by that.
#[async_trait]
pub(crate) trait DaemonObject: Sized + Send + Sync + 'static {
    /// The attributes.
    type Model: ObjectModel;

    /// The type of the resource.
    const TYPE: &'static str;
    /// What another host means, as [`Hosted::HOST`].
    const HOST: &'static str;
    /// How it is called.
    const WORDS: ObjectWords;
    /// What it says of the attributes that every object has.
    const FIELDS: FieldTexts;

    /// The schema, without what every object has.
    fn schema() -> Schema;

    /// As [`framework::Resource::validate`].
    fn validate(_config: &Self::Model, _problems: &mut Diagnostics) {}

    /// Whether `prior` can give way to `planned`, which differs from it in `changed`; an error says why
    /// not.
    fn check_replacement(
        _title: &str,
        _planned: &Self::Model,
        _prior: &Self::Model,
        _changed: &[&'static str],
    ) -> Result<(), Diagnostics> {
        Ok(())
    }

    /// Whether the daemon keeps it for the swarm that it manages with others, which it belongs to then
    /// and not to the machine.
    fn is_of_swarm(_model: &Self::Model) -> bool {
        false
    }

    /// The object of that name; `None` when there is none.
    async fn inspect(engine: &Engine, name: &str) -> Result<Option<Found<Self>>, Error>;

    /// Makes what is planned, and says what is known of it already.
    async fn make(engine: &Engine, planned: &Self::Model) -> Result<Found<Self>, Error>;

    /// The containers that need it, stopped ones included.
    async fn users(engine: &Engine, found: &Found<Self>) -> Result<Vec<Container>, Error>;

    /// Removes it; already gone is success.
    async fn remove(engine: &Engine, name: &str) -> Result<(), Error>;

    /// As [`Hosted::is_kept`].
    fn is_kept(_model: &Self::Model) -> bool {
        false
    }

    /// As [`Hosted::kept`].
    fn kept(_model: &Self::Model, _departure: Departure) -> Option<Diagnostic> {
        None
    }

    /// As [`Hosted::left_by_move`]; what leaves something is never removed by a move.
    fn left_by_move(_model: &Self::Model) -> Option<Diagnostic> {
        None
    }
}

/// What the daemon says of an object of that kind.
pub(crate) type Found<O> = <<O as DaemonObject>::Model as ObjectModel>::Found;

/// How a person reads of a kind of object.
pub(crate) struct ObjectWords {
    /// What it is, in the singular, as Compose files have it in the plural: `volume`.
    pub(crate) kind: &'static str,
    /// What the second half of an import id is: `name of the volume`.
    pub(crate) name: &'static str,
    /// What containers do with it: `use it`.
    pub(crate) uses: &'static str,
    /// What to do where they keep it from being removed.
    pub(crate) release: &'static str,
    /// As [`Words::remains`].
    pub(crate) remains: &'static str,
    /// As [`Words::relocated`].
    pub(crate) relocated: &'static str,
}

#[async_trait]
impl<O: DaemonObject> Hosted for O {
    type Model = O::Model;
    type Private = MachinePrivate;

    const TYPE: &'static str = <O as DaemonObject>::TYPE;
    const HOST: &'static str = <O as DaemonObject>::HOST;
    const WORDS: Words = Words {
        remains: <O as DaemonObject>::WORDS.remains,
        relocated: <O as DaemonObject>::WORDS.relocated,
        ..Words::USUAL
    };

    fn schema() -> Schema {
        <O as DaemonObject>::schema()
            .attributes(ObjectFields::attributes(<O as DaemonObject>::WORDS.kind, &O::FIELDS))
            .timeouts(Timeouts::new().create(5).update(5).delete(5).read(5))
    }

    fn subject(model: &O::Model) -> String {
        format!("docker {} {:?}", <O as DaemonObject>::WORDS.kind, model.object().name())
    }

    fn import() -> Import<O::Model> {
        let model = |host: String, name: String| {
            let mut model = O::Model::default();
            *model.object_mut() = ObjectFields::named(host, name);
            model
        };
        Import::ByName { what: <O as DaemonObject>::WORDS.name, model }
    }

    fn validate(config: &O::Model, problems: &mut Diagnostics) {
        <O as DaemonObject>::validate(config, problems);
    }

    async fn place(host: &Host, model: &O::Model) -> Result<String, Failure> {
        if O::is_of_swarm(model) { swarm_of(host).await } else { Ok(host.machine_id().await?.to_owned()) }
    }

    /// Decides what replaces it: whatever differs in more than spelling.
    async fn plan(on: &Planning<'_>, plan: &mut Plan<OnHost<O>>) -> Result<(), Diagnostics> {
        let Some(prior) = plan.prior.as_ref().map(|prior| prior.model.clone()) else { return Ok(()) };
        let changed = plan.planned.changed(&prior);
        O::check_replacement(on.title, &plan.planned, &prior, &changed)?;
        for attribute in changed {
            plan.require_replace(attribute);
        }
        if plan.planned.object().host != prior.object().host {
            plan.planned.set_unknown();
        }
        Ok(())
    }

    async fn observe(
        on: &OnMachine<'_>,
        mut state: State<OnHost<O>>,
    ) -> Result<Option<State<OnHost<O>>>, Failure> {
        let found = O::inspect(&on.host.engine().await?, state.model.object().name()).await?;
        Ok(found.map(|found| {
            let adopting = state.private.machine_id.is_empty();
            state.model.set_observed(&found, adopting);
            state
        }))
    }

    /// One of that name is somebody's.
    async fn expect_vacant(
        on: &OnMachine<'_>,
        planned: &O::Model,
        _config: &O::Model,
    ) -> Result<(), Failure> {
        let Some(name) = planned.object().name.known() else { return Ok(()) };
        match O::inspect(&on.host.engine().await?, name).await? {
            Some(_) => Err(in_use::name_taken(<O as DaemonObject>::WORDS.kind, on, name, "name")),
            None => Ok(()),
        }
    }

    async fn create(on: &OnMachine<'_>, apply: &mut Apply<OnHost<O>>) -> Result<(), Failure> {
        <O as Hosted>::expect_vacant(on, &apply.planned, &apply.config).await?;
        let (engine, kind) = (on.host.engine().await?, <O as DaemonObject>::WORDS.kind);
        let mut model = apply.planned.clone();
        let name = apply.planned.object().name().to_owned();
        let made = O::make(&engine, &model).await?;
        model.set_computed(&made);
        // From here on it is there: whatever fails below, it is recorded.
        on.record(apply, model.clone(), MachinePrivate::default());
        let found = O::inspect(&engine, &name).await;
        let found = found.with_world(&format!("The {kind} was made, but could not be inspected."))?;
        if let Some(found) = found {
            model.set_computed(&found);
            on.record(apply, model, MachinePrivate::default());
        }
        Ok(())
    }

    /// Records another way to the same machine.
    async fn update(
        on: &OnMachine<'_>,
        prior: State<OnHost<O>>,
        apply: &mut Apply<OnHost<O>>,
    ) -> Result<(), Failure> {
        let found = O::inspect(&on.host.engine().await?, apply.planned.object().name()).await?;
        let Some(found) = found else { return <O as Hosted>::create(on, apply).await };
        let mut model = apply.planned.clone();
        model.set_computed(&found);
        on.record(apply, model, prior.private);
        Ok(())
    }

    fn is_kept(model: &O::Model) -> bool {
        <O as DaemonObject>::is_kept(model)
    }

    fn kept(model: &O::Model, departure: Departure) -> Option<Diagnostic> {
        <O as DaemonObject>::kept(model, departure)
    }

    fn left_by_move(model: &O::Model) -> Option<Diagnostic> {
        <O as DaemonObject>::left_by_move(model)
    }

    async fn leave(on: &OnMachine<'_>, state: &State<OnHost<O>>) -> Result<(), Failure> {
        if <O as DaemonObject>::left_by_move(&state.model).is_none() {
            return <Self as Hosted>::delete(on, state).await;
        }
        let kept = <O as DaemonObject>::kept(&state.model, Departure::Relocated);
        kept.into_iter().for_each(|warning| on.cx.warn(warning));
        Ok(())
    }

    /// Removes it; one that is in use stays.
    async fn delete(on: &OnMachine<'_>, state: &State<OnHost<O>>) -> Result<(), Failure> {
        let (engine, name) = (on.host.engine().await?, state.model.object().name());
        let Some(found) = O::inspect(&engine, name).await? else { return Ok(()) };
        let users = lasting_users::<O>(on, &engine, &found).await?;
        if !users.is_empty() {
            let ObjectWords { uses, release, .. } = <O as DaemonObject>::WORDS;
            return Err(in_use::in_use(on, uses, &users, release));
        }
        Ok(O::remove(&engine, name).await?)
    }
}

/// The containers that use `found` and are here to stay. Those of a stack that a swarm has just given
/// up go a moment after it, so that they are waited for.
async fn lasting_users<O: DaemonObject>(
    on: &OnMachine<'_>,
    engine: &Engine,
    found: &Found<O>,
) -> Result<Vec<Container>, Error> {
    let poll = Poll::new(LOOK, TASKS_GO, on.cx.token());
    loop {
        let users = O::users(engine, found).await?;
        let go_by_themselves = !users.is_empty() && users.iter().all(Container::is_ended_task);
        if !go_by_themselves || poll.next().await.is_err() {
            return Ok(users);
        }
    }
}
