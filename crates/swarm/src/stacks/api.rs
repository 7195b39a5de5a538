//! The calls of the Engine API that stacks are made of.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bollard::{
    auth::DockerCredentials,
    errors::Error as ApiError,
    models::{Config, ConfigSpec, NetworkCreateRequest, SecretSpec, ServiceCreateResponse, Task},
    query_parameters::{
        ListConfigsOptionsBuilder, ListNetworksOptionsBuilder, ListSecretsOptionsBuilder,
        ListTasksOptionsBuilder, UpdateConfigOptionsBuilder,
    },
};
use docker::Engine;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::{
    translate::LABEL_STACK,
    wanted::{FileKind, NewFile},
};
use crate::{
    Error,
    error::{CALL, failed, is_conflict, is_leaderless, said},
    spec::{ApiService as Service, Spec, update_call},
};

/// The Engine API of a manager.
#[derive(Clone, Debug)]
pub(super) struct Api {
    engine: Engine,
}

/// A network, secret or config: its id, name and labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) labels: HashMap<String, String>,
}

impl Api {
    pub(super) fn of(engine: Engine) -> Self {
        Self { engine: engine.within(CALL) }
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The services of a stack, or all, with how many of their tasks run.
    pub(super) async fn services(&self, stack: Option<&str>) -> Result<Vec<Service>, Error> {
        let filters = json!({"label": stack.map(of_stack).into_iter().collect::<Vec<_>>()}).to_string();
        let filters = utf8_percent_encode(&filters, NON_ALPHANUMERIC);
        let found = self.engine.ask(&format!("/services?status=true&filters={filters}")).await;
        found.map_err(|source| self.error("list the services of the swarm", source))
    }

    pub(super) async fn service(&self, id: &str) -> Result<Option<Service>, Error> {
        self.found(self.engine.ask(&format!("/services/{id}")).await, || format!("inspect the service {id}"))
    }

    /// The tasks of a stack that the swarm remembers.
    pub(super) async fn tasks(&self, stack: &str) -> Result<Vec<Task>, Error> {
        let label = of_stack(stack);
        let filters = HashMap::from([("label", vec![label.as_str()])]);
        let options = ListTasksOptionsBuilder::default().filters(&filters).build();
        let found = self.engine.api().list_tasks(Some(options)).await;
        found.map_err(|source| self.error("list the tasks of the stack", source))
    }

    pub(super) async fn create_service(
        &self,
        spec: &Spec,
        credentials: Option<DockerCredentials>,
    ) -> Result<String, Error> {
        let operation = format!("make the service {}", spec.name.clone().unwrap_or_default());
        let made = self.engine.tell::<ServiceCreateResponse>("/services/create", spec.whole(), credentials);
        let made = made.await.map_err(|source| self.error(&operation, source))?;
        Ok(made.id.unwrap_or_default())
    }

    /// Makes a service another one. Somebody who changed it in between is overruled.
    pub(super) async fn update_service(
        &self,
        id: &str,
        mut version: u64,
        spec: &Spec,
        credentials: Option<&DockerCredentials>,
    ) -> Result<(), Error> {
        let operation = format!("update the service {}", spec.name.clone().unwrap_or_default());
        for last in [false, true] {
            // Without credentials of its own, those of the spec stand.
            let call = update_call(id, version, credentials.is_none());
            let sent = self.engine.tell::<IgnoredAny>(&call, spec.whole(), credentials.cloned());
            match sent.await {
                Err(source) if !last && is_conflict(&source) => match self.service(id).await? {
                    Some(found) => version = version_of(&found),
                    None => return Err(self.error(&operation, source)),
                },
                done => return done.map(drop).map_err(|source| self.error(&operation, source)),
            }
        }
        Ok(())
    }

    pub(super) async fn remove_service(&self, id: &str) -> Result<(), Error> {
        self.gone(self.engine.api().delete_service(id).await, || format!("remove the service {id}"))
    }

    /// The networks of a stack, or all that a swarm has.
    pub(super) async fn networks(&self, stack: Option<&str>) -> Result<Vec<Object>, Error> {
        let label = stack.map(of_stack);
        let mut filters: HashMap<_, _> = label.iter().map(|label| ("label", vec![label.as_str()])).collect();
        filters.insert("scope", vec!["swarm"]);
        let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
        let found = self.engine.api().list_networks(Some(options)).await;
        let found = found.map_err(|source| self.error("list the networks of the swarm", source))?;
        let object = |network: bollard::models::Network| Object {
            id: network.id.unwrap_or_default(),
            name: network.name.unwrap_or_default(),
            labels: network.labels.unwrap_or_default(),
        };
        Ok(found.into_iter().map(object).collect())
    }

    pub(super) async fn create_network(&self, spec: NetworkCreateRequest) -> Result<(), Error> {
        let operation = format!("make the network {}", spec.name);
        let made = self.engine.api().create_network(spec).await;
        made.map(drop).map_err(|source| self.error(&operation, source))
    }

    /// Whether it is gone: what tasks still use stays for now.
    pub(super) async fn remove_network(&self, id: &str) -> Result<bool, Error> {
        match self.engine.api().remove_network(id).await {
            Ok(()) => Ok(true),
            Err(source) if is_absent(&source) => Ok(true),
            Err(source) if said(&source).is_some() => {
                tracing::debug!(network = id, %source, "a network stays for now");
                Ok(false)
            }
            Err(source) => Err(self.error(&format!("remove the network {id}"), source)),
        }
    }

    /// The secrets or configs of a stack, or all.
    pub(super) async fn files(&self, kind: FileKind, stack: Option<&str>) -> Result<Vec<Object>, Error> {
        let label = stack.map(of_stack);
        let filters: HashMap<_, _> = label.iter().map(|label| ("label", vec![label.as_str()])).collect();
        let operation = format!("list the {}s of the swarm", kind.word());
        match kind {
            FileKind::Secret => {
                let options = ListSecretsOptionsBuilder::default().filters(&filters).build();
                let found = self.engine.api().list_secrets(Some(options)).await;
                let found = found.map_err(|source| self.error(&operation, source))?;
                let object = |one: bollard::models::Secret| {
                    let spec = one.spec.unwrap_or_default();
                    Object {
                        id: one.id.unwrap_or_default(),
                        name: spec.name.unwrap_or_default(),
                        labels: spec.labels.unwrap_or_default(),
                    }
                };
                Ok(found.into_iter().map(object).collect())
            }
            FileKind::Config => {
                Ok(self.configs(&filters, &operation).await?.into_iter().map(object_of).collect())
            }
        }
    }

    /// The configs with this label.
    pub(super) async fn labelled_configs(&self, label: &str) -> Result<Vec<Config>, Error> {
        self.configs(&HashMap::from([("label", vec![label])]), "list the configs of the swarm").await
    }

    async fn configs(
        &self,
        filters: &HashMap<&str, Vec<&str>>,
        operation: &str,
    ) -> Result<Vec<Config>, Error> {
        let options = ListConfigsOptionsBuilder::default().filters(filters).build();
        let found = self.engine.api().list_configs(Some(options)).await;
        found.map_err(|source| self.error(operation, source))
    }

    /// Makes a secret or config and returns its id.
    pub(super) async fn create_file(
        &self,
        name: &str,
        file: &NewFile,
        content: &[u8],
    ) -> Result<String, Error> {
        let mut spec = file.spec.clone();
        spec["Name"] = Value::from(name);
        // A plug-in knows what is in it.
        if spec.get("Driver").is_none() {
            spec["Data"] = Value::from(STANDARD.encode(content));
        }
        let operation = format!("make the {} {name}", file.kind.word());
        let made = match file.kind {
            FileKind::Secret => self.engine.api().create_secret(parsed::<SecretSpec>(spec)).await,
            FileKind::Config => self.engine.api().create_config(parsed::<ConfigSpec>(spec)).await,
        };
        Ok(made.map_err(|source| self.error(&operation, source))?.id)
    }

    pub(super) async fn remove_file(&self, kind: FileKind, id: &str) -> Result<(), Error> {
        let done = match kind {
            FileKind::Secret => self.engine.api().delete_secret(id).await,
            FileKind::Config => self.engine.api().delete_config(id).await,
        };
        self.gone(done, || format!("remove the {} {id}", kind.word()))
    }

    /// Makes a config of our own; `None` where its name is taken.
    pub(super) async fn create_note(
        &self,
        name: &str,
        labels: HashMap<String, String>,
        data: &[u8],
    ) -> Result<Option<String>, Error> {
        let spec = ConfigSpec {
            name: Some(name.to_owned()),
            labels: Some(labels),
            data: Some(STANDARD.encode(data)),
            ..ConfigSpec::default()
        };
        match self.engine.api().create_config(spec).await {
            Ok(made) => Ok(Some(made.id)),
            Err(source) if said(&source).is_some_and(|(status, _)| status == 409) => Ok(None),
            Err(source) => Err(self.error(&format!("make the config {name}"), source)),
        }
    }

    pub(super) async fn config(&self, name: &str) -> Result<Option<Config>, Error> {
        self.found(self.engine.api().inspect_config(name).await, || format!("inspect the config {name}"))
    }

    /// Gives a config other labels; `false` where it is gone or was changed since.
    pub(super) async fn relabel(
        &self,
        config: &Config,
        labels: HashMap<String, String>,
    ) -> Result<bool, Error> {
        let id = config.id.clone().unwrap_or_default();
        let version = config.version.as_ref().and_then(|version| version.index).unwrap_or_default();
        let options =
            UpdateConfigOptionsBuilder::default().version(i64::try_from(version).unwrap_or(i64::MAX)).build();
        let spec = ConfigSpec { labels: Some(labels), ..config.spec.clone().unwrap_or_default() };
        match self.engine.api().update_config(&id, spec, options).await {
            Ok(()) => Ok(true),
            Err(source) if is_absent(&source) || is_conflict(&source) => Ok(false),
            Err(source) => Err(self.error(&format!("change the config {id}"), source)),
        }
    }

    /// What was asked for; `None` where it is not there.
    pub(super) fn found<T>(
        &self,
        found: Result<T, ApiError>,
        operation: impl Fn() -> String,
    ) -> Result<Option<T>, Error> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(source) if is_absent(&source) => Ok(None),
            Err(source) => Err(self.error(&operation(), source)),
        }
    }

    fn gone(&self, done: Result<(), ApiError>, operation: impl Fn() -> String) -> Result<(), Error> {
        self.found(done, operation).map(drop)
    }

    /// The error of a call that the swarm did not answer as it should.
    pub(super) fn error(&self, operation: &str, source: ApiError) -> Error {
        match said(&source) {
            Some((_, text)) if is_leaderless(text) => {
                Error::NoLeader { host: self.engine.host().to_owned(), said: text.to_owned() }
            }
            _ => failed(&self.engine, operation, source),
        }
    }
}

