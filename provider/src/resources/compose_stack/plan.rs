//! What a change of `windlass_compose_stack` means, service by service.
//!
//! Live facts come from the last read (`services`, `source_hash`, the private state) and from the
//! host's Compose; nothing else is looked at, so that the same plan comes out again inside apply.

use std::collections::{BTreeMap, BTreeSet};

use framework::{Context, Diagnostics, Field, Plan, State};
use stack::{
    DesiredStack, HostEnv, ImageFacts, Key, Known, PlannedStack, PullPolicy, StackSpec, check_needs,
    check_no_link, check_vacant, files_in_the_way, host_state, is_sealed, login_key, reads_the_host,
    resolve_once, unbuilt, with_host_env,
};

use super::{
    ChosenProject, ComposeStack, StackPrivate,
    model::{Service, StackModel},
};
use crate::{
    failure::{
        Failure, UNCHANGED, as_warning, heavy_tree, ignored_keys, missing, not_taken, not_vacant,
        taken_for_empty,
    },
    hosted::{Host, Hosted as _, OnHost, Planning, warn_of_occupant},
    settings::OnUnreachable,
    stacks::{
        blocks::{OwnEnv, Required, jobs},
        context, sealed,
    },
};

type Resource = OnHost<ComposeStack>;

/// Decides what each service will be.
pub(super) async fn plan(on: &Planning<'_>, plan: &mut Plan<Resource>) -> Result<(), Diagnostics> {
    plan.planned.id = plan.planned.name.clone();
    plan.planned.secrets_sops_hash = sealed(&plan.config.sources())?.map(|sealed| sealed.sha256);
    let read = plan.config.files()?;
    let files = plan.config.files_spec_of(read.clone())?;
    plan.planned.source_hash = files.as_ref().map_or(Field::Unknown, |(files, _)| files.source_hash().into());
    match (&files, &plan.prior) {
        // What an older Windlass has shipped is told once it is shipped again.
        (Some(_), Some(prior)) if prior.model.source_hash == plan.planned.source_hash => {
            plan.planned.source_files = prior.model.source_files;
            plan.planned.source_bytes = prior.model.source_bytes;
        }
        (Some((files, _)), _) => plan.planned.set_size(files.source_size()),
        (None, _) => {
            plan.planned.source_files = Field::Unknown;
            plan.planned.source_bytes = Field::Unknown;
        }
    }
    if let (Some((files, unused)), Field::Known(directory)) = (&files, &plan.config.source_dir)
        && (plan.changes("source_hash") || plan.changes("files"))
    {
        let heavy = heavy_tree("source_dir", directory, &files.source);
        let unused = (!unused.is_empty()).then(|| not_taken(plan.config.name(), &files.files, unused));
        heavy.into_iter().chain(unused).for_each(|warning| on.cx.warn(warning));
    }

    let required = Required::of(on.hosts, &plan.config.require);
    let Some(mut spec) = plan.config.spec_of(read)? else {
        if required.has_template() {
            let own = files.as_ref();
            let own = own.map_or(OwnEnv::Unknown, |(files, _)| own_env(files));
            required.check(on.title, &plan.config.sources(), &own, None)?;
        }
        leave_open(plan);
        return Ok(());
    };
    let check = |plan: &Plan<Resource>, spec: &StackSpec, desired: Option<&DesiredStack>| {
        let subjects = desired.map(DesiredStack::subjects);
        required.check(on.title, &plan.config.sources(), &own_env(spec), subjects.as_ref())
    };
    if let Some(env) = &mut spec.host_env {
        let known = plan.prior.as_ref().and_then(|prior| prior.private.host_env.as_deref());
        *env = HostEnv::marked(known.unwrap_or_default());
    }
    let unseen = spec.host_env.is_some() && required.has_template();
    if let Some(found) = without_asking(plan, &spec).filter(|_| !unseen) {
        check(plan, &spec, Some(&found.desired))?;
        return settle(on, plan, &spec, found);
    }
    let reached = on.hosts.reach(&plan.planned.host).await.map_err(Failure::from);
    let Some(host) = reached.map_err(|failure| failure.into_diagnostics(on.title, UNCHANGED))? else {
        check(plan, &spec, None)?;
        leave_open(plan);
        return Ok(());
    };
    match ask(on, plan, &spec, &host).await {
        Ok((found, spec)) => {
            check(plan, &spec, Some(&found.desired))?;
            settle(on, plan, &spec, found)?;
        }
        Err(failure) if can_wait(on, plan, &failure) => {
            check(plan, &spec, None)?;
            leave_open(plan);
            let title = format!("Planned {} without asking its host", ComposeStack::subject(&plan.planned));
            for problem in failure.into_diagnostics(&title, "What will change is decided during apply.") {
                on.cx.warn(as_warning(problem));
            }
        }
        Err(failure) => return Err(failure.into_diagnostics(on.title, UNCHANGED)),
    }
    Ok(())
}

