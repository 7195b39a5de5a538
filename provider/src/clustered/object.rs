//! What a kind of thing in a cluster says of itself.

use std::{marker::PhantomData, sync::Arc, time::Duration};

use async_trait::async_trait;
use framework::{Apply, Context, Diagnostic, Diagnostics, Model, Plan, Private, Schema, State};
use remote::poll::Poll;

use super::{
    At, Clusters, Found, ManagerList,
    clusters::{no_leader, nowhere},
};
use crate::{failure::Failure, hosted::Words};

/// A kind of thing that lives in a swarm. [`InCluster`] makes a resource of it.
///
/// Its model has the attribute `managers`; the schema gets it from the kernel. Where a method fails,
/// the kernel gives the title, and the world as [`Words`] have it.
#[async_trait]
pub(crate) trait Clustered: Sized + Send + Sync + 'static {
    /// The attributes.
    type Model: Model;
    /// What is remembered besides.
    type Private: Private;

    /// The type of the resource.
    const TYPE: &'static str;
    /// What other managers mean, for the description of `managers`.
    const MANAGERS: &'static str;
    /// How operations are called.
    const WORDS: Words;
    /// What it means for Read that none of the managers is in the swarm any more.
    const GONE: Gone;

    /// The schema, without `managers`.
    fn schema() -> Schema;

    /// What the resource manages, for titles.
    fn subject(model: &Self::Model) -> String;

    /// What Read needs to find what an import id names.
    ///
    /// # Errors
    /// A diagnostic that shows the form, titled `title`.
    fn import(title: &str, id: &str) -> Result<Self::Model, Diagnostic>;

    /// The id of the swarm that it is in; `None` while only Read can tell.
    fn swarm(model: &Self::Model) -> Option<&str>;

    /// As [`framework::Resource::validate`].
    fn validate(_config: &Self::Model, _problems: &mut Diagnostics) {}

    /// Decides what will change. The spelling of `managers` is settled, and managers that do not let
    /// us in are refused.
    async fn plan(
        on: &OnCluster<'_>,
        title: &str,
        plan: &mut Plan<InCluster<Self>>,
    ) -> Result<(), Diagnostics>;

    /// As [`framework::Resource::plan_destroy`].
    async fn plan_destroy(_on: &OnCluster<'_>, _state: &State<InCluster<Self>>) -> Result<(), Failure> {
        Ok(())
    }

    /// Begins what the plan behind a Read will want of this machine, beside what takes its time in the swarm.
    fn look_ahead(_model: &Self::Model) {}

    /// Finds out what there is now, from the manager `at`. `None` when it is gone.
    async fn observe(
        on: &OnCluster<'_>,
        at: &At,
        state: State<InCluster<Self>>,
    ) -> Result<Option<State<InCluster<Self>>>, Failure>;

    /// Makes it, and records it as soon as it exists.
    async fn create(on: &OnCluster<'_>, apply: &mut Apply<InCluster<Self>>) -> Result<(), Failure>;

    /// Changes it, and records it.
    async fn update(
        on: &OnCluster<'_>,
        prior: State<InCluster<Self>>,
        apply: &mut Apply<InCluster<Self>>,
    ) -> Result<(), Failure>;

    /// Removes it; already gone is success.
    async fn delete(on: &OnCluster<'_>, state: &State<InCluster<Self>>) -> Result<(), Failure>;
}

/// What Read makes of a swarm that is nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gone {
    /// The thing is gone with it.
    Forget,
    /// The thing outlives it: the last known state stays, with a warning.
    Keep,
}

/// A kind of thing in a cluster, as a resource of the framework.
pub(crate) struct InCluster<K> {
    pub(super) clusters: Arc<Clusters>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Clustered> InCluster<K> {
    /// The resource, in the swarms that the provider knows.
    pub(crate) fn new(clusters: Arc<Clusters>) -> Self {
        Self { clusters, kind: PhantomData }
    }
}

/// An operation in a swarm.
pub(crate) struct OnCluster<'a> {
    pub(crate) cx: &'a Context,
    pub(crate) clusters: &'a Clusters,
}

/// How long managers may take to elect a leader after one was lost.
const ELECTION: Duration = Duration::from_secs(40);
/// The time between two looks at them.
const INTERVAL: Duration = Duration::from_secs(1);

impl OnCluster<'_> {
    /// As [`Clusters::find`]; while managers elect a leader, they are waited for.
    pub(crate) async fn find(&self, list: &ManagerList, id: &str, but: Option<&str>) -> Found {
        let poll = Poll::new(INTERVAL, ELECTION, self.cx.token());
        loop {
            match self.clusters.find(list, Some(id), but).await {
                Found::Leaderless(_) if poll.next().await.is_ok() => {}
                found => return found,
            }
        }
    }

    /// A manager of the swarm `id`, while the core applies.
    ///
    /// # Errors
    /// That there is none, with what to do.
    pub(crate) async fn manager(
        &self,
        list: &ManagerList,
        id: &str,
        but: Option<&str>,
    ) -> Result<At, Failure> {
        match self.find(list, id, but).await {
            Found::Manager(at) => Ok(*at),
            Found::Leaderless(at) => Err(no_leader(at.host.name(), &at.membership.error).into()),
            Found::Nowhere => Err(nowhere(id).into()),
            Found::NotKnownYet => Err(Failure::bug("The managers are still unknown during apply.")),
            Found::Silent(_, failure) => Err(failure),
        }
    }
}
