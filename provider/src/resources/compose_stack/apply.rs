//! Creating, updating and taking down a stack.

use std::collections::BTreeSet;

use async_trait::async_trait;
use docker::engine::Container;
use framework::{Apply, Diagnostic, Diagnostics, Field, Plan, Schema, State};
use remote::files::random_name;
use stack::{
    CHANGED, Deployed, Deployment, DestroyRequest, Destroyed, Failed, Host as StackHost, HostState,
    ImageFacts, Outcome, Prior, Warning, abandon, changed_jobs, destroy, has_new_probes, host_state,
    images::{self, running_digests},
    key_for_unvouched, remove_files,
};
use tokio_util::sync::CancellationToken;
use tree::Modes;

use super::{
    ChosenProject, ComposeStack, StackPrivate,
    model::{self, KEEP_IMAGES, ROLLBACK, Service, StackModel, UNDEFINED_ERROR, prior},
    plan, read, schema,
};
use crate::{
    failure::{Aftermath, Failure, as_warning, containers_in_words, not_vacant, stack_warning},
    hosted::{Creation, Hosted, Import, OnHost, OnMachine, Planning, Words},
    stacks::{
        blocks::{OwnEnv, Required, jobs, probes},
        context, secrets,
    },
};

type Resource = OnHost<ComposeStack>;

#[async_trait]
impl Hosted for ComposeStack {
    type Model = StackModel;
    type Private = StackPrivate;

    const TYPE: &'static str = "windlass_compose_stack";
    const HOST: &'static str = "Another connection to the same machine changes nothing; another machine is a move: the \
         stack is started there first, then taken down here. Volumes do not move.";
    const CREATION: Creation = Creation::LocksItself;
    const WORDS: Words = Words {
        create: "start",
        remains: "The stack, or a part of it, is still there; destroying it again goes on from here.",
        ..Words::USUAL
    };

    fn schema() -> Schema {
        schema::schema()
    }

    fn subject(model: &StackModel) -> String {
        format!("compose stack {:?}", model.name())
    }

    /// Adopts the stack that an id names, also one that was started by hand.
    fn import() -> Import<StackModel> {
        let model = |host: String, name: String| StackModel {
            host: Field::Known(host),
            name: Field::Known(name),
            file_modes: Modes::WORDS[0].into(),
            pull: "missing".into(),
            build: Field::Known(false),
            undefined_variables: UNDEFINED_ERROR.into(),
            keep_images: Field::Known(KEEP_IMAGES),
            on_failure: ROLLBACK.into(),
            remove_orphans: Field::Known(true),
            remove_volumes_on_destroy: Field::Known(false),
            on_destroy: "down".into(),
            ..StackModel::default()
        };
        Import::WithConfig {
            what: "name of the project",
            settings: model::IMPORT_SETTINGS,
            model,
            set: StackModel::set_imported,
        }
    }

    fn validate(config: &StackModel, problems: &mut Diagnostics) {
        schema::validate(config, problems);
    }

    async fn plan(on: &Planning<'_>, plan: &mut Plan<Resource>) -> Result<(), Diagnostics> {
        plan::plan(on, plan).await
    }

    /// Not where only attributes have changed that say how later operations go about it.
    fn needs_host(prior: &State<Resource>, apply: &Apply<Resource>) -> bool {
        let digest = |private: &StackPrivate| private.desired.as_ref().map(|desired| desired.digest.clone());
        let stays = digest(&apply.private).is_some()
            && digest(&apply.private) == digest(&prior.private)
            && apply.private.machine_id == prior.private.machine_id
            && apply.planned.directory == prior.model.directory
            && apply.planned.source_hash == prior.model.source_hash
            && apply.planned.services == prior.model.services
            && changed_jobs(&jobs(&prior.model.job), &jobs(&apply.planned.job)).is_empty()
            && !has_new_probes(&probes(&prior.model.probe), &probes(&apply.planned.probe));
        !stays
    }

