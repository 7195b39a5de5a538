//! The resource that the kernel makes of a kind of thing on a host.

use std::time::Duration;

use async_trait::async_trait;
use framework::{Apply, Context, Diagnostic, Diagnostics, Plan, Resource, Schema, State};
use remote::lock::Lock;

use super::{
    Creation, Departure, Host, Hosted, Import, OnHost, OnMachine, Placed,
    attribute::{HOST, host_attribute, host_of, import_id, import_settings, is_same_connection},
    object::Planning,
};
use crate::failure::{Failure, UNCHANGED, as_warning, could_not};

/// How long somebody else who creates the same thing is waited for.
const CREATION_WAIT: Duration = Duration::from_secs(15);

impl<K: Hosted> OnHost<K> {
    /// Creates what is planned, or makes the prior state into it: where it is, or in its new place
    /// before it leaves the old one.
    async fn carry_out(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Failure> {
        let host = self.hosts.for_apply(&host_of(&apply.planned)).await?;
        let place = K::place(&host, &apply.planned).await?;
        let on = OnMachine { cx, hosts: &self.hosts, host: &host, place };
        match apply.prior.clone() {
            Some(prior) if stays(&on, &prior, apply).await? => K::update(&on, prior, apply).await,
            Some(prior) => {
                Self::create_alone(&on, apply).await?;
                self.leave(cx, &prior, apply.state.as_ref(), &on.place).await;
                Ok(())
            }
            None => Self::create_alone(&on, apply).await,
        }
    }

    /// Creates it while nobody else creates the same thing there.
    async fn create_alone(on: &OnMachine<'_>, apply: &mut Apply<Self>) -> Result<(), Failure> {
        if K::CREATION == Creation::Nameless {
            return K::create(on, apply).await;
        }
        let subject = K::subject(&apply.planned);
        // Those of this process wait for each other here: a lock would give up after a while.
        let _turn = on.hosts.turns.take(format!("{} {subject}", on.place)).await;
        if K::CREATION == Creation::LocksItself {
            return K::create(on, apply).await;
        }
        let lock = creation_lock(on, &subject).await?;
        let created = K::create(on, apply).await;
        // It goes with the connection in any case.
        if let Err(error) = lock.release().await {
            tracing::warn!(host = on.host.name(), %error, "could not release the lock");
        }
        created
    }

    /// Finds out what there is now.
    async fn observe(
        &self,
        cx: &Context,
        host: Host,
        state: State<Self>,
    ) -> Result<Option<State<Self>>, Failure> {
        let place = K::place(&host, &state.model).await?;
        let on = OnMachine { cx, hosts: &self.hosts, host: &host, place };
        let found = K::observe(&on, state).await?;
        Ok(found.map(|mut found| {
            found.private.set_place(on.place);
            found
        }))
    }

    /// Lets go of one that is kept, if its host can be asked: it may be gone with everything on it.
    pub(super) async fn let_go(&self, cx: &Context, state: &State<Self>) {
        if K::instance(state).is_empty() {
            return;
        }
        let done = async {
            let host = self.hosts.for_apply(&host_of(&state.model)).await?;
            let place = K::place(&host, &state.model).await?;
            let on = OnMachine { cx, hosts: &self.hosts, host: &host, place };
            if is_elsewhere(&on, state).await? { Ok(()) } else { K::let_go(&on, state).await }
        };
        let done: Result<(), Failure> = done.await;
        if let Err(failure) = done {
            tracing::info!(subject = K::subject(&state.model), ?failure, "could not let go of what is kept");
        }
    }

    async fn remove(&self, cx: &Context, state: &State<Self>) -> Result<(), Failure> {
        let host = self.hosts.for_apply(&host_of(&state.model)).await?;
        let place = K::place(&host, &state.model).await?;
        let on = OnMachine { cx, hosts: &self.hosts, host: &host, place };
        if is_elsewhere(&on, state).await? {
            cx.warn(not_there::<K>(&state.model, host.name()));
            return Ok(());
        }
        K::delete(&on, state).await
    }
}

/// Keeps out whoever else creates `subject` on the host. The lock's name says what kind of thing it is
/// for; what the thing is called may be too long for a file, or none.
async fn creation_lock(on: &OnMachine<'_>, subject: &str) -> Result<Lock, Failure> {
    let kind: String = subject.chars().take_while(|c| c.is_ascii_alphabetic() || *c == ' ').collect();
    let name = format!("{}-{}", kind.trim().replace(' ', "-"), &tree::sha256(subject.as_bytes())[..12]);
    let (executor, holder) = (on.host.executor.as_ref(), stack::holder());
    Ok(Lock::acquire(executor, &name, &holder, CREATION_WAIT, on.cx.token()).await?)
}

/// Whether what the state tells of is in the place where it shall be: it changes there, or else it
/// moves there. By the same way to the same machine there is nothing to find out.
async fn stays<K: Hosted>(
    on: &OnMachine<'_>,
    prior: &State<OnHost<K>>,
    apply: &Apply<OnHost<K>>,
) -> Result<bool, Failure> {
    let same_place = prior.private.place() == on.place;
    if same_place && is_same_connection(&host_of(&prior.model), &host_of(&apply.planned)) {
        return Ok(true);
    }
    is_here(on, prior).await
}

/// Whether what the state tells of is in the place where we look.
pub(super) async fn is_here<K: Hosted>(
    on: &OnMachine<'_>,
    state: &State<OnHost<K>>,
) -> Result<bool, Failure> {
    Ok(K::is_there(on, state).await?.unwrap_or(state.private.place() == on.place))
}

/// Whether another machine answers where it was, so that nothing of it is to be found there.
pub(super) async fn is_elsewhere<K: Hosted>(
    on: &OnMachine<'_>,
    state: &State<OnHost<K>>,
) -> Result<bool, Failure> {
    let known = state.private.place();
    if known.is_empty() || known == on.place {
        return Ok(false);
    }
    Ok(K::is_there(on, state).await? != Some(true))
}

/// The warning that there was nothing to destroy.
fn not_there<K: Hosted>(model: &K::Model, host: &str) -> Diagnostic {
    let subject = K::subject(model);
    Diagnostic::warning(format!("Destroyed nothing of {subject}"))
        .detail(format!(
            "Another machine answers as {host} than the one that it was made on, and this one has nothing of it."
        ))
        .detail("It is no longer recorded, and nothing was changed on the machine.")
        .detail("If the old machine still runs somewhere, remove it there by hand.")
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
        K::look_ahead(&state.model);
        let title = could_not("read", &K::subject(&state.model));
        let connection = host_of(&state.model);
        self.hosts.remember(&connection, &K::subject(&state.model));
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
        let title = could_not("plan", &K::subject(&plan.planned));
        if let Some(old) = plan.prior.as_ref().map(|prior| host_of(&prior.model)) {
            if is_same_connection(&old, &host_of(&plan.config)) {
                plan.keep_spelling(HOST)?;
            }
            self.hosts.refuse_if_access_denied(&title, &old, &host_of(&plan.planned))?;
            self.warn_of_move(cx, plan).await;
        }
        if let Some(prior) = &plan.prior {
            // Without a refresh nothing was read, and this is the first that is heard of it.
            self.hosts.remember(&host_of(&prior.model), &K::subject(&prior.model));
        }
        let recorded = self.hosts.remembers(&host_of(&plan.planned), &K::subject(&plan.planned));
        K::plan(&Planning { cx, hosts: &self.hosts, title: &title, recorded }, plan).await?;
        if plan.prior.is_some() || !recorded {
            self.look_for_occupant(cx, plan).await;
        }
        Ok(())
    }

