//! Plugins that a daemon runs: drivers of volumes and networks, each from a registry.
//!
//! Facts: the Engine API, `/plugins`, and how the daemon compares privileges
//! (`plugin/backend_linux.go` of moby).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    pin::pin,
};

use bollard::{
    models::{Plugin as Found, PluginPrivilege},
    query_parameters::{
        DisablePluginOptionsBuilder, EnablePluginOptionsBuilder, InstallPluginOptionsBuilder,
        ListVolumesOptionsBuilder,
    },
};
use futures_util::StreamExt as _;
use hyper::Method;
use serde::Deserialize;

use super::{ApiError, Container, ContainerSummary, Engine, images::credentials, not_found};
use crate::{
    Error,
    privileges::{Privileges, missing},
    registry::Registry,
};

/// How many seconds a plugin has to listen once it was started; the daemon's client waits as long.
const START_SECONDS: i32 = 30;

/// A plugin of a daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plugin {
    /// Its id, 64 hex digits.
    pub id: String,
    /// What it is called on the host, with a tag: `sshfs:latest`. Volumes name it as their driver.
    pub name: String,
    /// Where it comes from: `docker.io/vieux/sshfs:latest`.
    pub reference: String,
    /// Whether it runs.
    pub enabled: bool,
    /// Whether it is a driver of volumes.
    pub keeps_volumes: bool,
    /// What can be set, with the value it has: variables by their name, `args`, `<mount>.source` and
    /// `<device>.path`.
    pub settings: BTreeMap<String, String>,
    /// The same as its author has them.
    pub defaults: BTreeMap<String, String>,
}

impl Plugin {
    fn from_api(found: Found) -> Self {
        let (settings, config) = (found.settings, found.config);
        let source =
            |mount: &bollard::models::PluginMount| (format!("{}.source", mount.name), mount.source.clone());
        let path =
            |device: &bollard::models::PluginDevice| (format!("{}.path", device.name), device.path.clone());
        let variable = |text: &String| {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            (name.to_owned(), value.to_owned())
        };
        let mut now: BTreeMap<String, String> = settings.env.iter().map(variable).collect();
        now.extend(settings.mounts.iter().map(source));
        now.extend(settings.devices.iter().map(path));
        now.insert(ARGS.to_owned(), settings.args.join(" "));
        let mut defaults: BTreeMap<String, String> =
            config.env.into_iter().map(|variable| (variable.name, variable.value)).collect();
        defaults.extend(config.mounts.iter().map(source));
        defaults.extend(config.linux.devices.iter().map(path));
        defaults.insert(ARGS.to_owned(), config.args.value.join(" "));
        let keeps_volumes = config.interface.types.iter().any(|kind| kind.contains(VOLUME_DRIVER));
        Self {
            keeps_volumes,
            id: found.id.unwrap_or_default(),
            name: found.name,
            reference: found.plugin_reference.unwrap_or_default(),
            enabled: found.enabled,
            settings: now,
            defaults,
        }
    }
}

/// What a driver of volumes says that it is, before a slash and the version.
const VOLUME_DRIVER: &str = "docker.volumedriver";

/// The name of the setting that stands for a plugin's arguments.
const ARGS: &str = "args";

impl Engine {
    /// The plugin `name`; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer.
    pub async fn plugin(&self, name: &str) -> Result<Option<Plugin>, Error> {
        match self.docker.inspect_plugin(name).await {
            Ok(found) => Ok(Some(Plugin::from_api(found))),
            Err(source) if not_found(&source) => Ok(None),
            Err(source) => Err(self.error(&format!("inspect the plugin {name}"), source)),
        }
    }

    /// What the plugin `reference` asks for, with credentials where its registry asks for them.
    ///
    /// # Errors
    /// [`Error::Pull`] when the registry refuses or has no such plugin, [`Error::Engine`] when the
    /// daemon does not answer.
    pub async fn plugin_privileges(
        &self,
        reference: &str,
        registry: Option<&Registry>,
    ) -> Result<Privileges, Error> {
        Ok(gathered(&self.asked(reference, registry).await?))
    }

    /// Some daemons (26.1) say of a plugin that they cannot get that it asks for nothing.
    async fn expect_there(&self, reference: &str, registry: Option<&Registry>) -> Result<(), Error> {
        let found = self.registry_digest(reference, registry).await;
        found.map(drop).map_err(|source| self.pull_error(reference, source))
    }

