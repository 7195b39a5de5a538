//! The Engine API of a host, over whatever [`Executor`] reaches it.
//!
//! bollard speaks the API; the bytes go through `transport`: a stream to the daemon's socket
//! or, where that is refused, through `docker system dial-stdio`. Nothing here follows a stream
//! (logs, events) for longer than one call, because a stream that nobody reads would hold up
//! everything else on the connection.

mod addresses;
mod diagnose;
mod images;
mod logs;
mod model;
mod networks;
mod plugins;
mod push;
mod status;
mod tasks;
mod transport;
mod volumes;

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bollard::{
    Docker,
    auth::DockerCredentials,
    errors::Error as ApiError,
    models::ContainerSummary,
    query_parameters::{
        CreateImageOptionsBuilder, InspectContainerOptions, ListContainersOptionsBuilder,
        ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder, RestartContainerOptions,
        StopContainerOptions, TagImageOptionsBuilder,
    },
};
use futures_util::StreamExt;
use hyper::Method;
use remote::Executor;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use addresses::{AddressPool, free_ranges};
pub use diagnose::Finding;
pub use images::{Answer, credentials};
pub use logs::LogPart;
pub use model::{Container, EngineVersion, Image, Port, Run, State};
pub use networks::{Network, NetworkSpec, Subnet};
pub use plugins::Plugin;
pub use status::{Health, StatusText};
pub use tasks::ServiceNodes;
pub use transport::Route;
pub use volumes::{Volume, VolumeSpec};

use crate::{
    Cli, Error,
    registry::{self, Registry},
};

/// How long the daemon may take to begin an answer. Some calls of a swarm in trouble need 20 s
/// before they fail, a pull from a registry that does not answer longer.
const CALL_TIMEOUT: Duration = Duration::from_secs(120);

/// Label of every container of a Compose project: the project's name.
pub const LABEL_PROJECT: &str = "com.docker.compose.project";

/// The Engine of one host. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Engine {
    docker: Docker,
    requests: Arc<transport::Requests>,
    host: String,
    socket: String,
    route: Route,
    version: EngineVersion,
}

impl Engine {
    /// Finds a way to the daemon behind the socket of `cli`, by which it is reached where the socket
    /// itself is not to be had, and agrees on an API version with it.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::NotRunning`], [`Error::Permission`] or
    /// [`Error::Podman`] where that is what stands in the way; [`Error::Remote`] where the host
    /// itself cannot be reached.
    pub async fn connect(executor: Arc<dyn Executor>, cli: &Cli) -> Result<Self, Error> {
        let host = executor.name().to_owned();
        let route = transport::find_route(executor.as_ref(), cli).await?;
        let spoken = Arc::new(OnceLock::new());
        let clients = transport::client(executor.clone(), cli, route, CALL_TIMEOUT, spoken.clone());
        let (docker, requests) = clients.map_err(|source| Error::Engine {
            host: host.clone(),
            operation: "be asked".to_owned(),
            source,
        })?;
        let found = match docker.version().await {
            Ok(found) => found,
            Err(source) => return Err(diagnose::why(executor.as_ref(), cli, source).await),
        };
        let version = EngineVersion::from_api(&found);
        if version.podman {
            return Err(Error::Podman { host, socket: cli.socket.clone() });
        }
        if let Some(common) = transport::common_version(&version.api) {
            spoken.get_or_init(|| common);
        }
        Ok(Self { docker, requests: Arc::new(requests), host, socket: cli.socket.clone(), route, version })
    }

    /// The daemon's version, as it was when the connection was made.
    pub fn version(&self) -> &EngineVersion {
        &self.version
    }

    /// How the daemon is reached.
    pub fn route(&self) -> Route {
        self.route
    }

    /// The socket of the daemon on the host.
    pub fn socket(&self) -> &str {
        &self.socket
    }

