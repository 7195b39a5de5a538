//! Creating, updating and taking down a stack.

use async_trait::async_trait;
use framework::{Apply, Diagnostic, Diagnostics, Field, Plan, Schema, State};
use remote::files::random_name;
use swarm::stacks::{
    Deployment, Destroyed, Failed, LiveStack, Outcome, PriorStack, StackError, SwarmLock, destroy, digest,
    resolve_for_apply,
};
use tree::Modes;

use super::{
    Resource, StackPrivate, SwarmStack,
    model::{CHANGED, DOWN, ROLLBACK, Service, StackModel, UNDEFINED_ERROR},
    outcome, plan, read, schema,
};
use crate::{
    clustered::{At, Clustered, Gone, OnCluster},
    failure::Failure,
    hosted::{Words, import_id},
    stacks::{
        self,
        blocks::{OwnEnv, Required, jobs, validate_jobs, validate_probes},
        context, secrets,
    },
};

#[async_trait]
impl Clustered for SwarmStack {
    type Model = StackModel;
    type Private = StackPrivate;

    const TYPE: &'static str = "windlass_swarm_stack";
    const MANAGERS: &'static str = "Other managers of the same swarm do not change the stack; a stack does not move to \
         another swarm.";
    const WORDS: Words = Words {
        create: "start",
        remains: "The stack, or a part of it, is still there; destroying it again goes on from here.",
        ..Words::USUAL
    };
    const GONE: Gone = Gone::Forget;

    fn schema() -> Schema {
        schema::schema()
    }

    fn subject(model: &StackModel) -> String {
        format!("swarm stack {:?}", model.name())
    }

    /// Adopts the stack that an id names, also one that `docker stack deploy` made.
    fn import(title: &str, id: &str) -> Result<StackModel, Diagnostic> {
        let (connection, name) = import_id(title, id, "`<connection of a manager>|<name of the stack>`")?;
        Ok(StackModel {
            managers: Field::Known(vec![Field::Known(connection.to_string())]),
            name: Field::Known(name),
            file_modes: Modes::WORDS[0].into(),
            undefined_variables: UNDEFINED_ERROR.into(),
            resolve_image: CHANGED.into(),
            registry_auth: Field::Known(false),
            on_failure: ROLLBACK.into(),
            remove_orphans: Field::Known(true),
            on_destroy: DOWN.into(),
            ..StackModel::default()
        })
    }

    fn swarm(model: &StackModel) -> Option<&str> {
        model.swarm.as_str()
    }

    fn validate(config: &StackModel, problems: &mut Diagnostics) {
        validate_jobs(&config.job, problems);
        validate_probes(&config.probe, problems);
        stacks::validate(&config.sources(), problems);
    }

    async fn plan(on: &OnCluster<'_>, title: &str, plan: &mut Plan<Resource>) -> Result<(), Diagnostics> {
        plan::plan(on, title, plan).await
    }

    fn look_ahead(model: &StackModel) {
        model.sources().look_ahead();
    }

    async fn observe(
        on: &OnCluster<'_>,
        at: &At,
        state: State<Resource>,
    ) -> Result<Option<State<Resource>>, Failure> {
        read::observe(on, at, state).await
    }

    async fn create(on: &OnCluster<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
        deploy(on, apply, None).await
    }

    async fn update(
        on: &OnCluster<'_>,
        prior: State<Resource>,
        apply: &mut Apply<Resource>,
    ) -> Result<(), Failure> {
        if !plan::needs_swarm(&prior.model, &prior.private, &apply.planned, &apply.private) {
            apply.state = Some(State { model: apply.planned.clone(), private: apply.private.clone() });
            return Ok(());
        }
        deploy(on, apply, Some(prior)).await
    }

    async fn delete(on: &OnCluster<'_>, state: &State<Resource>) -> Result<(), Failure> {
        if state.model.is_abandoned() {
            return Ok(());
        }
        let (name, instance) = (state.model.name(), &state.private.instance);
        let at = match on.clusters.find(&state.model.managers, state.model.swarm.as_str(), None).await {
            // The swarm is gone, and the stack with it.
            crate::clustered::Found::Nowhere => return Ok(()),
            _ => manager(on, &state.model, state.model.swarm.as_str()).await?,
        };
        let engine = at.host.engine().await?;
        match destroy(&context(on.cx), &engine, name, instance).await? {
            Destroyed::Gone => {}
            Destroyed::Another => on.cx.warn(belongs_to_another(name)),
        }
        Ok(())
    }
}

/// A manager of the swarm `id`, or of whatever swarm the managers are of.
async fn manager(on: &OnCluster<'_>, model: &StackModel, id: Option<&str>) -> Result<At, Failure> {
    match id.filter(|id| !id.is_empty()) {
        Some(id) => on.manager(&model.managers, id, None).await,
        None => on.clusters.for_data_source(&model.managers).await,
    }
}

