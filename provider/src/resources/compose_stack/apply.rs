//! Creating and updating a stack, also by moving it to another machine.

use docker::engine::Container;
use framework::{Apply, Context, Diagnostic, Diagnostics, Field, Severity, State};
use secret::{Scrubber, Secret};

use super::{
    StackPrivate, StackResource,
    deploy::{After, Deployment, Made, Standing, Stopped},
    destroy,
    failure::Failure,
    held::{self, Held},
    images::{self, ImageFacts},
    inputs::{Inputs, secrets},
    job,
    model::{CHANGED, Service, StackModel},
    probe,
    read::{take, title, what_runs},
    secret_files,
    site::Site,
};
use crate::hosts::unknown_settings;

/// What the world looks like when an operation stopped before it changed anything.
const NOTHING: &str = "Nothing was changed.";

/// Starts a stack that we did not know of.
pub(super) async fn create(
    resource: &StackResource,
    cx: &Context,
    apply: &mut Apply<StackResource>,
) -> Result<(), Diagnostics> {
    let title = title("start", &apply.planned);
    let inputs = inputs(&title, apply)?;
    let site = open(resource, &title, &apply.planned).await?;
    let task = Task { title: &title, inputs: &inputs, site: &site, prior: None, fresh: true };
    deploy(resource, cx, apply, task).await
}

/// Changes a stack in place, or starts it on another machine before it is taken down on the old one.
pub(super) async fn update(
    resource: &StackResource,
    cx: &Context,
    apply: &mut Apply<StackResource>,
) -> Result<(), Diagnostics> {
    let title = title("update", &apply.planned);
    let Some(prior) = apply.prior.clone() else {
        return Err(Diagnostic::bug(title, "An update of nothing.").into());
    };
    if needs_no_host(&prior, apply) {
        let private = apply.private.clone();
        apply.record(apply.planned.clone(), private);
        return Ok(());
    }
    let inputs = inputs(&title, apply)?;
    let site = open(resource, &title, &apply.planned).await?;
    let moved = !prior.private.machine_id.is_empty() && prior.private.machine_id != site.machine_id;
    let known = Some(&prior).filter(|_| !moved);
    let task = Task { title: &title, inputs: &inputs, site: &site, prior: known, fresh: moved };
    deploy(resource, cx, apply, task).await?;
    if moved {
        leave_old_machine(resource, cx, prior).await;
    } else {
        leave_old_directory(cx, &site, apply, &prior.model).await;
    }
    Ok(())
}

/// Whether only attributes have changed that say how later operations go about it.
fn needs_no_host(prior: &State<StackResource>, apply: &Apply<StackResource>) -> bool {
    let digest =
        |private: &StackPrivate| private.prediction.as_ref().map(|prediction| prediction.digest.clone());
    digest(&apply.private).is_some()
        && digest(&apply.private) == digest(&prior.private)
        && apply.private.machine_id == prior.private.machine_id
        && apply.planned.directory == prior.model.directory
        && apply.planned.source_hash == prior.model.source_hash
        && apply.planned.services == prior.model.services
        && job::changed(Some(&prior.model), &apply.planned).is_empty()
        && !probe::any_new(&prior.model, &apply.planned)
}

/// What one deployment is about.
struct Task<'a> {
    title: &'a str,
    inputs: &'a Inputs,
    site: &'a Site,
    /// What was there before on this machine.
    prior: Option<&'a State<StackResource>>,
    fresh: bool,
}

