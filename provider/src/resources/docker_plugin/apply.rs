//! How a plugin is fetched, set up, started and removed.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use docker::{
    engine::{Engine, Plugin, State as Run},
    registry::for_image,
};
use framework::{Apply, Diagnostics, Field, Plan, Schema, State};

use super::{
    DockerPlugin, PluginPrivate,
    model::{PluginModel, is_same_reference},
    plan, schema,
};
use crate::{
    docker_objects::{name_taken, named},
    failure::{Explain as _, Failure, Stop, as_warning},
    hosted::{Hosted, Import, OnHost, OnMachine, Planning, Words, is_same_connection},
    registries,
};

/// What the world looks like when something failed behind the installation.
const INSTALLED: &str = "The plugin is on the host; it is not set up, or does not run.";
/// The same when a change failed while it was stopped.
const STOPPED: &str = "The plugin was stopped for the change, and it could not be started again.";

type Resource = OnHost<DockerPlugin>;

#[async_trait]
impl Hosted for DockerPlugin {
    type Model = PluginModel;
    type Private = PluginPrivate;

    const TYPE: &'static str = "windlass_docker_plugin";
    const HOST: &'static str = "Another connection to the same machine changes nothing; another machine is a move: the \
         plugin is installed there first, then removed here, unless volumes of its driver are there.";
    const WORDS: Words = Words {
        create: "install",
        remains: "The plugin is still there.",
        relocated: "The plugin is in its new place",
        ..Words::USUAL
    };

    fn schema() -> Schema {
        schema::schema()
    }

    fn subject(model: &PluginModel) -> String {
        format!("docker plugin {:?}", model.shown())
    }

    fn import() -> Import<PluginModel> {
        let model = |host: String, name: String| PluginModel {
            host: Field::Known(host),
            name: Field::Known(name),
            ..PluginModel::default()
        };
        Import::ByName { what: "name of the plugin", model }
    }

    async fn plan(on: &Planning<'_>, plan: &mut Plan<Resource>) -> Result<(), Diagnostics> {
        plan::plan(on, plan).await
    }

    fn needs_host(prior: &State<Resource>, apply: &Apply<Resource>) -> bool {
        let planned = &apply.planned;
        !is_same_connection(&prior.model.host, &planned.host)
            || (&prior.model.reference, &prior.model.settings, &prior.model.settings_wo_version)
                != (&planned.reference, &planned.settings, &planned.settings_wo_version)
            || prior.model.enabled != planned.enabled
    }

    async fn observe(
        on: &OnMachine<'_>,
        mut state: State<Resource>,
    ) -> Result<Option<State<Resource>>, Failure> {
        let Some(found) = on.host.engine().await?.plugin(&state.model.shown()).await? else {
            return Ok(None);
        };
        if state.model.reference.is_null() && !is_same_reference(&found.name, &found.reference) {
            // One that was imported under another name has an alias.
            let alias = found.name.strip_suffix(":latest").unwrap_or(&found.name);
            state.model.alias = Field::Known(alias.to_owned());
        }
        state.model.set_observed(&found, &state.private.told);
        state.private.told = found.reference;
        Ok(Some(state))
    }

    /// One of that name is somebody's.
    async fn expect_vacant(
        on: &OnMachine<'_>,
        planned: &PluginModel,
        _config: &PluginModel,
    ) -> Result<(), Failure> {
        let Some(name) = planned.local_name() else { return Ok(()) };
        let decides = if planned.alias.is_null() { "reference" } else { "alias" };
        match on.host.engine().await?.plugin(&name).await? {
            Some(_) => Err(name_taken("plugin", on, &name, decides)),
            None => Ok(()),
        }
    }

    async fn create(on: &OnMachine<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
        let (engine, name) = (on.host.engine().await?, apply.planned.local_name().unwrap_or_default());
        Self::expect_vacant(on, &apply.planned, &apply.config).await?;
        let reference = apply.planned.reference();
        let known = registries::known(on.hosts);
        let registry = for_image(&known, reference);
        engine.install_plugin(reference, &name, &apply.planned.granted(), registry).await?;
        let found = installed(&engine, &name).await?;
        // From here on it is there: whatever fails below, it is recorded.
        record(on, apply, &found);
        set_up(&engine, apply, &found).await.with_world(INSTALLED)?;
        let found = installed(&engine, &name).await.with_world(INSTALLED)?;
        record(on, apply, &found);
        Ok(())
    }

    async fn update(
        on: &OnMachine<'_>,
        prior: State<Resource>,
        apply: &mut Apply<Resource>,
    ) -> Result<(), Failure> {
        let (engine, name) = (on.host.engine().await?, prior.model.shown());
        let Some(found) = engine.plugin(&name).await? else { return Self::create(on, apply).await };
        let upgrades = !is_same_reference(prior.model.reference(), apply.planned.reference());
        let settings = apply.planned.to_set(&apply.config, &found);
        if !upgrades {
            check_settings(&apply.planned, &settings, &found)?;
        }
        let stops = found.enabled && (upgrades || !settings.is_empty() || !apply.planned.enabled.is_true());
        if stops {
            stop(on, &engine, &found).await?;
        }
        let stopped = Plugin { enabled: found.enabled && !stops, ..found.clone() };
        if let Err(failure) = change(on, &engine, apply, &stopped, upgrades).await {
            if let Err(failure) = go_back(&engine, &found).await {
                let title = format!("Could not take back the change of {}", Self::subject(&prior.model));
                let problems = failure.into_diagnostics(&title, STOPPED);
                problems.into_iter().for_each(|one| on.cx.warn(as_warning(one)));
            }
            return Err(failure);
        }
        let found = installed(&engine, &name).await?;
        record(on, apply, &found);
        Ok(())
    }

