//! Finding out what became of a stack.

use std::collections::{BTreeMap, BTreeSet};

use docker::{
    Engine,
    engine::{Container, Image},
};
use framework::{Diagnostic, Field, State};
use stack::{
    CHANGED, DesiredStack, HostState, ImageFacts, Orphans, PullPolicy, RegistryStatus, Release,
    containers::is_of_service,
    differing_files, host_state,
    images::{self, registry_status, running_digests},
    key_for_unvouched, observe as observe_services, overview, seal,
};
use tree::Modes;

use super::{
    ChosenProject, ComposeStack,
    model::{MERGE, REFUSE, ROLLBACK, Service, StackModel, UNDEFINED_ERROR},
};
use crate::{
    failure::{Failure, changed, host_env_changed, linked, unreadable},
    hosted::{OnHost, OnMachine},
    registries,
};

type Resource = OnHost<ComposeStack>;

/// Looks at the stack: one list of containers, one command for everything that lies on the host.
pub(super) async fn observe(
    on: &OnMachine<'_>,
    mut state: State<Resource>,
) -> Result<Option<State<Resource>>, Failure> {
    let engine = on.host.engine().await?;
    // Compose takes its time to say its version: it says it meanwhile, and where the stack is gone nobody asks.
    let (looked, compose) = tokio::join!(look(on, &engine, &mut state), on.host.compose_version());
    let ((found, containers), (image_of, registries)) = looked?;
    if is_gone(&found, &containers) {
        return Ok(None);
    }
    if found.is_of_another(&state.private.instance) {
        on.cx.warn(taken_over(state.model.name(), on.host.name()));
        return Ok(None);
    }
    if let (true, Some(instance)) = (state.private.instance.is_empty(), &found.instance) {
        state.private.instance.clone_from(instance);
    }
    if let Some(directory) = state.model.directory.known() {
        let (stack, host) = (state.model.name(), on.host.name());
        if let Some(target) = &found.link {
            on.cx.warn(linked(stack, host, directory, target));
        }
        let differing = found.differing();
        if !differing.is_empty() {
            on.cx.warn(changed(stack, host, directory, &differing));
        }
        if !found.unknown.is_empty() {
            let paths: Vec<String> = found.unknown.iter().cloned().collect();
            on.cx.warn(unreadable(stack, host, directory, &paths));
        }
    }
    if let (Some((path, gone)), Some(directory)) = (found.other_host_env(), state.model.directory.known()) {
        on.cx.warn(host_env_changed(
            state.model.name(),
            on.host.name(),
            &format!("{directory}/{path}"),
            gone,
        ));
    }
    state.private.host_env.clone_from(&found.host_env);
    if state.model.host_env.is_null() {
        // An import, or a state of before this attribute.
        state.model.host_env = if found.host_env.is_some() { MERGE } else { REFUSE }.into();
    }
    state.private.compose = compose?.to_string();
    let key = key_for_unvouched(on.host.executor.as_ref(), &found, &containers).await;
    state.model.set_observed(&found, &containers, key.as_ref());
    state.private.differing = compared(on, &mut state.model, &found).await?;
    state.private.images = images::ids(&image_of);
    let facts = ImageFacts::of(&image_of).with_running(&engine, &containers).await?;
    if let Some(warning) = gone(state.model.name(), on.host.name(), &registries) {
        on.cx.warn(warning);
    }
    state.model.set_image_digests(&facts, state.private.desired.as_ref());
    state.private.image_facts = ImageFacts { moved: registries.moved, ..facts };
    if state.model.on_failure.is_null() {
        // A state of before this attribute.
        state.model.on_failure = ROLLBACK.into();
    }
    if state.model.undefined_variables.is_null() {
        state.model.undefined_variables = UNDEFINED_ERROR.into();
    }
    if state.model.file_modes.is_null() {
        state.model.file_modes = Modes::WORDS[0].into();
    }
    Ok(Some(state))
}

/// What lies on the host and what runs there, and what is known of its images.
type Looked = ((HostState, Vec<Container>), (BTreeMap<String, Image>, RegistryStatus));

/// Looks at all of that. Of a stack of which nothing is remembered
/// it takes over what the host remembers.
async fn look(on: &OnMachine<'_>, engine: &Engine, state: &mut State<Resource>) -> Result<Looked, Failure> {
    Ok(match (state.model.directory.known(), &state.private.desired) {
        (Some(directory), Some(desired)) => {
            let there = found_in(on, engine, directory, state.model.name());
            tokio::try_join!(there, inspect_images(on, engine, &state.model, Some(desired)))?
        }
        (directory, _) => {
            let there = match directory {
                Some(directory) => found_in(on, engine, directory, state.model.name()).await?,
                None => found_by_name(on, engine, &mut state.model).await?,
            };
            // An import remembers nothing, and a CLI forgets what belongs to a state when the
            // provider is killed in an apply; the host has kept what the last good apply was told.
            let release = there.0.release.as_ref();
            state.private.desired = release.and_then(Release::remembered).cloned();
            let project =
                |one: &Release| ChosenProject { files: one.files.clone(), profiles: one.profiles.clone() };
            state.private.project = state.private.project.take().or_else(|| release.map(project));
            let images = inspect_images(on, engine, &state.model, state.private.desired.as_ref()).await?;
            (there, images)
        }
    })
}