    /// A host that is thrown away with its stack may be gone already.
    fn stands_without_host(model: &StackModel) -> Option<&'static str> {
        let world = "The last known state stands in, because `on_destroy` is \"abandon\".";
        model.is_abandoned().then_some(world)
    }

    fn instance(state: &State<Resource>) -> &str {
        &state.private.instance
    }

    async fn is_there(on: &OnMachine<'_>, state: &State<Resource>) -> Result<Option<bool>, Failure> {
        let instance = &state.private.instance;
        let (Some(directory), false) = (state.model.directory.known(), instance.is_empty()) else {
            return Ok(None);
        };
        match host_state::inspect(on.host.executor.as_ref(), on.cx.token(), directory).await {
            Ok(found) => Ok(Some(found.instance.as_ref() == Some(instance))),
            // Another user of the same machine, or another machine with other directories.
            Err(stack::Error::Hidden { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn look_ahead(model: &StackModel) {
        model.sources().look_ahead();
    }

    async fn observe(on: &OnMachine<'_>, state: State<Resource>) -> Result<Option<State<Resource>>, Failure> {
        read::observe(on, state).await
    }

    async fn create(on: &OnMachine<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
        let standing = if apply.prior.is_some() { Standing::Elsewhere } else { Standing::New };
        deploy(on, apply, None, standing).await
    }

    async fn update(
        on: &OnMachine<'_>,
        prior_state: State<Resource>,
        apply: &mut Apply<Resource>,
    ) -> Result<(), Failure> {
        deploy(on, apply, Some(prior(&prior_state)), Standing::Here).await?;
        leave_old_directory(on, apply, &prior_state.model).await
    }

    fn is_kept(model: &StackModel) -> bool {
        model.is_abandoned()
    }

    async fn let_go(on: &OnMachine<'_>, state: &State<Resource>) -> Result<(), Failure> {
        let Some(directory) = state.model.directory.known() else { return Ok(()) };
        let host = on.host.for_stacks().await?;
        Ok(abandon(&context(on.cx), &host, state.model.name(), directory, &state.private.instance).await?)
    }

    /// Takes the stack down by its project's label, and its shipped files away. Volumes stay, unless
    /// the state says otherwise.
    async fn delete(on: &OnMachine<'_>, state: &State<Resource>) -> Result<(), Failure> {
        take_down(on, state, state.model.remove_volumes_on_destroy.is_true()).await
    }

    fn left_by_move(model: &StackModel) -> Option<Diagnostic> {
        Some(
            Diagnostic::warning(format!("The volumes of compose stack {:?} do not move with it", model.name()))
                .detail(
                    "With another `host` it is started on the new machine with empty volumes, then taken down on the \
                     old one. If both connections lead to the same machine, it stays where it is.",
                )
                .detail(
                    "The volumes of the old machine stay there with all their data, whatever \
                     `remove_volumes_on_destroy` says: a move is not a destroy.",
                )
                .detail("Copy what is needed to the new machine, before the apply or while the stack is stopped."),
        )
    }

    async fn leave(on: &OnMachine<'_>, state: &State<Resource>) -> Result<(), Failure> {
        take_down(on, state, false).await
    }

    fn left_behind(model: &StackModel) -> (String, String) {
        let name = model.name();
        let title = format!("Could not take compose stack {name:?} down on its old machine");
        let world = format!(
            "It runs on its new machine, and only that is recorded. If the old machine is gone, nothing is left to do; \
             else take the stack down there by `docker compose --project-name {name} down`."
        );
        (title, world)
    }
}

/// Takes the stack down, its volumes too where `volumes` says so, if it is the one of the state.
async fn take_down(on: &OnMachine<'_>, state: &State<Resource>, volumes: bool) -> Result<(), Failure> {
    let name = state.model.name();
    let directory = state.model.directory.known().map(String::as_str);
    let request = DestroyRequest { name, directory, instance: &state.private.instance, volumes };
    let host = on.host.for_stacks().await?;
    match destroy(&context(on.cx), &host, request).await? {
        Destroyed::Gone(left) if left.is_empty() => {}
        Destroyed::Gone(left) => on.cx.warn(still_used(name, &left)),
        Destroyed::Another => on.cx.warn(belongs_to_another(name, on.host.name())),
    }
    Ok(())
}

/// Where a stack is when an apply of it begins, as the state says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    New,
    /// On another machine: it is made here first.
    Elsewhere,
    Here,
}

/// What one deployment is about.
struct Task<'a> {
    on: &'a OnMachine<'a>,
    host: &'a StackHost,
    title: String,
    standing: Standing,
    name: String,
    project: ChosenProject,
    directory: String,
}

/// Makes the stack what is planned. There is a `prior` where it was on this machine before.
async fn deploy(
    on: &OnMachine<'_>,
    apply: &mut Apply<Resource>,
    prior: Option<Prior>,
    standing: Standing,
) -> Result<(), Failure> {
    let operation = if standing == Standing::New { ComposeStack::WORDS.create } else { "update" };
    let title = format!("Could not {operation} {}", ComposeStack::subject(&apply.planned));
    let spec = apply.config.spec()?;
    let spec =
        spec.ok_or_else(|| Failure::bug("Parts of the configuration are still unknown during apply."))?;
    let (secrets, sops_hash) = secrets(&apply.config.sources(), on.hosts.keyring()).await?;
    let host = on.host.for_stacks().await?;
    let (cx, mut planned) = (context(on.cx), apply.planned.clone());
    if planned.secrets_sops_hash.is_unknown() {
        planned.secrets_sops_hash = sops_hash;
    }
    let directory = match &planned.directory {
        Field::Known(directory) => directory.clone(),
        Field::Unknown | Field::Null => host.default_directory(&spec.name),
    };
    let (name, project) = (spec.name.clone(), ChosenProject::of(&spec));
    let task = Task { on, host: &host, title, standing, name, project, directory: directory.clone() };
    let options = planned.options(secrets, on.hosts);
    let known = apply.private.desired.clone();
    let lock = host.lock(&cx, &spec.name).await?;
    let instance = instance_of(apply, standing)?;
    let mut deployment = Deployment::new(&cx, (&host, &lock), &spec, options, directory, prior.as_ref());
    deployment = deployment.with_instance(instance);
    if standing != Standing::Here {
        deployment = deployment.fresh();
    }
    let done = async {
        let in_files = |error| task.explain(error, &apply.config);
        let prepared = deployment.prepare(known).await.map_err(in_files)?;
        let required = Required::of(on.hosts, &apply.config.require);
        let own = OwnEnv::Known(deployment.env_text());
        required.check(&task.title, &apply.config.sources(), &own, Some(&prepared.desired.subjects()))?;
        deployment.fetch(&prepared).await.map_err(|error| task.explain(error, &apply.config))?;
        // From here on something may exist: whatever happens, it is recorded.
        let private = StackPrivate { instance: deployment.instance().to_owned(), ..StackPrivate::default() };
        on.record(apply, task.begun(&planned, apply.prior.as_ref()), private);
        match deployment.carry_out(prepared).await {
            Ok(deployed) => {
                task.finish(apply, deployed);
                Ok(())
            }
            Err(failed) => Err(task.ended(apply, failed).await.into()),
        }
    };
    let done = done.await;
    lock.release().await;
    done
}

/// The id of the stack that is to be. One that moves gets another one in its new place, and the same
/// each time it is tried: what a move has left there that was cut off is known by it, and what is
/// still in the old place by the old one.
fn instance_of(apply: &Apply<Resource>, standing: Standing) -> Result<String, Failure> {
    let prior = apply.prior.as_ref().map(|prior| prior.private.instance.as_str()).unwrap_or_default();
    Ok(match standing {
        Standing::Here => prior.to_owned(),
        Standing::Elsewhere if !prior.is_empty() => {
            let there = apply.planned.host.as_str().unwrap_or_default();
            tree::sha256(format!("{prior} {there}").as_bytes())[..16].to_owned()
        }
        Standing::Elsewhere | Standing::New => random_name()?,
    })
}

impl Task<'_> {
    /// Why nothing was done.
    fn explain(&self, error: stack::Error, config: &StackModel) -> Failure {
        let connection = self.on.host.connection.to_string();
        not_vacant(error, &self.name, self.host.name(), &connection).in_files(config.files_attribute())
    }

    /// The state while nothing is known of what became of it. Jobs and probes that have not passed yet
    /// are not in it: what is new about them is to be a difference again.
    fn begun(&self, planned: &StackModel, prior: Option<&State<Resource>>) -> StackModel {
        let mut model = planned.clone();
        if let Some(prior) = prior.filter(|_| self.standing == Standing::Here) {
            model.job = prior.model.job.clone();
            model.probe = prior.model.probe.clone();
        }
        model.directory = Field::Known(self.directory.clone());
        model.id = Field::Known(self.name.clone());
        model.source_hash = CHANGED.into();
        model.services = Field::Known(Default::default());
        model.image_digests = Field::Known(Default::default());
        model
    }

    /// Records what was made. What was planned stands; what came out differently is for the next read.
    fn finish(&self, apply: &mut Apply<Resource>, deployed: Deployed) {
        let Some(state) = &mut apply.state else { return };
        let key = deployed.host_state.key.clone();
        state.model.set_observed(&deployed.host_state, &deployed.containers, key.as_ref());
        if let (Field::Known(planned), Field::Known(live)) =
            (&apply.planned.services, &mut state.model.services)
        {
            let settled = planned.iter().map(|(name, planned)| {
                let live = live.get(name).cloned().unwrap_or_else(Service::absent);
                (name.clone(), live.settled(planned))
            });
            *live = settled.collect();
        }
        state.model.job = apply.planned.job.clone();
        state.model.probe = apply.planned.probe.clone();
        state.model.image_digests = match &apply.planned.image_digests {
            Field::Known(digests) => Field::Known(digests.clone()),
            _ => Field::Known(running_digests(
                &state.model.observed(),
                &deployed.image_facts,
                Some(&deployed.desired),
            )),
        };
        if let Field::Known(hash) = &apply.planned.source_hash {
            state.model.source_hash = Field::Known(hash.clone());
        }
        if !apply.planned.source_files.is_unknown() {
            state.model.source_files = apply.planned.source_files;
            state.model.source_bytes = apply.planned.source_bytes;
        }
        state.private = StackPrivate {
            machine_id: self.host.machine_id.clone(),
            instance: deployed.host_state.instance.clone().unwrap_or_default(),
            compose: deployed.compose,
            images: deployed.images,
            image_facts: deployed.image_facts,
            desired: Some(deployed.desired),
            project: Some(self.project.clone()),
            host_env: deployed.host_state.host_env,
            differing: None,
        };
    }

    /// Records what is there after a failure and says so.
    async fn ended(&self, apply: &mut Apply<Resource>, failed: Failed) -> Diagnostics {
        let aftermath = match (self.standing, failed.found) {
            (Standing::New, true) => Aftermath::Found,
            (Standing::New, false) => Aftermath::New,
            (Standing::Elsewhere, _) => Aftermath::Moving,
            (Standing::Here, _) => Aftermath::Known,
        };
        if !aftermath.is_recorded(&failed.outcome) {
            apply.state.clone_from(&apply.prior);
        }
        let running = match &failed.outcome {
            Outcome::RolledBack(found, containers) => {
                self.return_to(apply, found, containers).await;
                Some(containers_in_words(containers))
            }
            Outcome::Kept(_) | Outcome::TakenDown(_) | Outcome::Stuck { .. } => {
                self.observe(apply, aftermath).await
            }
        };
        aftermath.diagnostics(failed, &self.name, &self.title, running.as_deref())
    }

    /// The state of a stack that runs as before: what is known of it from before, and what is there.
    async fn return_to(&self, apply: &mut Apply<Resource>, found: &HostState, containers: &[Container]) {
        let Some(state) = &mut apply.state else { return };
        let key = key_for_unvouched(self.host.executor.as_ref(), found, containers).await;
        state.model.set_observed(found, containers, key.as_ref());
        if let Ok(found) = images::inspect(&self.host.engine, state.private.desired.as_ref()).await {
            state.private.images = images::ids(&found);
            state.private.image_facts = ImageFacts::of(&found);
        }
        self.show_images(state, containers).await;
    }

    /// What runs, in words, if the host tells; the state takes it over where the stack is the state's.
    async fn observe(&self, apply: &mut Apply<Resource>, aftermath: Aftermath) -> Option<String> {
        // Also after the call's time is up.
        let (executor, token) = (self.host.executor.as_ref(), CancellationToken::new());
        let found = host_state::inspect(executor, &token, &self.directory).await.ok()?;
        let containers = self.host.engine.containers(&self.name).await.ok()?;
        if let Some(state) = apply.state.as_mut().filter(|_| aftermath != Aftermath::Moving) {
            let key = key_for_unvouched(executor, &found, &containers).await;
            state.model.set_observed(&found, &containers, key.as_ref());
            self.show_images(state, &containers).await;
        }
        Some(containers_in_words(&containers))
    }

    /// Takes over what the containers run, as it can be had again.
    async fn show_images(&self, state: &mut State<Resource>, containers: &[Container]) {
        let facts = state.private.image_facts.clone();
        if let Ok(facts) = facts.with_running(&self.host.engine, containers).await {
            state.model.set_image_digests(&facts, state.private.desired.as_ref());
        }
    }
}