    /// Removes it; one whose volumes are there stays.
    async fn delete(on: &OnMachine<'_>, state: &State<Resource>) -> Result<(), Failure> {
        let (engine, name) = (on.host.engine().await?, state.model.shown());
        let Some(found) = engine.plugin(&name).await? else { return Ok(()) };
        let volumes = volumes_of(&engine, &found.name).await?;
        if !volumes.is_empty() {
            return Err(in_use(on, volumes).into());
        }
        if found.enabled {
            stop(on, &engine, &found).await?;
        }
        Ok(engine.remove_plugin(&name).await?)
    }
}

/// Records what is planned as it is on the host now.
fn record(on: &OnMachine<'_>, apply: &mut Apply<Resource>, found: &Plugin) {
    let mut model = apply.planned.clone();
    model.set_observed(found, &found.reference);
    on.record(apply, model, PluginPrivate { told: found.reference.clone(), ..PluginPrivate::default() });
}

/// Upgrades a plugin that does not run if it has to, then sets it up.
async fn change(
    on: &OnMachine<'_>,
    engine: &Engine,
    apply: &Apply<Resource>,
    found: &Plugin,
    upgrades: bool,
) -> Result<(), Failure> {
    if !upgrades {
        return set_up(engine, apply, found).await;
    }
    let reference = apply.planned.reference();
    let known = registries::known(on.hosts);
    let registry = for_image(&known, reference);
    engine.upgrade_plugin(&found.name, reference, &apply.planned.granted(), registry).await?;
    set_up(engine, apply, &installed(engine, &found.name).await?).await
}

/// Sets a plugin as planned, and starts it if it shall run and does not yet.
async fn set_up(engine: &Engine, apply: &Apply<Resource>, found: &Plugin) -> Result<(), Failure> {
    let settings = apply.planned.to_set(&apply.config, found);
    check_settings(&apply.planned, &settings, found)?;
    if !settings.is_empty() {
        engine.set_plugin(&found.name, &settings).await?;
    }
    if apply.planned.enabled.is_true() && !found.enabled {
        engine.enable_plugin(&found.name).await?;
    }
    Ok(())
}

/// Refuses settings that the plugin does not have.
fn check_settings(
    planned: &PluginModel,
    settings: &BTreeMap<String, String>,
    found: &Plugin,
) -> Result<(), Failure> {
    let Some(unknown) = settings.keys().find(|key| !found.settings.contains_key(*key)) else {
        return Ok(());
    };
    let known = found.settings.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let happened = format!("The plugin has no setting {unknown:?}; it has: {known}.");
    let is_shown = planned.settings.known().is_some_and(|settings| settings.contains_key(unknown));
    let attribute = if is_shown { "settings" } else { "settings_wo" };
    Err(Stop::new(happened, "Correct the name, or take it out.").at(attribute).into())
}

/// Sets a plugin that could not be changed to what it was before: the daemon takes settings one by one.
/// It runs again, if it did.
async fn go_back(engine: &Engine, before: &Plugin) -> Result<(), Failure> {
    let mut changed = before.settings.clone();
    if let Some(now) = engine.plugin(&before.name).await? {
        changed.retain(|key, value| now.settings.get(key).is_some_and(|now| now != value));
    }
    if !changed.is_empty() {
        engine.set_plugin(&before.name, &changed).await?;
    }
    if before.enabled {
        engine.enable_plugin(&before.name).await?;
    }
    Ok(())
}

async fn installed(engine: &Engine, name: &str) -> Result<Plugin, Failure> {
    let found = engine.plugin(name).await?;
    found.ok_or_else(|| {
        Stop::new(
            "It was there, but a moment later it was gone.",
            "Find out what removes it, then apply again.",
        )
        .into()
    })
}

/// Stops it, unless a volume of its driver is mounted. The daemon itself counts every volume that there
/// is as a use.
async fn stop(on: &OnMachine<'_>, engine: &Engine, found: &Plugin) -> Result<(), Failure> {
    let mut users = engine.containers_of_driver(&names(&found.name)).await?;
    users.retain(|one| matches!(one.state, Run::Running | Run::Paused | Run::Restarting));
    if !users.is_empty() {
        let happened = format!(
            "It has to be stopped for a moment, and containers on {} use its volumes: {}.",
            on.host.name(),
            named(&users)
        );
        let next = "Stop them (services of a swarm are scaled to 0), then apply again.";
        return Err(Stop::new(happened, next)).with_world("The plugin runs as it did before.");
    }
    Ok(engine.disable_plugin(&found.name, found.keeps_volumes).await?)
}

/// The names that volumes may have it by: with and without the tag that goes without saying.
fn names(name: &str) -> Vec<&str> {
    [Some(name), name.strip_suffix(":latest")].into_iter().flatten().collect()
}

/// The volumes of its driver.
async fn volumes_of(engine: &Engine, name: &str) -> Result<BTreeSet<String>, Failure> {
    let mut volumes = BTreeSet::new();
    for driver in names(name) {
        volumes.extend(engine.volumes_of_driver(driver).await?);
    }
    Ok(volumes)
}

fn in_use(on: &OnMachine<'_>, volumes: BTreeSet<String>) -> Stop {
    let volumes: Vec<String> = volumes.into_iter().collect();
    Stop::new(
        format!("Volumes on {} are kept by it: {}.", on.host.name(), volumes.join(", ")),
        "Remove the volumes that nobody needs any more, then run the same command again.",
    )
}