async fn deploy(
    resource: &StackResource,
    cx: &Context,
    apply: &mut Apply<StackResource>,
    task: Task<'_>,
) -> Result<(), Diagnostics> {
    let Task { title, inputs, site, prior, fresh } = task;
    let nothing = |failure: Failure| failure.diagnostics(title, NOTHING);
    let engine = resource.engines.engine(&site.host).await.map_err(Failure::from).map_err(nothing)?;
    let (planned, config) = (apply.planned.clone(), apply.config.clone());
    let directory = match &planned.directory {
        Field::Known(directory) => directory.clone(),
        Field::Unknown | Field::Null => site.default_directory(&inputs.name),
    };
    let secrets = secrets(&apply.config);
    let secret_files = secret_files::contents(&apply.config);
    let mut deployment = Deployment {
        resource,
        cx,
        title,
        site,
        engine,
        inputs,
        directory: directory.clone(),
        planned: &planned,
        config: &config,
        scrubber: scrubber(resource, secrets.values().chain(secret_files.values())),
        secrets,
        prior,
        secret_files,
        fresh,
    };
    let lock = site.lock(cx, &inputs.name).await.map_err(Failure::from).map_err(nothing)?;
    let known = apply.private.prediction.clone();
    let done = match deployment.prepare(known).await {
        Ok(prepared) => {
            // From here on something may exist: whatever happens, it is recorded.
            let begun = begun(&planned, prior, directory, inputs);
            apply.record(
                begun,
                StackPrivate { machine_id: site.machine_id.clone(), ..StackPrivate::default() },
            );
            match deployment.carry_out(prepared).await {
                Ok(made) => {
                    finish(apply, made);
                    Ok(())
                }
                Err(stopped) => Err(ended(&deployment, apply, stopped).await),
            }
        }
        Err(failure) => Err(failure.diagnostics(title, NOTHING)),
    };
    if let Err(error) = lock.release().await {
        tracing::warn!(host = site.executor().name(), %error, "could not release the lock");
    }
    done
}

/// The state while nothing is known of what became of it. Jobs and probes that have not passed yet
/// are not in it: what is new about them is to be a difference again.
fn begun(
    planned: &StackModel,
    prior: Option<&State<StackResource>>,
    directory: String,
    inputs: &Inputs,
) -> StackModel {
    let mut model = planned.clone();
    if let Some(prior) = prior {
        model.job = prior.model.job.clone();
        model.probe = prior.model.probe.clone();
    }
    model.directory = Field::Known(directory);
    model.id = Field::Known(inputs.name.clone());
    model.source_hash = CHANGED.into();
    model.services = Field::Known(Default::default());
    model.image_digests = Field::Known(Default::default());
    model
}

/// Records what was made. What was planned stands; what came out differently is for the next read.
fn finish(apply: &mut Apply<StackResource>, made: Made) {
    let Some(state) = &mut apply.state else { return };
    take(&mut state.model, &made.held, &made.containers);
    if let (Field::Known(planned), Field::Known(live)) = (&apply.planned.services, &mut state.model.services)
    {
        let settled = planned.iter().map(|(name, planned)| {
            let live = live.get(name).cloned().unwrap_or_else(|| Service::of(&Default::default()));
            (name.clone(), live.settled(planned))
        });
        *live = settled.collect();
    }
    state.model.job = apply.planned.job.clone();
    state.model.probe = apply.planned.probe.clone();
    state.model.image_digests = match &apply.planned.image_digests {
        Field::Known(digests) => Field::Known(digests.clone()),
        _ => images::digests(&state.model, &made.private.image_facts, made.private.prediction.as_ref()),
    };
    if let Field::Known(hash) = &apply.planned.source_hash {
        state.model.source_hash = Field::Known(hash.clone());
    }
    state.private = made.private;
}

/// Records what is there after a failure and says so.
async fn ended(
    deployment: &Deployment<'_>,
    apply: &mut Apply<StackResource>,
    stopped: Stopped,
) -> Diagnostics {
    let Stopped { failure, after, found } = stopped;
    let standing = match (&apply.prior, deployment.fresh) {
        (None, _) if found => Standing::Found,
        (None, _) => Standing::New,
        (Some(_), true) => Standing::Moving,
        (Some(_), false) => Standing::Known,
    };
    if !after.is_recorded(standing) {
        apply.state.clone_from(&apply.prior);
    }
    let running = match &after {
        After::Returned(held, containers) => {
            return_to(deployment, apply, held, containers).await;
            Some(what_runs(containers))
        }
        After::Stays(_) | After::Cleared(_) | After::Stuck { .. } => look(deployment, apply, standing).await,
    };
    let (name, title) = (&deployment.inputs.name, deployment.title);
    let mut told = failure.story(title, &after.words(name, standing, running.as_deref()));
    if let After::Stuck { title, failure } = after {
        told.append(failure.diagnostics(&title, &After::between(running.as_deref())));
    }
    told
}