/// Removes the shipped files from the directory where the stack was.
async fn leave_old_directory(
    on: &OnMachine<'_>,
    apply: &Apply<Resource>,
    prior: &StackModel,
) -> Result<(), Failure> {
    let now = apply.state.as_ref().and_then(|state| state.model.directory.known());
    let Some(old) = prior.directory.known().filter(|old| Some(*old) != now) else { return Ok(()) };
    let host = on.host.for_stacks().await?;
    let problems = match remove_files(&host, on.cx.token(), old, now.map(String::as_str)).await {
        Ok(paths) if paths.is_empty() => return Ok(()),
        Ok(paths) => {
            let (stack, directory) = (prior.name().to_owned(), old.clone());
            stack_warning(Warning::FilesLeft { stack, directory, paths })
        }
        Err(error) => {
            let title =
                format!("Could not remove the files of compose stack {:?} from {old:?}", prior.name());
            Failure::from(error).into_diagnostics(&title, "The stack runs from its new directory.")
        }
    };
    for problem in problems {
        on.cx.warn(as_warning(problem));
    }
    Ok(())
}

/// The warning that another stack of the same name has taken the place of the one to destroy.
fn belongs_to_another(name: &str, host: &str) -> Diagnostic {
    Diagnostic::warning(format!("Destroyed nothing of compose stack {name:?}"))
        .detail(format!(
            "What runs by this name on {host} is another stack than the one that was recorded: it was made by another \
             configuration, or after this one was gone."
        ))
        .detail("It was left as it is; the one that was recorded is no longer there, and no longer recorded.")
}

/// The warning of what other containers keep from being removed.
fn still_used(name: &str, left: &BTreeSet<String>) -> Diagnostic {
    let list = left.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    Diagnostic::warning(format!("Compose stack {name:?} is destroyed, but something of it is still in use"))
        .detail(format!("Containers of others use what they share with it: {list}."))
        .detail("It stays on the host and is no longer recorded.")
        .detail(
            "When those containers are gone, remove it there by `docker network rm` or `docker volume rm`.",
        )
}
