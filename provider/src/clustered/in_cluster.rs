//! The resource that the kernel makes of a kind of thing in a cluster.

use async_trait::async_trait;
use framework::{Apply, Context, Diagnostic, Diagnostics, Plan, Resource, Schema, State};

use super::{
    Clustered, Found, Gone, InCluster, OnCluster,
    attribute::{MANAGERS, is_same_list, managers_attribute, managers_of},
    clusters::no_leader,
};
use crate::{
    failure::{Failure, UNCHANGED, as_warning},
    hosted::not_known_yet,
};

/// That the last known state is what is left to go by.
const LAST_KNOWN: &str = "The last known state stands in.";

fn title<K: Clustered>(operation: &str, model: &K::Model) -> String {
    format!("Could not {operation} {}", K::subject(model))
}

impl<K: Clustered> InCluster<K> {
    fn on<'a>(&'a self, cx: &'a Context) -> OnCluster<'a> {
        OnCluster { cx, clusters: &self.clusters }
    }

    /// Refuses a plan that stays with managers none of which lets us in.
    fn refuse_if_access_denied(&self, title: &str, plan: &Plan<Self>) -> Result<(), Diagnostics> {
        let planned = managers_of(&plan.planned);
        let mut refused = Ok(());
        for manager in planned.known().into_iter().flatten() {
            match self.clusters.hosts().refuse_if_access_denied(title, manager, manager) {
                Ok(()) => return Ok(()),
                Err(problems) => refused = Err(problems),
            }
        }
        refused
    }
}

#[async_trait]
impl<K: Clustered> Resource for InCluster<K> {
    type Model = K::Model;
    type Private = K::Private;

    fn type_name(&self) -> &'static str {
        K::TYPE
    }

    fn schema(&self) -> Schema {
        let mut schema = K::schema();
        schema.body.attributes.insert(0, managers_attribute(K::MANAGERS));
        schema
    }

    async fn validate(&self, _cx: &Context, config: &K::Model, problems: &mut Diagnostics) {
        K::validate(config, problems);
    }

    async fn read(&self, cx: &Context, state: State<Self>) -> Result<Option<State<Self>>, Diagnostics> {
        K::look_ahead(&state.model);
        let title = title::<K>("read", &state.model);
        let found = self.clusters.inspect(&managers_of(&state.model), K::swarm(&state.model)).await;
        let (manager, failure) = match found {
            Found::NotKnownYet => {
                cx.warn(not_known_yet(&title));
                return Ok(Some(state));
            }
            Found::Nowhere if K::GONE == Gone::Forget => return Ok(None),
            Found::Nowhere => {
                cx.warn(
                    Diagnostic::warning(title)
                        .detail("All of `managers` answer, and none of them is in the swarm any more.")
                        .detail(LAST_KNOWN),
                );
                return Ok(Some(state));
            }
            Found::Leaderless(at) => {
                let stop: Failure = no_leader(at.host.name(), &at.membership.error).into();
                for problem in stop.into_diagnostics(&title, LAST_KNOWN) {
                    cx.warn(as_warning(problem));
                }
                return Ok(Some(state));
            }
            Found::Silent(manager, failure) => (manager, failure),
            Found::Manager(at) => match K::observe(&self.on(cx), &at, state.clone()).await {
                Ok(found) => return Ok(found),
                Err(failure) => (at.host.connection.to_string().into(), failure),
            },
        };
        self.clusters.hosts().settle_host_read(cx, &title, &manager, state, failure)
    }

    async fn plan(&self, cx: &Context, plan: &mut Plan<Self>) -> Result<(), Diagnostics> {
        let title = title::<K>("plan", &plan.planned);
        if let Some(old) = plan.prior.as_ref().map(|prior| managers_of(&prior.model)) {
            if is_same_list(&old, &managers_of(&plan.config)) {
                plan.keep_spelling(MANAGERS)?;
            }
            self.refuse_if_access_denied(&title, plan)?;
        }
        K::plan(&self.on(cx), &title, plan).await
    }

    async fn plan_destroy(&self, cx: &Context, state: &State<Self>) -> Result<(), Diagnostics> {
        let title = title::<K>(K::WORDS.delete, &state.model);
        let looked = K::plan_destroy(&self.on(cx), state).await;
        looked.map_err(|failure| failure.into_diagnostics(&title, UNCHANGED))
    }

    async fn create(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        let title = title::<K>(K::WORDS.create, &apply.planned);
        let _change = self.clusters.changing();
        let done = K::create(&self.on(cx), apply).await;
        done.map_err(|failure| failure.into_diagnostics(&title, K::WORDS.unchanged))
    }

    async fn update(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        let title = title::<K>(K::WORDS.update, &apply.planned);
        let Some(prior) = apply.prior.clone() else {
            return Err(
                Failure::bug("There is no prior state to update.").into_diagnostics(&title, UNCHANGED)
            );
        };
        let _change = self.clusters.changing();
        let done = K::update(&self.on(cx), prior, apply).await;
        done.map_err(|failure| failure.into_diagnostics(&title, K::WORDS.unchanged))
    }

    async fn delete(&self, cx: &Context, state: State<Self>) -> Result<(), Diagnostics> {
        let title = title::<K>(K::WORDS.delete, &state.model);
        let _change = self.clusters.changing();
        let done = K::delete(&self.on(cx), &state).await;
        self.clusters.hosts().settle_delete(cx, &title, K::WORDS.remains, done)
    }

    async fn import(&self, _cx: &Context, id: &str) -> Result<State<Self>, Diagnostics> {
        let title = format!("Could not import {} {id:?}", K::TYPE);
        Ok(State::new(K::import(&title, id)?))
    }
}