/// The files of this machine that are not on the host as they are here, where the stack was started by hand
/// and the state says from which files it is to be: then these tell what its `source_hash` is. That they
/// cannot be read is for the plan to tell.
async fn compared(
    on: &OnMachine<'_>,
    model: &mut StackModel,
    found: &HostState,
) -> Result<Option<BTreeSet<String>>, Failure> {
    let Some(directory) = model.directory.known().filter(|_| !found.is_ours()) else { return Ok(None) };
    let files = model.files().and_then(|files| model.files_spec_of(files));
    let Ok(Some((spec, _))) = files else { return Ok(None) };
    let differing = differing_files(&on.host.for_stacks().await?, &spec, directory).await?;
    model.source_hash = if differing.is_empty() { spec.source_hash() } else { CHANGED.to_owned() }.into();
    model.set_size(spec.source_size());
    Ok(Some(differing))
}

/// Whether nothing is left. Files that we shipped are something: they are ours to remove.
fn is_gone(found: &HostState, containers: &[Container]) -> bool {
    !found.is_ours() && !containers.iter().any(is_of_service)
}

/// What the host and the registries tell of the images of `desired`.
async fn inspect_images(
    on: &OnMachine<'_>,
    engine: &Engine,
    model: &StackModel,
    desired: Option<&DesiredStack>,
) -> Result<(BTreeMap<String, Image>, RegistryStatus), Failure> {
    let found = images::inspect(engine, desired).await?;
    let status = match model.pull_policy() {
        PullPolicy::Always => registry_status(&registries::known(on.hosts), engine, desired, &found).await,
        PullPolicy::Missing | PullPolicy::Never => RegistryStatus::default(),
    };
    Ok((found, status))
}

/// What is in `directory`, and the containers of the project `name`.
async fn found_in(
    on: &OnMachine<'_>,
    engine: &Engine,
    directory: &str,
    name: &str,
) -> Result<(HostState, Vec<Container>), Failure> {
    let (found, containers) = tokio::join!(
        host_state::inspect(on.host.executor.as_ref(), on.cx.token(), directory),
        engine.containers(name)
    );
    Ok((found?, containers?))
}

/// Where an imported stack is: Windlass's own files tell, else the labels of its containers.
async fn found_by_name(
    on: &OnMachine<'_>,
    engine: &Engine,
    model: &mut StackModel,
) -> Result<(HostState, Vec<Container>), Failure> {
    let containers = engine.containers(model.name()).await?;
    let directory = match containers.iter().find_map(overview::directory) {
        Some(directory) => directory,
        None => on.host.for_stacks().await?.default_directory(model.name()),
    };
    let found = host_state::inspect(on.host.executor.as_ref(), on.cx.token(), &directory).await?;
    model.directory = Field::Known(directory);
    Ok((found, containers))
}

impl StackModel {
    /// The one place where what is on a host becomes attributes. `key` stands in for secrets where nothing
    /// vouches for a service.
    pub(super) fn set_observed(
        &mut self,
        found: &HostState,
        containers: &[Container],
        key: Option<&stack::Key>,
    ) {
        let record = found.record.as_ref();
        let mut services = observe_services(containers, record, found.key.as_ref(), Some(&found.seen()));
        seal(&mut services, record, key);
        if self.orphans() == Orphans::Keep {
            services.retain(|name, _| record.is_none_or(|record| record.names().any(|ours| ours == name)));
        }
        let services = services.iter().map(|(name, observed)| (name.clone(), Service::of(&observed.into())));
        self.services = Field::Known(services.collect());
        self.source_hash = Field::from(found.source_hash());
        if let Some(size) = found.sent.as_ref().and_then(|sent| sent.size) {
            self.set_size(size);
        }
        self.id = self.name.clone();
    }

    /// `image_digests`: what the services run, as it can be had again.
    pub(super) fn set_image_digests(&mut self, facts: &ImageFacts, desired: Option<&DesiredStack>) {
        self.image_digests = Field::Known(running_digests(&self.observed(), facts, desired));
    }
}

/// The warning that what has this name by now is none of this state.
fn taken_over(name: &str, host: &str) -> Diagnostic {
    Diagnostic::warning(format!("Compose stack {name:?} is another one by now"))
        .detail(format!(
            "The stack that runs by this name on {host} is not the one that was recorded: that is gone, and another \
             configuration has made this one."
        ))
        .detail("The recorded one is dropped from the state. Nothing was changed on the host.")
        .detail("Give one of the two another name, or adopt what runs there by an import.")
}

/// The warning about images that are gone from their registries.
fn gone(name: &str, host: &str, status: &RegistryStatus) -> Option<Diagnostic> {
    if status.gone.is_empty() {
        return None;
    }
    let list = status.gone.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    Some(
        Diagnostic::warning(format!("Images of compose stack {name:?} are gone from their registry"))
            .detail(format!("Asked from {host}, their registry has nothing by these names any more: {list}."))
            .detail(
                "What runs is not touched by that, as long as the host has its images; a host without them, and one \
                 whose images were removed, cannot fetch them.",
            )
            .detail("Push them again, or name others in the Compose files or in `images`."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_reported_with_what_follows_from_it() {
        assert_eq!(gone("web", "root@web", &RegistryStatus::default()), None);
        let two = ["a.io/a:1", "b.io/b@sha256:1"].map(str::to_owned).into();
        let status = RegistryStatus { gone: two, ..RegistryStatus::default() };
        assert_eq!(
            gone("web", "root@web", &status).unwrap().to_string(),
            "Images of compose stack \"web\" are gone from their registry\n\
             Asked from root@web, their registry has nothing by these names any more: a.io/a:1, b.io/b@sha256:1.\n\n\
             What runs is not touched by that, as long as the host has its images; a host without them, and one whose \
             images were removed, cannot fetch them.\n\n\
             Push them again, or name others in the Compose files or in `images`."
        );
    }
}
