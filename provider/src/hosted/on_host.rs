//! The resource that the kernel makes of a kind of thing on a host.

use async_trait::async_trait;
use framework::{Apply, Context, Diagnostic, Diagnostics, Plan, Resource, Schema, State};

use super::{
    Departure, Host, Hosted, Import, OnHost, OnMachine, Placed,
    attribute::{HOST, host_attribute, host_of, import_id, is_same_connection},
    object::Planning,
};
use crate::failure::{Failure, UNCHANGED, as_warning};

impl<K: Hosted> OnHost<K> {
    /// Creates what is planned, or makes the prior state into it: where it is, or in its new place
    /// before it leaves the old one.
    async fn carry_out(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Failure> {
        let host = self.hosts.for_apply(&host_of(&apply.planned))?;
        let place = K::place(&host).await?;
        let on = OnMachine { cx, hosts: &self.hosts, host: &host, place };
        match apply.prior.clone() {
            Some(prior) if prior.private.place() == on.place => K::update(&on, prior, apply).await,
            Some(prior) => {
                K::create(&on, apply).await?;
                self.leave(cx, &prior, &on.place).await;
                Ok(())
            }
            None => K::create(&on, apply).await,
        }
    }

    /// Finds out what there is now.
    async fn observe(
        &self,
        cx: &Context,
        host: Host,
        state: State<Self>,
    ) -> Result<Option<State<Self>>, Failure> {
        let place = K::place(&host).await?;
        let on = OnMachine { cx, hosts: &self.hosts, host: &host, place };
        let found = K::observe(&on, state).await?;
        Ok(found.map(|mut found| {
            found.private.set_place(on.place);
            found
        }))
    }

    async fn remove(&self, cx: &Context, state: &State<Self>) -> Result<(), Failure> {
        let host = self.hosts.for_apply(&host_of(&state.model))?;
        let place = K::place(&host).await?;
        if is_replaced::<K>(state, &place) {
            return Ok(());
        }
        K::delete(&OnMachine { cx, hosts: &self.hosts, host: &host, place }, state).await
    }
}

/// Whether the machine was replaced behind its address: nothing of ours is on the new one.
pub(super) fn is_replaced<K: Hosted>(state: &State<OnHost<K>>, place: &str) -> bool {
    let known = state.private.place();
    !known.is_empty() && known != place
}

fn title<K: Hosted>(operation: &str, model: &K::Model) -> String {
    format!("Could not {operation} {}", K::subject(model))
}

#[async_trait]
impl<K: Hosted> Resource for OnHost<K> {
    type Model = K::Model;
    type Private = K::Private;

    fn type_name(&self) -> &'static str {
        K::TYPE
    }

    fn schema(&self) -> Schema {
        let mut schema = K::schema();
        schema.body.attributes.insert(0, host_attribute(K::HOST));
        schema
    }

    async fn validate(&self, _cx: &Context, config: &K::Model, problems: &mut Diagnostics) {
        K::validate(config, problems);
    }

    async fn read(&self, cx: &Context, state: State<Self>) -> Result<Option<State<Self>>, Diagnostics> {
        if !K::is_observable(&state.model) {
            return Ok(Some(state));
        }
        let title = title::<K>("read", &state.model);
        let connection = host_of(&state.model);
        let title = &title;
        let observe = |host, state: State<Self>| async move {
            let last_known = state.clone();
            match self.observe(cx, host, state).await {
                Err(failure) if failure.is_absence() && !self.hosts.forgets() => {
                    let Some(world) = K::stands_without_host(&last_known.model) else { return Err(failure) };
                    for problem in failure.into_diagnostics(title, world) {
                        cx.warn(as_warning(problem));
                    }
                    Ok(Some(last_known))
                }
                found => found,
            }
        };
        self.hosts.read(cx, title, &connection, state, observe).await
    }

    async fn plan(&self, cx: &Context, plan: &mut Plan<Self>) -> Result<(), Diagnostics> {
        let title = title::<K>("plan", &plan.planned);
        if let Some(old) = plan.prior.as_ref().map(|prior| host_of(&prior.model)) {
            if is_same_connection(&old, &host_of(&plan.config)) {
                plan.keep_spelling(HOST)?;
            }
            self.hosts.refuse_if_access_denied(&title, &old, &host_of(&plan.planned))?;
        }
        K::plan(&Planning { cx, hosts: &self.hosts, title: &title }, plan).await
    }

    async fn create(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        let title = title::<K>(K::WORDS.create, &apply.planned);
        let done = self.carry_out(cx, apply).await;
        done.map_err(|failure| failure.into_diagnostics(&title, K::WORDS.unchanged))
    }

    async fn update(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        if apply.prior.as_ref().is_some_and(|prior| !K::needs_host(prior, apply)) {
            apply.record(apply.planned.clone(), apply.private.clone());
            return Ok(());
        }
        let title = title::<K>(K::WORDS.update, &apply.planned);
        let done = self.carry_out(cx, apply).await;
        done.map_err(|failure| failure.into_diagnostics(&title, K::WORDS.unchanged))
    }

    async fn delete(&self, cx: &Context, state: State<Self>) -> Result<(), Diagnostics> {
        if K::is_kept(&state.model) {
            K::kept(&state.model, Departure::Destroyed).into_iter().for_each(|warning| cx.warn(warning));
            return Ok(());
        }
        let title = title::<K>(K::WORDS.delete, &state.model);
        let done = self.remove(cx, &state).await;
        self.hosts.settle_delete(cx, &title, K::WORDS.remains, done)
    }

    async fn import(&self, _cx: &Context, id: &str) -> Result<State<Self>, Diagnostics> {
        let title = format!("Could not import {} {id:?}", K::TYPE);
        match K::import() {
            Import::ByName { what, model } => {
                let (connection, name) = import_id(&title, id, &format!("<connection>|<{what}>"))?;
                Ok(State::new(model(connection.to_string(), name)))
            }
            Import::Never { why, instead } => {
                Err(Diagnostic::error(title).detail(why).detail(UNCHANGED).detail(instead).into())
            }
        }
    }
}