/// What is known of the stack's own `.env`.
fn own_env(spec: &StackSpec) -> OwnEnv<'_> {
    match &spec.host_env {
        Some(env) if !env.is_seen() => OwnEnv::Unknown,
        _ => OwnEnv::Known(spec.env_text()),
    }
}

/// What is known of a stack that is to be.
struct Found {
    directory: String,
    desired: DesiredStack,
    machine_id: String,
    compose: String,
    /// Whether it will be on the machine where it is.
    stays: bool,
    /// As in [`StackPrivate`].
    host_env: Option<String>,
}

/// What the last apply wanted, where its inputs are still the ones of now: Compose need not be asked.
fn without_asking(plan: &Plan<Resource>, spec: &StackSpec) -> Option<Found> {
    let prior = plan.prior.as_ref()?;
    let directory = plan.planned.directory.known()?;
    let desired = prior.private.desired.clone()?;
    // Only a key of the host tells what nothing vouches for, and only the host what is in its files.
    if is_sealed(prior.model.observed().values()) || reads_the_host(spec) {
        return None;
    }
    let same = plan.planned.host == prior.model.host
        && plan.planned.directory == prior.model.directory
        && desired.digest == spec.digest(directory, &prior.private.compose);
    same.then(|| Found {
        directory: directory.clone(),
        desired,
        machine_id: prior.private.machine_id.clone(),
        compose: prior.private.compose.clone(),
        stays: true,
        host_env: prior.private.host_env.clone(),
    })
}

/// The keys by which it is known what `prior` shows of services that nothing vouches for.
async fn keys_for(cx: &Context, host: &stack::Host, prior: &StackModel) -> Result<Vec<Key>, Failure> {
    let Some(directory) = prior.directory.known().filter(|_| is_sealed(prior.observed().values())) else {
        return Ok(Vec::new());
    };
    let executor = host.executor.as_ref();
    let own = host_state::inspect(executor, cx.token(), directory).await?.key;
    Ok(own.into_iter().chain([login_key(executor).await?]).collect())
}

/// Asks the host.
async fn ask(
    on: &Planning<'_>,
    plan: &Plan<Resource>,
    spec: &StackSpec,
    host: &Host,
) -> Result<(Found, StackSpec), Failure> {
    let host = host.for_stacks().await?;
    let known_machine = plan.prior.as_ref().map(|prior| prior.private.machine_id.as_str());
    let same_host = plan.prior.as_ref().is_some_and(|prior| prior.model.host == plan.planned.host);
    let same_machine = known_machine.is_some_and(|known| !known.is_empty() && known == host.machine_id);
    let stays = same_host || same_machine;
    let directory = match (&plan.config.directory, &plan.planned.directory) {
        (Field::Known(chosen), _) => chosen.clone(),
        // It was chosen by default on this machine, and stays there whoever logs in.
        (_, Field::Known(kept)) if stays => kept.clone(),
        _ => host.default_directory(&spec.name),
    };
    let in_files = |error| Failure::from(error).in_files(plan.config.files_attribute());
    let compose = host.compose_version().await?;
    let cx = context(on.cx);
    let keys = match plan.prior.as_ref().filter(|_| stays) {
        Some(prior) => keys_for(on.cx, &host, &prior.model).await?,
        None => Vec::new(),
    };
    let spec = &StackSpec { keys, ..spec.clone() };
    let spec = with_host_env(&cx, &host, spec, &directory).await.map_err(in_files)?;
    let host_env = spec.host_env.as_ref().map(|env| env.mark().to_owned());
    let last_seen = plan
        .prior
        .as_ref()
        .filter(|_| stays)
        .filter(|prior| prior.model.directory.as_str() == Some(directory.as_str()));
    let last_seen = last_seen.and_then(|prior| prior.private.host_env.as_ref());
    if let (Some(then), Some(now)) = (last_seen, &host_env)
        && then != now
    {
        return Err(stack::Error::HostEnvMoved { directory, host: host.name().to_owned() }.into());
    }
    let spec = &spec;
    let vacant = async {
        match &plan.prior {
            None if on.recorded => Ok(()),
            prior => {
                let known = prior.as_ref().filter(|_| stays).map(|prior| &prior.model.directory);
                let place = Place { host: &host, connection: host_of_plan(plan), directory: &directory };
                expect_vacant(on.cx, &place, spec, known).await
            }
        }
    };
    let (desired, vacant) = tokio::join!(resolve_once(&cx, &host, spec, &directory), vacant);
    refuse(on, &plan.planned, vacant)?;
    let desired = desired.map_err(in_files)?;
    for one in stack::missing(&host, &spec.name, &desired.requirements).await? {
        let title = format!("The host lacks something for compose stack {:?}", spec.name);
        let world = "The plan goes on: it may be made by the same apply, before the stack.";
        on.cx.warn(as_warning(missing(&title, &one, if one.is_fatal() { world } else { "" })));
    }
    let unbuilt = unbuilt(&host.engine, spec, &desired).await?;
    if !unbuilt.is_empty() {
        return Err(stack::Error::Images { failed: Vec::new(), buildable: BTreeMap::new(), unbuilt }.into());
    }
    Ok((Found { directory, desired, machine_id: host.machine_id, compose, stays, host_env }, spec.clone()))
}

