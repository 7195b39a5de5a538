//! The resource that the kernel makes of a kind of thing at a control server.

use async_trait::async_trait;
use framework::{Apply, Context, Diagnostic, Diagnostics, Plan, Resource, Schema, State};

use super::{
    Controlled, OnTailnet,
    object::{tailnet_attribute, tailnet_of},
};
use crate::failure::{Failure, UNCHANGED, could_not};

#[async_trait]
impl<K: Controlled> Resource for OnTailnet<K> {
    type Model = K::Model;
    type Private = K::Private;

    fn type_name(&self) -> &'static str {
        K::TYPE
    }

    fn schema(&self) -> Schema {
        let mut schema = K::schema();
        schema.body.attributes.insert(0, tailnet_attribute().requires_replace());
        schema
    }

    async fn validate(&self, _cx: &Context, config: &K::Model, problems: &mut Diagnostics) {
        K::validate(config, problems);
    }

    async fn read(&self, cx: &Context, state: State<Self>) -> Result<Option<State<Self>>, Diagnostics> {
        let title = could_not("read", &K::subject(&state.model));
        let found = match self.tailnets.reach(&tailnet_of(&state.model)).await {
            Ok(Some(control)) => K::observe(control.as_ref(), state.clone()).await,
            Ok(None) => {
                cx.warn(not_known_yet(&title));
                return Ok(Some(state));
            }
            Err(failure) => Err(failure),
        };
        match found {
            Ok(found) => Ok(found),
            Err(failure) => self.tailnets.hosts.settle_read(cx, &title, state, failure),
        }
    }

    async fn plan(&self, cx: &Context, plan: &mut Plan<Self>) -> Result<(), Diagnostics> {
        let title = could_not("plan", &K::subject(&plan.planned));
        let told = |failure: Failure| failure.into_diagnostics(&title, UNCHANGED);
        let control = self.tailnets.reach(&tailnet_of(&plan.planned)).await;
        let control = match control {
            // Of a host that is not there (yet), the same is said of everything that lives on it.
            Err(failure) if failure.is_absence() && plan.is_create() => None,
            other => other.map_err(told)?,
        };
        K::plan(cx, control.as_deref(), &title, plan).await
    }

    async fn plan_destroy(&self, cx: &Context, state: &State<Self>) -> Result<(), Diagnostics> {
        K::plan_destroy(cx, state);
        Ok(())
    }

    async fn create(&self, _cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        let title = could_not(K::WORDS.create, &K::subject(&apply.planned));
        let done = async {
            let control = self.tailnets.for_apply(&tailnet_of(&apply.planned)).await?;
            K::create(control.as_ref(), apply).await
        };
        done.await.map_err(|failure| failure.into_diagnostics(&title, UNCHANGED))
    }

    async fn update(&self, _cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        let Some(prior) = apply.prior.clone() else { return Ok(()) };
        if !K::needs_server(&prior, apply) {
            apply.record(apply.planned.clone(), apply.private.clone());
            return Ok(());
        }
        let title = could_not(K::WORDS.update, &K::subject(&apply.planned));
        let done = async {
            let control = self.tailnets.for_apply(&tailnet_of(&apply.planned)).await?;
            K::update(control.as_ref(), prior, apply).await
        };
        done.await.map_err(|failure| failure.into_diagnostics(&title, UNCHANGED))
    }

    async fn delete(&self, cx: &Context, state: State<Self>) -> Result<(), Diagnostics> {
        if K::is_kept(&state.model) {
            return Ok(());
        }
        let title = could_not(K::WORDS.delete, &K::subject(&state.model));
        let done = async {
            let control = self.tailnets.for_apply(&tailnet_of(&state.model)).await?;
            K::delete(control.as_ref(), &state).await
        };
        let done: Result<(), Failure> = done.await;
        self.tailnets.hosts.settle_delete(cx, &title, K::WORDS.remains, done)
    }

    async fn import(&self, _cx: &Context, id: &str) -> Result<State<Self>, Diagnostics> {
        K::import(id).map(State::new).ok_or_else(|| {
            let title = format!("Could not import {} {id:?}", K::TYPE);
            Diagnostic::error(title).detail(K::WORDS.import).detail(UNCHANGED).into()
        })
    }
}

/// The warning of a read that has to wait for the settings.
fn not_known_yet(title: &str) -> Diagnostic {
    Diagnostic::warning(title.to_owned()).detail(
        "How to reach its control server depends on something that is not known before apply, so the last known state \
         stands in for a look.",
    )
}