    /// The call is our own, because bollard's (0.21) takes no credentials.
    async fn asked(
        &self,
        reference: &str,
        registry: Option<&Registry>,
    ) -> Result<Vec<PluginPrivilege>, Error> {
        let call = format!("/plugins/privileges?remote={reference}");
        let answer = self.requests.send(Method::GET, &call, credentials(registry), Vec::new()).await;
        let asked = answer.and_then(|text| Ok(serde_json::from_slice::<Option<_>>(&text)?));
        let asked: Vec<_> =
            asked.map(Option::unwrap_or_default).map_err(|source| self.pull_error(reference, source))?;
        if asked.is_empty() {
            self.expect_there(reference, registry).await?;
        }
        Ok(asked)
    }

    /// What is granted, as the daemon compares it: to the letter with what the plugin asks for.
    async fn grant(
        &self,
        reference: &str,
        granted: &Privileges,
        registry: Option<&Registry>,
    ) -> Result<Vec<PluginPrivilege>, Error> {
        let asked = self.asked(reference, registry).await?;
        let missing = missing(&gathered(&asked), granted);
        if missing.is_empty() {
            return Ok(asked);
        }
        Err(Error::NotGranted { host: self.host.clone(), reference: reference.to_owned(), missing })
    }

    /// Fetches the plugin `reference` and calls it `name`. It does not run yet.
    ///
    /// # Errors
    /// [`Error::NotGranted`] when the plugin asks for more, [`Error::Pull`] when the registry or the
    /// daemon refuses, [`Error::Engine`] when the daemon does not answer.
    pub async fn install_plugin(
        &self,
        reference: &str,
        name: &str,
        granted: &Privileges,
        registry: Option<&Registry>,
    ) -> Result<(), Error> {
        let granted = self.grant(reference, granted, registry).await?;
        let options = InstallPluginOptionsBuilder::default().remote(reference).name(name).build();
        let mut progress = pin!(self.docker.install_plugin(options, granted, credentials(registry)));
        while let Some(step) = progress.next().await {
            step.map_err(|source| self.pull_error(reference, source))?;
        }
        Ok(())
    }

    /// Makes the plugin `name`, which does not run, the one that `reference` stands for now. Its
    /// settings stay.
    ///
    /// # Errors
    /// As [`Engine::install_plugin`].
    pub async fn upgrade_plugin(
        &self,
        name: &str,
        reference: &str,
        granted: &Privileges,
        registry: Option<&Registry>,
    ) -> Result<(), Error> {
        let granted = self.grant(reference, granted, registry).await?;
        // The call is our own: bollard's (0.21) does not wait for the end of the answer, and the daemon
        // takes that for a cancellation.
        let call = format!("/plugins/{name}/upgrade?remote={reference}");
        let upgraded = async {
            let body = serde_json::to_vec(&granted)?;
            let answer = self.requests.send(Method::POST, &call, credentials(registry), body).await?;
            match failure_in(&answer) {
                Some(error) => Err(ApiError::DockerStreamError { error }),
                None => Ok(()),
            }
        };
        upgraded.await.map_err(|source| self.pull_error(reference, source))
    }

    /// Sets what a plugin that does not run is set to, as [`Plugin::settings`] names it.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon refuses: there is no such setting, or it is not for users.
    pub async fn set_plugin(&self, name: &str, settings: &BTreeMap<String, String>) -> Result<(), Error> {
        let words = settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let set = self.docker.set_plugin_config(name, words).await;
        set.map_err(|source| self.error(&format!("set the plugin {name}"), source))
    }

    /// Starts the plugin.
    ///
    /// # Errors
    /// [`Error::Engine`] when it does not come up.
    pub async fn enable_plugin(&self, name: &str) -> Result<(), Error> {
        let options = EnablePluginOptionsBuilder::default().timeout(START_SECONDS).build();
        let enabled = self.docker.enable_plugin(name, Some(options)).await;
        enabled.map_err(|source| self.error(&format!("start the plugin {name}"), source))
    }

    /// Stops the plugin. The daemon takes every volume that a driver keeps, mounted or not, for a use of
    /// it, and stops it then only by `force`.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not do it.
    pub async fn disable_plugin(&self, name: &str, force: bool) -> Result<(), Error> {
        let options = DisablePluginOptionsBuilder::default().force(force).build();
        let disabled = self.docker.disable_plugin(name, Some(options)).await;
        disabled.map_err(|source| self.error(&format!("stop the plugin {name}"), source))
    }

    /// Removes the plugin, which does not run. One that is gone already is no error.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not do it.
    pub async fn remove_plugin(&self, name: &str) -> Result<(), Error> {
        // The call is our own, because bollard (0.21) waits for a text that the daemon does not send.
        match self.requests.send(Method::DELETE, &format!("/plugins/{name}"), None, Vec::new()).await {
            Err(source) if !not_found(&source) => {
                Err(self.error(&format!("remove the plugin {name}"), source))
            }
            _ => Ok(()),
        }
    }