/// The data of a config.
pub(super) fn data_of(config: &Config) -> Vec<u8> {
    let data = config.spec.as_ref().and_then(|spec| spec.data.as_deref());
    STANDARD.decode(data.unwrap_or_default()).unwrap_or_default()
}

/// The labels of a config.
pub(super) fn labels_of(config: &Config) -> HashMap<String, String> {
    config.spec.as_ref().and_then(|spec| spec.labels.clone()).unwrap_or_default()
}

/// A version of an object; that of one that is changed is another one.
pub(super) fn version_of(service: &Service) -> u64 {
    service.version.as_ref().and_then(|version| version.index).unwrap_or_default()
}

fn object_of(config: Config) -> Object {
    let labels = labels_of(&config);
    let spec = config.spec.unwrap_or_default();
    Object { id: config.id.unwrap_or_default(), name: spec.name.unwrap_or_default(), labels }
}

/// What we have written ourselves in the form of the client; a field that it does not know is left out.
pub(super) fn parsed<T: serde::de::DeserializeOwned + Default>(spec: Value) -> T {
    serde_json::from_value(spec).unwrap_or_else(|error| {
        tracing::error!(%error, "a spec is none of the Engine API");
        T::default()
    })
}

fn of_stack(stack: &str) -> String {
    format!("{LABEL_STACK}={stack}")
}

pub(super) fn is_absent(error: &ApiError) -> bool {
    said(error).is_some_and(|(status, _)| status == 404)
}
