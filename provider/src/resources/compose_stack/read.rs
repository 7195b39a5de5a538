//! Finding out what became of a stack.

use std::collections::BTreeMap;

use compose::{
    overview,
    stack::{self, LABEL_SERVICE, is_of_service},
};
use docker::{
    Engine,
    engine::{Container, Image},
};
use framework::{Context, Diagnostic, Diagnostics, Field, Severity, State};

use super::{
    StackModel, StackPrivate, StackResource, TYPE,
    destroy::is_abandoned,
    failure::Failure,
    generation::Generation,
    held::{self, Held},
    images::{self, Abroad, ImageFacts},
    model::{KEEP_IMAGES, Orphans, ROLLBACK, Service},
    prediction::Prediction,
    site::Site,
};
use crate::hosts::{Host, import_id};

/// Looks at the stack: one list of containers, one command for everything that lies on the host.
pub(super) async fn read(
    resource: &StackResource,
    cx: &Context,
    state: State<StackResource>,
) -> Result<Option<State<StackResource>>, Diagnostics> {
    let (title, connection) = (title("read", &state.model), state.model.host.clone());
    let look = |host, state: State<StackResource>| async {
        let last_known = is_abandoned(&state.model).then(|| state.clone());
        match (refreshed(resource, cx, host, state).await, last_known) {
            (Err(failure), Some(last_known)) if failure.is_absence() && !resource.forgets() => {
                warn(cx, failure, &title);
                Ok(Some(last_known))
            }
            (found, _) => found.map_err(|failure| failure.for_read(&title, "Nothing was changed.")),
        }
    };
    resource.hosts.read(cx, &title, &connection, state, look).await
}

/// A host that is thrown away with its stack may be gone already.
fn warn(cx: &Context, failure: Failure, title: &str) {
    let world = "The last known state stands in, because `on_destroy` is \"abandon\".";
    for problem in failure.diagnostics(title, world) {
        cx.warn(Diagnostic { severity: Severity::Warning, ..problem });
    }
}

async fn refreshed(
    resource: &StackResource,
    cx: &Context,
    host: Host,
    mut state: State<StackResource>,
) -> Result<Option<State<StackResource>>, Failure> {
    let engine = resource.engines.engine(&host).await?;
    let (there, images) = match (state.model.directory.known(), &state.private.prediction) {
        (Some(directory), Some(prediction)) => {
            let there = found_in(&engine, &host, directory, state.model.name());
            tokio::try_join!(there, look_at_images(resource, &engine, &state.model, Some(prediction)))?
        }
        (directory, _) => {
            let there = match directory {
                Some(directory) => found_in(&engine, &host, directory, state.model.name()).await?,
                None => found_by_name(&engine, &host, &mut state.model).await?,
            };
            // An import remembers nothing, and a CLI forgets what belongs to a state when the
            // provider is killed in an apply; the host has kept what the last good apply was told.
            state.private.prediction = there.0.good.as_ref().and_then(Generation::remembered).cloned();
            let prediction = state.private.prediction.as_ref();
            let images = look_at_images(resource, &engine, &state.model, prediction).await?;
            (there, images)
        }
    };
    let ((held, containers), (found, abroad)) = (there, images);
    if is_gone(&held, &containers) {
        return Ok(None);
    }
    state.private.compose = resource.engines.compose_version(&host).await?.to_string();
    if state.private.machine_id.is_empty() {
        state.private.machine_id.clone_from(&held.machine_id);
    }
    take(&mut state.model, &held, &containers);
    state.private.images = images::ids(&found);
    state.private.image_facts = ImageFacts::of(&found).with_running(&engine, &containers).await?;
    if let Some(warning) = images::gone(state.model.name(), host.executor.name(), &abroad.gone) {
        cx.warn(warning);
    }
    state.private.image_facts.moved = abroad.moved;
    let private = &state.private;
    state.model.image_digests =
        images::digests(&state.model, &private.image_facts, private.prediction.as_ref());
    if state.model.on_failure.is_null() {
        // A state of before this attribute.
        state.model.on_failure = ROLLBACK.into();
    }
    Ok(Some(state))
}