/// What a plan makes of something that is in the way. That a stack of this name is there already is
/// only a warning, as of everything on a host.
fn refuse(on: &Planning<'_>, planned: &StackModel, vacant: Result<(), Vacancy>) -> Result<(), Failure> {
    match vacant {
        Ok(()) => Ok(()),
        Err(Vacancy::Taken(failure)) => {
            warn_of_occupant::<ComposeStack>(on.cx, planned, failure);
            Ok(())
        }
        Err(Vacancy::Other(failure)) => Err(failure),
    }
}

/// Why the place of a stack is not free.
enum Vacancy {
    /// Another stack has it.
    Taken(Failure),
    /// Anything else.
    Other(Failure),
}

impl<E: Into<Failure>> From<E> for Vacancy {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// The `host` of the plan.
fn host_of_plan(plan: &Plan<Resource>) -> &str {
    plan.planned.host.as_str().unwrap_or_default()
}

/// Where a stack shall be.
struct Place<'a> {
    host: &'a stack::Host,
    connection: &'a str,
    directory: &'a str,
}

/// Checks that nothing that is not ours is in the way: of a stack that is to be made, another one; of
/// any, files. `known` is the directory in which it is now; the files of a project that was imported are
/// kept by the apply.
async fn expect_vacant(
    cx: &Context,
    &Place { host, connection, directory }: &Place<'_>,
    spec: &StackSpec,
    known: Option<&Field<String>>,
) -> Result<(), Vacancy> {
    let executor = host.executor.as_ref();
    let (state, containers) = tokio::join!(
        host_state::inspect(executor, cx.token(), directory),
        host.engine.containers(&spec.name)
    );
    let (state, containers) = (state?, containers?);
    // That the directory of one that is there has become a link, Read tells.
    if known.is_none_or(|known| known.as_str() != Some(directory)) {
        check_no_link(directory, host, &state).map_err(|error| Vacancy::Taken(error.into()))?;
    }
    match known.map(Field::as_str) {
        None => check_vacant(&spec.name, directory, None, &state, &containers)
            .map_err(|error| Vacancy::Taken(not_vacant(error, &spec.name, host.name(), connection)))?,
        Some(known) if known == Some(directory) && !state.is_ours() => return Ok(()),
        Some(_) => {}
    }
    let paths = files_in_the_way(host, spec, directory, &state).await?;
    if paths.is_empty() {
        return Ok(());
    }
    Err(stack::Error::InTheWay { directory: directory.to_owned(), host: host.name().to_owned(), paths }
        .into())
}