    /// The containers that have mounted, or will, what one of these drivers keeps.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer.
    pub async fn containers_of_driver(&self, drivers: &[&str]) -> Result<Vec<Container>, Error> {
        let mounts = |one: &ContainerSummary| {
            one.mounts
                .iter()
                .flatten()
                .any(|mount| mount.driver.as_deref().is_some_and(|driver| drivers.contains(&driver)))
        };
        let found = self.summaries(HashMap::new()).await?;
        Ok(found.iter().filter(|one| mounts(one)).map(Container::from_summary).collect())
    }

    /// The volumes that a driver keeps, sorted.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer.
    pub async fn volumes_of_driver(&self, driver: &str) -> Result<BTreeSet<String>, Error> {
        let filters = HashMap::from([("driver", vec![driver])]);
        let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
        let found = self.docker.list_volumes(Some(options)).await;
        let found = found.map_err(|source| self.error("list volumes", source))?;
        Ok(found.volumes.into_iter().flatten().map(|volume| volume.name).collect())
    }
}

/// What went wrong, in the steps that the daemon has told: JSON values one after the other.
fn failure_in(steps: &[u8]) -> Option<String> {
    let steps = serde_json::Deserializer::from_slice(steps).into_iter::<Step>();
    steps.filter_map(Result::ok).find_map(|step| step.error)
}

#[derive(Deserialize)]
struct Step {
    error: Option<String>,
}

/// Privileges by their kinds.
fn gathered(asked: &[PluginPrivilege]) -> Privileges {
    let mut all = Privileges::new();
    for one in asked {
        let values = one.value.iter().flatten().cloned();
        all.entry(one.name.clone().unwrap_or_default()).or_default().extend(values);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn privileges_are_gathered_by_kind() {
        let asked = |name: &str, values: &[&str]| PluginPrivilege {
            name: Some(name.into()),
            value: Some(values.iter().map(|value| (*value).to_owned()).collect()),
            description: None,
        };
        let all =
            [asked("mount", &["/a"]), asked("capabilities", &["CAP_B", "CAP_A"]), asked("mount", &["/b"])];
        let gathered = gathered(&all);
        assert_eq!(gathered["mount"], BTreeSet::from(["/a".to_owned(), "/b".to_owned()]));
        assert_eq!(gathered["capabilities"].len(), 2);
    }

    #[test]
    fn a_step_that_failed_is_found() {
        let steps = "{\"status\":\"Pulling\"}\r\n{\"errorDetail\":{\"message\":\"no\"},\"error\":\"no\"}\r\n";
        assert_eq!(failure_in(steps.as_bytes()).as_deref(), Some("no"));
        assert_eq!(failure_in(b"{\"status\":\"Pulling\"}\r\n"), None);
        assert_eq!(failure_in(b""), None);
    }

    #[test]
    fn reads_a_plugin() {
        // Cut down from GET /plugins/…/json of Docker 26.1.5.
        let json = r#"{"Id":"6f","Name":"vol:latest","Enabled":true,
            "Settings":{"Mounts":[{"Name":"data","Description":"","Settable":["source"],"Source":"/srv","Destination":"/d",
                "Type":"bind","Options":["rbind"]}],"Env":["TOKEN=a=b"],"Args":["-v","1"],"Devices":[]},
            "PluginReference":"r:5000/vol:1",
            "Config":{"DockerVersion":"26","Description":"d","Documentation":"","Interface":{"Types":
                ["docker.volumedriver/1.0"],"Socket":"p.sock"},"Entrypoint":["/p"],"WorkDir":"",
                "Network":{"Type":"none"},"Linux":{"Capabilities":[],"AllowAllDevices":false,"Devices":[]},
                "PropagatedMount":"","IpcHost":false,"PidHost":false,"Mounts":[{"Name":"data","Description":"",
                "Settable":["source"],"Source":"/var","Destination":"/d","Type":"bind","Options":["rbind"]}],
                "Env":[{"Name":"TOKEN","Description":"","Settable":["value"],"Value":""}],
                "Args":{"Name":"","Description":"","Settable":null,"Value":[]}}}"#;
        let plugin = Plugin::from_api(serde_json::from_str(json).unwrap());
        let settings = |all: [(&str, &str); 3]| {
            all.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect::<BTreeMap<_, _>>()
        };
        assert_eq!(plugin.settings, settings([("TOKEN", "a=b"), ("args", "-v 1"), ("data.source", "/srv")]));
        assert_eq!(plugin.defaults, settings([("TOKEN", ""), ("args", ""), ("data.source", "/var")]));
        assert_eq!((plugin.name.as_str(), plugin.enabled, plugin.keeps_volumes), ("vol:latest", true, true));
    }
}