/// Whether nothing is left. Files that we shipped are something: they are ours to remove.
fn is_gone(held: &Held, containers: &[Container]) -> bool {
    !held.is_ours() && !containers.iter().any(is_of_service)
}

/// What the host and the registries tell of the images of `prediction`.
async fn look_at_images(
    resource: &StackResource,
    engine: &Engine,
    model: &StackModel,
    prediction: Option<&Prediction>,
) -> Result<(BTreeMap<String, Image>, Abroad), Failure> {
    let found = images::look(engine, prediction).await?;
    let abroad = match model.pull.as_str() {
        Some("always") => images::abroad(resource, engine, prediction, &found).await,
        _ => Abroad::default(),
    };
    Ok((found, abroad))
}

/// What is in `directory`, and the containers of the project `name`.
async fn found_in(
    engine: &Engine,
    host: &Host,
    directory: &str,
    name: &str,
) -> Result<(Held, Vec<Container>), Failure> {
    let (held, containers) =
        tokio::join!(held::look(host.executor.as_ref(), directory), engine.containers(name));
    Ok((held?, containers?))
}

/// Where an imported stack is: Windlass's own files tell, else the labels of its containers.
async fn found_by_name(
    engine: &Engine,
    host: &Host,
    model: &mut StackModel,
) -> Result<(Held, Vec<Container>), Failure> {
    let containers = engine.containers(model.name()).await?;
    let directory = match containers.iter().find_map(overview::directory) {
        Some(directory) => directory,
        None => Site::open(host.clone()).await?.default_directory(model.name()),
    };
    let held = held::look(host.executor.as_ref(), &directory).await?;
    model.directory = Field::Known(directory);
    Ok((held, containers))
}

/// The one place where what is on a host becomes attributes.
pub(super) fn take(model: &mut StackModel, held: &Held, containers: &[Container]) {
    let record = held.record.as_ref();
    let mut services = stack::read(containers, record, held.key.as_ref(), Some(&held.seen()));
    if model.orphans() == Orphans::Stay {
        services.retain(|name, _| record.is_none_or(|record| record.names().any(|ours| ours == name)));
    }
    let services = services.iter().map(|(name, state)| (name.clone(), Service::of(state)));
    model.services = Field::Known(services.collect());
    model.source_hash = Field::from(held.source_hash());
    model.id = model.name.clone();
}

/// Adopts the stack that `id` names, also one that was started by hand.
pub(super) fn import(id: &str) -> Result<State<StackResource>, Diagnostics> {
    let title = format!("Could not import {TYPE} {id:?}");
    let (connection, name) = import_id(&title, id, "<connection>|<name of the project>")?;
    let model = StackModel {
        host: Field::Known(connection.to_string()),
        name: Field::Known(name),
        pull: "missing".into(),
        build: Field::Known(false),
        keep_images: Field::Known(KEEP_IMAGES),
        on_failure: ROLLBACK.into(),
        remove_orphans: Field::Known(true),
        remove_volumes_on_destroy: Field::Known(false),
        on_destroy: "down".into(),
        ..StackModel::default()
    };
    Ok(State { model, private: StackPrivate::default() })
}

/// What runs, in words: `app (healthy), db (stopped)`.
pub(super) fn what_runs(containers: &[Container]) -> String {
    let mut words: Vec<String> = containers
        .iter()
        .filter(|container| container.label(LABEL_SERVICE).is_some() && is_of_service(container))
        .map(|container| format!("{} ({})", container.name, condition(container)))
        .collect();
    words.sort();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

fn condition(container: &Container) -> String {
    use docker::engine::{Health, State as Live};
    match (container.state, container.health()) {
        (Live::Running, Some(Health::Healthy)) => "healthy".to_owned(),
        (Live::Running, Some(Health::Unhealthy)) => "unhealthy".to_owned(),
        (Live::Running, Some(Health::Starting)) => "starting".to_owned(),
        (Live::Exited, _) => format!("exited {}", container.status.exit_code.unwrap_or(-1)),
        (state, _) => format!("{state:?}").to_lowercase(),
    }
}

/// The title of a failed operation on the stack.
pub(super) fn title(operation: &str, model: &StackModel) -> String {
    format!("Could not {operation} compose stack {:?}", model.name())
}