    async fn create(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        let title = could_not(K::WORDS.create, &K::subject(&apply.planned));
        let done = self.carry_out(cx, apply).await;
        done.map_err(|failure| failure.into_diagnostics(&title, K::WORDS.unchanged))
    }

    async fn update(&self, cx: &Context, apply: &mut Apply<Self>) -> Result<(), Diagnostics> {
        if apply.prior.as_ref().is_some_and(|prior| !K::needs_host(prior, apply)) {
            apply.record(apply.planned.clone(), apply.private.clone());
            return Ok(());
        }
        let title = could_not(K::WORDS.update, &K::subject(&apply.planned));
        let done = self.carry_out(cx, apply).await;
        done.map_err(|failure| failure.into_diagnostics(&title, K::WORDS.unchanged))
    }

    async fn delete(&self, cx: &Context, state: State<Self>) -> Result<(), Diagnostics> {
        if K::is_kept(&state.model) {
            K::kept(&state.model, Departure::Destroyed).into_iter().for_each(|warning| cx.warn(warning));
            self.let_go(cx, &state).await;
            return Ok(());
        }
        let title = could_not(K::WORDS.delete, &K::subject(&state.model));
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
            Import::WithConfig { what, settings, model, set } => {
                let form = format!("<connection>|<{what}>");
                let (connection, rest) = import_id(&title, id, &form)?;
                let (name, given) = import_settings(&title, &rest, &form, settings)?;
                let mut model = model(connection.to_string(), name.to_owned());
                for (setting, value) in given {
                    if !set(&mut model, setting, value) {
                        let detail = format!("{value:?} is not a value of `{setting}`.");
                        return Err(Diagnostic::error(title).detail(detail).detail(UNCHANGED).into());
                    }
                }
                Ok(State::new(model))
            }
            Import::Never { why, instead } => {
                Err(Diagnostic::error(title).detail(why).detail(UNCHANGED).detail(instead).into())
            }
        }
    }
}
