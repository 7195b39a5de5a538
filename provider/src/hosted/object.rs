//! What a kind of thing on a host says of itself.

use std::{marker::PhantomData, sync::Arc};

use async_trait::async_trait;
use framework::{Apply, Context, Diagnostic, Diagnostics, Model, Plan, Private, Schema, State};
use serde::{Deserialize, Serialize};

use super::{Host, Hosts, attribute::host_of};
use crate::failure::{Failure, UNCHANGED};

/// What keeps apart those who create things of one name on one host: two resources of an apply, or two
/// applies at once. Each looks whether the name is free before it makes something of it, and takes
/// note of it afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Creation {
    /// A lock on the host, which the kernel takes.
    Locked,
    /// A lock on the host, which the resource takes itself.
    LocksItself,
    /// Nothing: it has no name.
    Nameless,
}

/// A kind of thing that lives on a host, such as the files of `windlass_file`. [`OnHost`] makes a
/// resource of it.
///
/// Its model has the attribute `host`; the schema gets it from the kernel. Where a method fails, the
/// kernel gives the title, and the world as [`Words`] have it: a step that knows better says so by
/// [`Explain::with_world`](crate::failure::Explain::with_world).
#[async_trait]
pub(crate) trait Hosted: Sized + Send + Sync + 'static {
    /// The attributes.
    type Model: Model;
    /// What is remembered besides, [`MachinePrivate`] where that is only the place.
    type Private: Placed;

    /// The type of the resource.
    const TYPE: &'static str;
    /// What another host means, for the description of `host`.
    const HOST: &'static str;
    /// How operations are called.
    const WORDS: Words;
    /// What keeps those apart who create things of the same [`subject`](Hosted::subject) on one host.
    const CREATION: Creation = Creation::Locked;

    /// The schema, without `host`.
    fn schema() -> Schema;

    /// What the resource manages, for titles: `docker volume "data"`.
    fn subject(model: &Self::Model) -> String;

    /// How an existing one is adopted.
    fn import() -> Import<Self::Model>;

    /// As [`framework::Resource::validate`].
    fn validate(_config: &Self::Model, _problems: &mut Diagnostics) {}

    /// Decides what will change. The spelling of `host` is settled, and a host that does not let us
    /// in refused.
    async fn plan(on: &Planning<'_>, plan: &mut Plan<OnHost<Self>>) -> Result<(), Diagnostics>;

    /// Whether an update has to work with the host, or only changes what later operations go by.
    fn needs_host(prior: &State<OnHost<Self>>, apply: &Apply<OnHost<Self>>) -> bool {
        host_of(&prior.model) != host_of(&apply.planned)
    }

    /// Where the thing that the model tells of is on `host`: as long as that stays the same, another
    /// `host` is another way to the same thing, otherwise the thing is made in the new place, then deleted
    /// in the old one. The machine, unless the thing belongs to something larger, such as a cluster.
    async fn place(host: &Host, _model: &Self::Model) -> Result<String, Failure> {
        Ok(host.machine_id().await?.to_owned())
    }

    /// The id of the very object, where it has one that its host knows too; else it is empty.
    fn instance(_state: &State<OnHost<Self>>) -> &str {
        ""
    }

    /// Whether the very object that the state tells of is on the machine, by the instance id that is
    /// recorded beside it there; `None` where nothing there or in the state has such an id. A machine
    /// id decides nothing alone: it changes when somebody makes it anew, and clones share one.
    async fn is_there(_on: &OnMachine<'_>, _state: &State<OnHost<Self>>) -> Result<Option<bool>, Failure> {
        Ok(None)
    }

    /// What the world looks like where its host, or Docker there, is gone and it stands all the same: the
    /// last known state is kept then, with a warning. `None` where that is an error.
    fn stands_without_host(_model: &Self::Model) -> Option<&'static str> {
        None
    }

    /// Whether Read can find out anything about it.
    fn is_observable(_model: &Self::Model) -> bool {
        true
    }

    /// Begins what the plan behind a Read will want of this machine, beside what takes its time on the host.
    fn look_ahead(_model: &Self::Model) {}

    /// Finds out what there is now. `None` when it is gone.
    async fn observe(
        on: &OnMachine<'_>,
        state: State<OnHost<Self>>,
    ) -> Result<Option<State<OnHost<Self>>>, Failure>;

    /// Whether its place is free: why `create` would refuse to make it, because something that is not
    /// ours is there. The plan asks this as well, where values may be unknown: what depends on them is no
    /// reason then.
    async fn expect_vacant(
        _on: &OnMachine<'_>,
        _planned: &Self::Model,
        _config: &Self::Model,
    ) -> Result<(), Failure> {
        Ok(())
    }

    /// Makes it, and records it ([`OnMachine::record`]) as soon as it exists. There is a prior state
    /// where it comes from another place.
    async fn create(on: &OnMachine<'_>, apply: &mut Apply<OnHost<Self>>) -> Result<(), Failure>;

    /// Changes it in its place, and records it.
    async fn update(
        on: &OnMachine<'_>,
        prior: State<OnHost<Self>>,
        apply: &mut Apply<OnHost<Self>>,
    ) -> Result<(), Failure>;

    /// Whether it stays on the host when the resource goes, so that nobody has to ask the host.
    fn is_kept(_model: &Self::Model) -> bool {
        false
    }

    /// What a person should know about one that is kept.
    fn kept(_model: &Self::Model, _departure: Departure) -> Option<Diagnostic> {
        None
    }

    /// Lets go of one that is kept: it is nobody's from now on, and who makes one of its name may take
    /// it up. Only called for what has an [instance](Self::instance).
    async fn let_go(_on: &OnMachine<'_>, _state: &State<OnHost<Self>>) -> Result<(), Failure> {
        Ok(())
    }

    /// Removes it; already gone is success.
    async fn delete(on: &OnMachine<'_>, state: &State<OnHost<Self>>) -> Result<(), Failure>;

    /// What a person should know before it moves to another machine: data that does not go with it.
    fn left_by_move(_model: &Self::Model) -> Option<Diagnostic> {
        None
    }

    /// Removes it from the place that it has left; it is in its new one by then. Flags about
    /// destroying do not count: data stays where it is.
    async fn leave(on: &OnMachine<'_>, state: &State<OnHost<Self>>) -> Result<(), Failure> {
        Self::delete(on, state).await
    }

    /// The title and the world of the warning that it could not be removed from the place that it
    /// has left. It is in its new place by then.
    fn left_behind(model: &Self::Model) -> (String, String) {
        let title = format!("Could not remove {} from the machine it was on", Self::subject(model));
        (title, format!("{}, and only that is managed from now on.", Self::WORDS.relocated))
    }
}

/// A kind of thing on a host, as a resource of the framework.
pub(crate) struct OnHost<K> {
    pub(super) hosts: Arc<Hosts>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Hosted> OnHost<K> {
    /// The resource, on the hosts that the provider knows.
    pub(crate) fn new(hosts: Arc<Hosts>) -> Self {
        Self { hosts, kind: PhantomData }
    }
}

/// How a person reads of operations.
pub(crate) struct Words {
    /// The verb of creating: `Could not <create> <subject>`.
    pub(crate) create: &'static str,
    /// The verb of updating.
    pub(crate) update: &'static str,
    /// The verb of deleting.
    pub(crate) delete: &'static str,
    /// What the world looks like when an apply failed before it changed anything.
    pub(crate) unchanged: &'static str,
    /// What the world looks like when it could not be deleted.
    pub(crate) remains: &'static str,
    /// That it is in a new place, as the beginning of a sentence: `The file is in its new place`.
    pub(crate) relocated: &'static str,
}

impl Words {
    /// The usual ones, for the others to be said.
    pub(crate) const USUAL: Self = Self {
        create: "create",
        update: "update",
        delete: "destroy",
        unchanged: UNCHANGED,
        remains: "It is still there.",
        relocated: "It is in its new place",
    };
}

/// How an existing thing is adopted.
pub(crate) enum Import<M> {
    /// By the id `<connection>|<name>`.
    ByName {
        /// What the name is, such as `name of the volume`.
        what: &'static str,
        /// What Read needs to find it, from the connection and the name.
        model: fn(String, String) -> M,
    },
    /// By the id `<connection>|<name>`, behind which settings of the configuration may follow that Read
    /// cannot find on the host: `|<setting>=<value>`, as often as there are values. With them the first
    /// plan has nothing to change.
    WithConfig {
        /// As in [`Import::ByName`].
        what: &'static str,
        /// The settings.
        settings: &'static [&'static str],
        /// As in [`Import::ByName`].
        model: fn(String, String) -> M,
        /// Takes over one of them; `false` where it cannot have that value.
        set: fn(&mut M, &str, &str) -> bool,
    },
    /// Not at all.
    Never {
        /// Why not, as a sentence.
        why: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
}

/// Why something leaves the place where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Departure {
    /// The resource is destroyed or replaced.
    Destroyed,
    /// It is in a new place by now.
    Relocated,
}

/// What is remembered of something on a host: at least where it is.
pub(crate) trait Placed: Private {
    /// Where it is, as [`Hosted::place`] says it; empty while that is not known.
    fn place(&self) -> &str;

    /// Remembers where it is.
    fn set_place(&mut self, place: String);
}

/// Implements [`Placed`] for a struct with the field `machine_id`.
macro_rules! placed_on_machine {
    ($private:ty) => {
        impl $crate::hosted::Placed for $private {
            fn place(&self) -> &str {
                &self.machine_id
            }

            fn set_place(&mut self, place: String) {
                self.machine_id = place;
            }
        }
    };
}
pub(crate) use placed_on_machine;

/// What is remembered of something of which only the machine is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MachinePrivate {
    /// The machine that it is on, so that another route to that is no move.
    #[serde(default)]
    pub(crate) machine_id: String,
}

placed_on_machine!(MachinePrivate);

/// A plan of something on a host.
pub(crate) struct Planning<'a> {
    pub(crate) cx: &'a Context,
    pub(crate) hosts: &'a Hosts,
    /// The title of a plan that fails.
    pub(crate) title: &'a str,
    /// Whether the state has one of this name on this host: where there is no prior state, it is the
    /// one to be replaced, so that what is there need not be in the way.
    pub(crate) recorded: bool,
}

/// An operation on a host that was opened for it.
pub(crate) struct OnMachine<'a> {
    pub(crate) cx: &'a Context,
    pub(crate) hosts: &'a Hosts,
    pub(crate) host: &'a Host,
    /// Where what is made on it is.
    pub(crate) place: String,
}

impl OnMachine<'_> {
    /// Records what exists now, in this place.
    pub(crate) fn record<K: Hosted>(
        &self,
        apply: &mut Apply<OnHost<K>>,
        model: K::Model,
        mut private: K::Private,
    ) {
        private.set_place(self.place.clone());
        apply.record(model, private);
    }
}