/// Leaves to apply what cannot be known now. Where nothing else changes, the last known state
/// stands: nobody asked for anything.
fn leave_open(plan: &mut Plan<Resource>) {
    let moved = plan.prior.as_ref().is_none_or(|prior| prior.model.host != plan.planned.host);
    if plan.config.directory.is_unknown() || (moved && plan.config.directory.is_null()) {
        plan.planned.directory = Field::Unknown;
    }
    let prior = plan.prior.as_ref().map(|prior| &prior.model);
    plan.planned.services = prior.map_or(Field::Unknown, |prior| prior.services.clone());
    plan.planned.image_digests = prior.map_or(Field::Unknown, |prior| prior.image_digests.clone());
    if plan.has_changes() {
        plan.planned.services = Field::Unknown;
        plan.planned.image_digests = Field::Unknown;
        plan.private = StackPrivate::default();
    }
}

/// Takes over what is known.
fn settle(
    on: &Planning<'_>,
    plan: &mut Plan<Resource>,
    spec: &StackSpec,
    found: Found,
) -> Result<(), Diagnostics> {
    if !found.desired.undefined.is_empty() {
        on.cx.warn(taken_for_empty(&spec.name, &found.desired.undefined));
    }
    if !found.desired.ignored.is_empty() {
        on.cx.warn(ignored_keys(&spec.name, &found.compose, &found.desired.ignored));
    }
    let needs =
        check_needs(&jobs(&plan.planned.job), &found.desired.started_services()).map_err(Failure::from);
    needs.map_err(|failure| failure.into_diagnostics(on.title, UNCHANGED))?;
    let (observed, images, image_facts) = match plan.prior.as_ref().filter(|_| found.stays) {
        Some(prior) => {
            (prior.model.observed(), prior.private.images.clone(), facts_for(plan, prior, &found.desired))
        }
        None => (BTreeMap::new(), BTreeMap::new(), ImageFacts::default()),
    };
    let differing = plan.prior.as_ref().and_then(|prior| prior.private.differing.clone());
    // What nobody has compared may differ.
    let differing: BTreeSet<String> =
        differing.unwrap_or_else(|| spec.source.files.keys().cloned().collect());
    let known = Known {
        observed: &observed,
        images: &images,
        image_facts: &image_facts,
        compose: &found.compose,
        differing: &differing,
        applied: false,
    };
    let (orphans, pull) = (plan.planned.orphans(), plan.planned.pull_policy());
    plan.planned.directory = Field::Known(found.directory);
    take(plan, stack::plan(&found.desired, known, orphans, pull));
    // What Compose would replace on this occasion alone is no occasion.
    if plan.has_changes() {
        take(plan, stack::plan(&found.desired, Known { applied: true, ..known }, orphans, pull));
    }
    let instance = plan.prior.as_ref().map(|prior| prior.private.instance.clone()).unwrap_or_default();
    plan.private = StackPrivate {
        machine_id: found.machine_id,
        instance,
        compose: found.compose,
        images,
        image_facts,
        desired: Some(found.desired),
        project: Some(ChosenProject::of(spec)),
        host_env: found.host_env,
        differing: None,
    };
    Ok(())
}

/// Takes over what services will be.
fn take(plan: &mut Plan<Resource>, planned: PlannedStack) {
    plan.planned.image_digests = planned.image_digests.map_or(Field::Unknown, Field::Known);
    let services = planned.services.iter().map(|(name, service)| (name.clone(), Service::of(service)));
    plan.planned.services = Field::Known(services.collect());
}

/// What is known of the images, as far as it counts: where not everything is fetched, it does not
/// matter what a tag stands for in its registry; where everything is fetched from now on, nobody has
/// asked yet, and each may stand for another one.
fn facts_for(plan: &Plan<Resource>, prior: &State<Resource>, desired: &DesiredStack) -> ImageFacts {
    let mut facts = prior.private.image_facts.clone();
    let always = |model: &StackModel| model.pull_policy() == PullPolicy::Always;
    match (always(&prior.model), always(&plan.planned)) {
        (_, false) => facts.moved.clear(),
        (false, true) => {
            facts.moved = desired.fetched_images();
            facts.moved.retain(|image| !image.contains('@'));
        }
        (true, true) => {}
    }
    facts
}

/// Whether the plan may go on without knowing: what is to be created must not need its host yet,
/// and `on_unreachable = "keep"` says the same of what exists.
fn can_wait(on: &Planning<'_>, plan: &Plan<Resource>, failure: &Failure) -> bool {
    let settings = on.hosts.settings();
    let keep = settings.is_some_and(|settings| settings.on_unreachable == OnUnreachable::Keep);
    let moves = plan.prior.as_ref().is_none_or(|prior| prior.model.host != plan.planned.host);
    failure.is_absence() && (moves || keep)
}