/// The state of a stack that runs as before: what is known of it from before, and what is there.
async fn return_to(
    deployment: &Deployment<'_>,
    apply: &mut Apply<StackResource>,
    held: &Held,
    containers: &[Container],
) {
    let Some(state) = &mut apply.state else { return };
    take(&mut state.model, held, containers);
    if let Ok(found) = images::look(&deployment.engine, state.private.prediction.as_ref()).await {
        state.private.images = images::ids(&found);
        state.private.image_facts = ImageFacts::of(&found);
    }
    show_images(deployment, state, containers).await;
}

/// What runs, in words, if the host tells; the state takes it over where the stack is the state's.
async fn look(
    deployment: &Deployment<'_>,
    apply: &mut Apply<StackResource>,
    standing: Standing,
) -> Option<String> {
    let held = held::look(deployment.site.executor(), &deployment.directory).await.ok()?;
    let containers = deployment.engine.containers(&deployment.inputs.name).await.ok()?;
    if let Some(state) = apply.state.as_mut().filter(|_| standing != Standing::Moving) {
        take(&mut state.model, &held, &containers);
        show_images(deployment, state, &containers).await;
    }
    Some(what_runs(&containers))
}

/// Takes over what the containers run, as it can be had again.
async fn show_images(
    deployment: &Deployment<'_>,
    state: &mut State<StackResource>,
    containers: &[Container],
) {
    let facts = state.private.image_facts.clone();
    if let Ok(facts) = facts.with_running(&deployment.engine, containers).await {
        state.model.image_digests = images::digests(&state.model, &facts, state.private.prediction.as_ref());
    }
}

/// Takes the stack down where it was. It runs in its new place already, so a machine that is gone
/// is worth a warning and no more.
async fn leave_old_machine(resource: &StackResource, cx: &Context, prior: State<StackResource>) {
    if destroy::is_abandoned(&prior.model) {
        return;
    }
    let name = prior.model.name().to_owned();
    let title = format!("Could not take compose stack {name:?} down on its old machine");
    let Err(failure) = destroy::take_down(resource, cx, &title, &prior).await else { return };
    let world = format!(
        "It runs on its new machine, and only that is recorded. If the old machine is gone, nothing is left to do; \
         else take the stack down there by `docker compose --project-name {name} down`."
    );
    for problem in failure.of_old_machine(&title, &world) {
        cx.warn(Diagnostic { severity: Severity::Warning, ..problem });
    }
}

/// Removes the shipped files from the directory where the stack was.
async fn leave_old_directory(cx: &Context, site: &Site, apply: &Apply<StackResource>, prior: &StackModel) {
    let now = apply.state.as_ref().and_then(|state| state.model.directory.known());
    let Some(old) = prior.directory.known().filter(|old| Some(*old) != now) else { return };
    if let Err(failure) = destroy::remove_files(site, old).await {
        let title = format!("Could not remove the files of compose stack {:?} from {old:?}", prior.name());
        for problem in failure.diagnostics(&title, "The stack runs from its new directory.") {
            cx.warn(Diagnostic { severity: Severity::Warning, ..problem });
        }
    }
}

fn inputs(title: &str, apply: &Apply<StackResource>) -> Result<Inputs, Diagnostics> {
    let inputs = Inputs::of(&apply.config)?;
    inputs.ok_or_else(|| {
        Diagnostic::bug(title, "Parts of the configuration are still unknown during apply.").into()
    })
}

async fn open(resource: &StackResource, title: &str, planned: &StackModel) -> Result<Site, Diagnostics> {
    let failed = |failure: Failure| failure.diagnostics(title, NOTHING);
    let reached = resource.hosts.reach(&planned.host).map_err(Failure::from).map_err(failed)?;
    let Some(host) = reached else {
        return Err(unknown_settings(title).into());
    };
    Site::open(host).await.map_err(failed)
}

/// Knows every secret that foreign words may repeat.
fn scrubber<'s>(resource: &StackResource, secrets: impl Iterator<Item = &'s Secret>) -> Scrubber {
    let settings = resource.hosts.settings();
    let registries = settings.iter().flat_map(|settings| settings.registries.iter());
    let passwords = registries.map(|registry| registry.password.clone());
    Scrubber::new(secrets.cloned().chain(passwords))
}