    /// The host of the daemon in words, for messages.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The same daemon, where a call fails that has no answer after `limit`.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Self {
        Self { docker: self.docker.clone().with_timeout(limit), ..self.clone() }
    }

    /// The client, for the parts of the API that crates above this one know: swarms.
    pub fn api(&self) -> &Docker {
        &self.docker
    }

    /// What the daemon answers to `call`, a path with its query and without a version, as it is: the types
    /// of the client leave out what they do not know.
    ///
    /// # Errors
    /// As the calls of the client.
    pub async fn ask<T: DeserializeOwned>(&self, call: &str) -> Result<T, ApiError> {
        let answer = self.in_time(self.requests.send(Method::GET, call, None, Vec::new())).await?;
        Ok(serde_json::from_slice(&answer)?)
    }

    /// The same of a call that changes something by `body`, where a registry may be needed.
    ///
    /// # Errors
    /// As [`Engine::ask`].
    pub async fn tell<T: DeserializeOwned>(
        &self,
        call: &str,
        body: &Value,
        registry: Option<DockerCredentials>,
    ) -> Result<T, ApiError> {
        let body = serde_json::to_vec(body)?;
        let answer = self.in_time(self.requests.send(Method::POST, call, registry, body)).await?;
        Ok(serde_json::from_slice(&answer)?)
    }

    /// An answer, unless it takes longer than calls of the client may.
    async fn in_time<T>(&self, answer: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
        let answered = tokio::time::timeout(self.docker.timeout(), answer).await;
        answered.unwrap_or(Err(ApiError::RequestTimeoutError))
    }

    /// The error of such a call: `operation` is what was asked of the daemon, as a verb phrase.
    pub fn failed(&self, operation: &str, source: ApiError) -> Error {
        self.error(operation, source)
    }

    /// Whether the daemon answers.
    ///
    /// # Errors
    /// [`Error::Engine`] when it does not.
    pub async fn ping(&self) -> Result<(), Error> {
        self.docker.ping().await.map(drop).map_err(|source| self.error("answer", source))
    }

    /// Every container of the Compose project `project`, one-offs and stopped ones included, in
    /// one call.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer.
    pub async fn containers(&self, project: &str) -> Result<Vec<Container>, Error> {
        let label = of_project(project);
        self.list(HashMap::from([("label", vec![label.as_str()])])).await
    }

    /// Every container of any Compose project on the host.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer.
    pub async fn all_projects(&self) -> Result<Vec<Container>, Error> {
        self.list(HashMap::from([("label", vec![LABEL_PROJECT])])).await
    }

    /// The container `name`; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer.
    pub async fn container(&self, name: &str) -> Result<Option<Container>, Error> {
        // The daemon takes the name for a pattern, so what it finds is looked at once more.
        let found = self.list(HashMap::from([("name", vec![name])])).await?;
        Ok(found.into_iter().find(|container| container.name == name))
    }

    /// Every container, also ones that do not run, that was made from the image `id` itself.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer.
    pub async fn containers_of_image(&self, id: &str) -> Result<Vec<Container>, Error> {
        // The daemon finds those of images that were built on it as well.
        let mut found = self.list(HashMap::from([("ancestor", vec![id])])).await?;
        found.retain(|container| container.image_id == id);
        Ok(found)
    }

    /// Every container of any kind that `filters` let through, by name.
    async fn list(&self, filters: HashMap<&str, Vec<&str>>) -> Result<Vec<Container>, Error> {
        let found = self.summaries(filters).await?;
        let mut containers: Vec<_> = found.iter().map(Container::from_summary).collect();
        containers.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(containers)
    }

    async fn summaries(&self, filters: HashMap<&str, Vec<&str>>) -> Result<Vec<ContainerSummary>, Error> {
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let found = self.docker.list_containers(Some(options)).await;
        found.map_err(|source| self.error("list containers", source))
    }

    /// How the container's current run is going; `None` when there is no such container (any more).
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer.
    pub async fn run(&self, id: &str) -> Result<Option<Run>, Error> {
        match self.docker.inspect_container(id, None::<InspectContainerOptions>).await {
            Ok(found) => Ok(Some(Run::from_inspect(&found))),
            Err(source) if not_found(&source) => Ok(None),
            Err(source) => Err(self.error("inspect a container", source)),
        }
    }

    /// The image behind `reference` (name, tag, digest or id) as the host has it now; `None` when
    /// the host does not have it.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer.
    pub async fn image(&self, reference: &str) -> Result<Option<Image>, Error> {
        match self.docker.inspect_image(reference).await {
            Ok(found) => Ok(Some(Image::from_inspect(&found))),
            Err(source) if not_found(&source) => Ok(None),
            Err(source) => Err(self.error("inspect an image", source)),
        }
    }

    /// Fetches the image `reference` for `platform` (empty for the host's own), with credentials
    /// where its registry asks for them, and returns it as the host has it then.
    ///
    /// # Errors
    /// [`Error::Pull`] when the registry or the daemon refuses, [`Error::Engine`] when the daemon
    /// does not answer.
    pub async fn pull(
        &self,
        reference: &str,
        platform: &str,
        registry: Option<&Registry>,
    ) -> Result<Image, Error> {
        let reference = registry::with_tag(reference);
        let options = CreateImageOptionsBuilder::default().from_image(&reference).platform(platform).build();
        let mut progress = pin!(self.docker.create_image(Some(options), None, images::credentials(registry)));
        while let Some(step) = progress.next().await {
            step.map_err(|source| self.pull_error(&reference, source))?;
        }
        let found = self.image(&reference).await?;
        found.ok_or_else(|| Error::Pull {
            host: self.host.clone(),
            reference,
            reason: "the host does not have it after it was fetched".to_owned(),
        })
    }

    fn pull_error(&self, reference: &str, source: ApiError) -> Error {
        let reason = match source {
            ApiError::DockerResponseServerError { message, .. } => message,
            ApiError::DockerStreamError { error } => error,
            other => return self.error("pull an image", other),
        };
        Error::Pull { host: self.host.clone(), reference: reference.to_owned(), reason }
    }

    /// Makes `reference` (name and tag; without a tag `latest` is meant) mean the image `id`, which
    /// the host has.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not do it.
    pub async fn tag(&self, id: &str, reference: &str) -> Result<(), Error> {
        let (name, tag) = registry::name_and_tag(reference);
        let options = TagImageOptionsBuilder::default().repo(name).tag(tag).build();
        let done = self.docker.tag_image(id, Some(options)).await;
        done.map_err(|source| self.error("tag an image", source))
    }

    /// The names of the volumes of the Compose project `project`.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer.
    pub async fn volumes(&self, project: &str) -> Result<Vec<String>, Error> {
        let label = of_project(project);
        let filters = HashMap::from([("label", vec![label.as_str()])]);
        let options = ListVolumesOptionsBuilder::default().filters(&filters).build();
        let found = self.docker.list_volumes(Some(options)).await;
        let found = found.map_err(|source| self.error("list volumes", source))?;
        let mut names: Vec<String> = found.volumes.into_iter().flatten().map(|volume| volume.name).collect();
        names.sort();
        Ok(names)
    }

    /// Starts the container anew, after it had the time to stop that it asks for itself.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not do it.
    pub async fn restart(&self, id: &str) -> Result<(), Error> {
        let done = self.docker.restart_container(id, None::<RestartContainerOptions>).await;
        done.map_err(|source| self.error("restart a container", source))
    }

    /// Lets a frozen container go on.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not do it.
    pub async fn unpause(&self, id: &str) -> Result<(), Error> {
        let done = self.docker.unpause_container(id).await;
        done.map_err(|source| self.error("unpause a container", source))
    }

    /// Stops the container, giving it the time that it asks for, and removes it; its volumes stay.
    /// One that is gone already is no error.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not do it.
    pub async fn remove(&self, id: &str) -> Result<(), Error> {
        let stopped = self.docker.stop_container(id, None::<StopContainerOptions>).await;
        let options = RemoveContainerOptionsBuilder::default().force(true).build();
        let removed = match stopped {
            Err(source) if !not_found(&source) => Err(source),
            _ => self.docker.remove_container(id, Some(options)).await,
        };
        match removed {
            Err(source) if !not_found(&source) => Err(self.error("remove a container", source)),
            _ => Ok(()),
        }
    }

    fn error(&self, operation: &str, source: ApiError) -> Error {
        Error::Engine { host: self.host.clone(), operation: operation.to_owned(), source }
    }
}

/// What a label says of everything that belongs to a Compose project.
fn of_project(project: &str) -> String {
    format!("{LABEL_PROJECT}={project}")
}

fn status_code(error: &ApiError) -> Option<u16> {
    match error {
        ApiError::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

fn not_found(error: &ApiError) -> bool {
    status_code(error) == Some(404)
}

#[cfg(test)]
mod tests;