/// Makes the stack what is planned.
async fn deploy(
    on: &OnCluster<'_>,
    apply: &mut Apply<Resource>,
    prior: Option<State<Resource>>,
) -> Result<(), Failure> {
    let (spec, accepted) = (apply.config.spec()?, apply.config.accepted());
    let (Some(spec), Some(accepted)) = (spec, accepted) else {
        return Err(Failure::bug("Parts of the configuration are still unknown during apply."));
    };
    let (secrets, sops_hash) = secrets(&apply.config.sources(), on.clusters.hosts().keyring()).await?;
    let mut planned = apply.planned.clone();
    if planned.secrets_sops_hash.is_unknown() {
        planned.secrets_sops_hash = sops_hash;
    }
    let known = prior.as_ref().and_then(|prior| prior.model.swarm.known().cloned());
    let at = manager(on, &planned, known.as_deref()).await?;
    let swarm = at.membership.cluster_id.clone().unwrap_or_default();
    let _turn = on.clusters.use_managers(&swarm).await;
    let host = at.host.for_stacks().await?;
    let compose = host.compose_version().await?;
    let cx = context(on.cx);
    let instance =
        match prior.as_ref().map(|prior| prior.private.instance.clone()).filter(|one| !one.is_empty()) {
            Some(instance) => instance,
            None => random_name()?,
        };
    let options =
        planned.options(secrets, on.clusters.hosts(), instance.clone(), apply.private.moved.clone());
    let attribute = apply.config.sources().files_attribute();
    let lock = SwarmLock::acquire(&cx, &host.engine, &spec.name).await?;
    let done = async {
        let in_files = |error: StackError| Failure::from(error).in_files(attribute);
        let (wanted, tokens) = resolve_for_apply(&cx, &host, &spec, &accepted, &options.secrets.values)
            .await
            .map_err(in_files)?;
        let remembered = wanted.remembered(digest(&spec, &compose, &accepted));
        Required::of(on.clusters.hosts(), &apply.config.require).check(
            &title(&planned, prior.is_some()),
            &apply.config.sources(),
            &OwnEnv::Known(spec.env_text()),
            Some(&remembered.subjects()),
        )?;
        let found = LiveStack::inspect(&host.engine, &spec.name).await?;
        if prior.is_none() && !found.is_absent() {
            let (stack, services) = (spec.name.clone(), found.service_names());
            return Err(StackError::Exists { stack, services }.into());
        }
        // From here on something may exist: whatever happens, it is recorded.
        let private = StackPrivate {
            instance,
            compose: compose.clone(),
            wanted: Some(remembered),
            moved: apply.private.moved.clone(),
        };
        let mut begun = planned.clone();
        begun.set_observed(found.observed());
        begun.swarm = Field::Known(swarm.clone());
        // What has not passed yet is not recorded: what is new about it is to be a difference again.
        begun.job = prior.as_ref().map_or(Field::Known(Vec::new()), |prior| prior.model.job.clone());
        begun.probe = prior.as_ref().map_or(Field::Known(Vec::new()), |prior| prior.model.probe.clone());
        apply.state = Some(State { model: begun, private });
        let before = prior
            .as_ref()
            .map(|prior| PriorStack { wanted: prior.private.wanted.clone(), jobs: jobs(&prior.model.job) });
        let deployment = Deployment {
            cx: &cx,
            engine: &host.engine,
            host: host.executor.as_ref(),
            prior: before.as_ref(),
            lock: &lock,
            name: &spec.name,
            wanted: &wanted,
            tokens: &tokens,
            source: &spec.source,
            options: &options,
        };
        match deployment.run().await {
            Ok(live) => {
                finish(apply, &planned, &live);
                Ok(())
            }
            Err(failed) => Err(ended(apply, prior.as_ref(), &host.engine, failed).await.into()),
        }
    };
    let done = done.await;
    lock.release().await;
    done
}

/// Records what was made. What was planned stands; what came out differently is for the next read.
fn finish(apply: &mut Apply<Resource>, planned: &StackModel, live: &LiveStack) {
    let Some(state) = &mut apply.state else { return };
    state.model.set_observed(live.observed());
    if let (Field::Known(planned), Field::Known(live)) = (&planned.services, state.model.services.clone()) {
        let settled =
            planned.iter().map(|(name, one)| (name.clone(), Service::settled(one, live.get(name).cloned())));
        state.model.set_services(settled.collect());
    }
    if let Field::Known(digests) = &planned.image_digests {
        state.model.image_digests = Field::Known(digests.clone());
    }
    state.model.job = planned.job.clone();
    state.model.probe = planned.probe.clone();
    state.private.moved.clear();
}

/// The title of a failure of an apply.
fn title(planned: &StackModel, was_there: bool) -> String {
    let operation = if was_there { SwarmStack::WORDS.update } else { SwarmStack::WORDS.create };
    format!("Could not {operation} {}", SwarmStack::subject(planned))
}

/// Records what is there after a failure and says so.
async fn ended(
    apply: &mut Apply<Resource>,
    prior: Option<&State<Resource>>,
    engine: &docker::Engine,
    failed: Failed,
) -> Diagnostics {
    let name = apply.planned.name().to_owned();
    let was_there = prior.is_some();
    match (&failed.outcome, prior) {
        (Outcome::Unchanged | Outcome::RolledBack, Some(prior)) => apply.state = Some(prior.clone()),
        (Outcome::Unchanged | Outcome::TakenDown, None) => apply.state = None,
        _ => {}
    }
    // The state of what stays shows what is there; what was wanted of it has not come about.
    if let (Some(state), Ok(live)) = (&mut apply.state, LiveStack::inspect(engine, &name).await) {
        state.model.set_observed(live.observed());
        if !matches!(failed.outcome, Outcome::Unchanged) {
            state.private.wanted = None;
        }
    }
    outcome::diagnostics(failed, &name, &title(&apply.planned, was_there), was_there)
}

/// The warning that another stack of the same name has taken the place of the one to destroy.
fn belongs_to_another(name: &str) -> Diagnostic {
    Diagnostic::warning(format!("Destroyed nothing of swarm stack {name:?}"))
        .detail(
            "What runs by this name is another stack than the one that was recorded: it was made by another \
             configuration, or after this one was gone.",
        )
        .detail("It was left as it is; the one that was recorded is no longer there, and no longer recorded.")
}
