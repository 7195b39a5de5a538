//! What a snapshot is to be taken of, or to become, as a configuration names it.

use docker::engine::{Container as Found, ServiceNodes, State};
use secret::Secret;
use stack::containers::{LABEL_SERVICE, is_of_service};

use crate::{
    corpus::Corpus,
    error::Error,
    exec::Exec,
    helper::Docker,
    postgres::{Network, Postgres, ServerUri, Tools, UriError},
    subject::Subject,
    volume::Volume,
};

/// A corpus, as it is named.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// The directory at an absolute path.
    Path(String),
    /// The Docker volume of this name.
    Volume(String),
    /// A database of a Postgres.
    Database(Database),
    /// What a command in a container writes.
    Stream(Stream),
}

/// What a command in a container writes, as it is named; see [`Exec`].
#[derive(Clone, Debug)]
pub struct Stream {
    /// The container.
    pub container: Container,
    /// What writes it.
    pub command: Vec<String>,
    /// What puts it back.
    pub restore_command: Vec<String>,
    /// What reads whether it is whole.
    pub verify_command: Vec<String>,
    /// The ending of its name.
    pub extension: String,
}

/// A database of a Postgres, as it is named.
#[derive(Clone, Debug)]
pub struct Database {
    /// Where Postgres runs.
    pub server: Server,
    /// The image whose programs are used, which the host has. Without one, they are those of the container, or of the
    /// host where a URI leads to the server.
    pub image: Option<String>,
    /// The database.
    pub database: String,
    /// Who logs in, where no URI says.
    pub user: String,
    /// With which password, where the server asks its own container for one, and no URI says.
    pub password: Option<Secret>,
    /// Whether roles and tablespaces belong to it.
    pub globals: bool,
}

/// Where a Postgres runs, as it is named.
#[derive(Clone, Debug)]
pub enum Server {
    /// In a container.
    Container(Container),
    /// Somewhere that the host reaches by this URI; it is not known to who only compares.
    Uri(Option<Secret>),
}

/// A container, as it is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Container {
    /// By its name or id.
    Named(String),
    /// By the service of a Compose project, or of a stack of a swarm, that it runs.
    Service {
        /// The project, or the stack.
        stack: String,
        /// The service.
        service: String,
    },
}

impl Container {
    /// Its name, if it is there; of a service the first that runs.
    pub(crate) async fn find(&self, docker: &Docker) -> Result<Option<String>, Error> {
        match self {
            Self::Named(name) => Ok(docker.engine.container(name).await?.map(|found| found.name)),
            Self::Service { stack, service } => {
                let all = docker.engine.containers(stack).await?;
                match all.into_iter().find(|container| runs(container, service)) {
                    Some(found) => Ok(Some(found.name)),
                    None => task(docker, format!("{stack}_{service}")).await,
                }
            }
        }
    }
}

/// The container of a task of a swarm's service, which has to be on this very host.
async fn task(docker: &Docker, service: String) -> Result<Option<String>, Error> {
    let containers = docker.engine.containers_of_service(&service).await?;
    if let Some(found) = containers.into_iter().find(|container| container.state == State::Running) {
        return Ok(Some(found.name));
    }
    let host = docker.engine.host().to_owned();
    match docker.engine.nodes_of_service(&service).await? {
        ServiceNodes::NoSwarm => Ok(None),
        ServiceNodes::Unknown => Err(Error::Nowhere { service, host }),
        ServiceNodes::Known(nodes) if nodes.is_empty() => Ok(None),
        ServiceNodes::Known(nodes) => {
            let nodes = nodes.iter().map(|node| format!("{node:?}")).collect::<Vec<_>>().join(", ");
            Err(Error::Elsewhere { service, host, nodes })
        }
    }
}

fn runs(container: &Found, service: &str) -> bool {
    container.state == State::Running
        && is_of_service(container)
        && container.label(LABEL_SERVICE) == Some(service)
}

impl Wanted {
    /// Whether it is found by Docker alone.
    pub fn needs_docker(&self) -> bool {
        match self {
            Self::Path(_) => false,
            Self::Database(Database { server: Server::Uri(_), image, .. }) => image.is_some(),
            Self::Volume(_) | Self::Database(_) | Self::Stream(_) => true,
        }
    }

    /// It in words.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Path(path) => Subject::Path(path.clone()),
            Self::Volume(name) => Subject::Volume(name.clone()),
            Self::Database(database) => Subject::Database(database.database.clone()),
            Self::Stream(stream) => Subject::Stream(match &stream.container {
                Container::Named(name) => name.clone(),
                Container::Service { stack, service } => format!("{stack}-{service}"),
            }),
        }
    }

    /// The corpus that it means on `host`, whose Docker is `docker`; a volume need not be there.
    ///
    /// # Errors
    /// [`Error::SourceMissing`] where a container is not there, or there is no Docker; [`Error::Elsewhere`] where a
    /// swarm runs it on another node; [`Error::NoImage`] and [`Error::Uri`].
    pub async fn find(&self, host: &str, docker: Option<Docker>) -> Result<Corpus, Error> {
        let missing = || Error::SourceMissing { subject: self.subject(), host: host.to_owned() };
        match self {
            Self::Path(path) => Ok(Corpus::Path(path.clone())),
            Self::Volume(name) => {
                let docker = docker.ok_or_else(missing)?;
                Ok(Corpus::Volume(Volume { docker, name: name.clone() }))
            }
            Self::Database(wanted) => wanted.find(host, docker, missing).await.map(Corpus::Postgres),
            Self::Stream(wanted) => {
                let docker = docker.ok_or_else(missing)?;
                let container = wanted.container.find(&docker).await?.ok_or_else(missing)?;
                let Stream { command, restore_command, verify_command, extension, .. } = wanted.clone();
                let cli = docker.cli;
                Ok(Corpus::Exec(Exec { cli, container, command, restore_command, verify_command, extension }))
            }
        }
    }
}

impl Database {
    async fn find(
        &self,
        host: &str,
        docker: Option<Docker>,
        missing: impl Fn() -> Error,
    ) -> Result<Postgres, Error> {
        if let (Some(image), Some(docker)) = (&self.image, &docker)
            && docker.engine.image(image).await?.is_none()
        {
            return Err(Error::NoImage { image: image.clone(), host: host.to_owned() });
        }
        let Self { database, user, password, globals, .. } = self.clone();
        let (server, tools) = match &self.server {
            Server::Container(container) => {
                let docker = docker.ok_or_else(&missing)?;
                let container = container.find(&docker).await?.ok_or_else(&missing)?;
                let cli = docker.cli;
                let tools = match self.image.clone() {
                    Some(image) => Tools::Image { cli, image, network: Network::Container(container) },
                    None => Tools::Container { cli, container },
                };
                (None, tools)
            }
            Server::Uri(uri) => {
                let parsed = uri.as_ref().ok_or(UriError::Missing).and_then(ServerUri::parse);
                let subject = Subject::Database(database.clone());
                let server = parsed.map_err(|source| Error::Uri { subject, source })?;
                let tools = match self.image.clone() {
                    Some(image) => {
                        let cli = docker.ok_or_else(&missing)?.cli;
                        Tools::Image { cli, image, network: Network::Host }
                    }
                    None => Tools::Host,
                };
                (Some(server), tools)
            }
        };
        let named = server.clone().unwrap_or_default();
        Ok(Postgres {
            tools,
            server,
            database,
            user: named.user.unwrap_or(user),
            password: password.or(named.password),
            globals,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_uri(uri: &str, image: Option<&str>) -> Wanted {
        Wanted::Database(Database {
            server: Server::Uri(Some(Secret::new(uri))),
            image: image.map(str::to_owned),
            database: "shop".into(),
            user: "postgres".into(),
            password: None,
            globals: true,
        })
    }

    #[tokio::test]
    async fn a_uri_says_who_logs_in_and_needs_no_docker_without_an_image() {
        let plain = by_uri("postgres://app:t0p@db.example/defaultdb", None);
        assert!(!plain.needs_docker() && by_uri("postgres://db", Some("postgres:17")).needs_docker());
        let Corpus::Postgres(found) = plain.find("web", None).await.unwrap() else { panic!() };
        assert!(matches!(found.tools, Tools::Host));
        assert_eq!((found.user.as_str(), found.password.unwrap().expose()), ("app", "t0p"));
        let Corpus::Postgres(found) = by_uri("postgres://db", None).find("web", None).await.unwrap() else {
            panic!()
        };
        assert_eq!((found.user.as_str(), found.password.is_none()), ("postgres", true));
        let error = by_uri("postgres://u:t0p@", None).find("web", None).await.unwrap_err();
        assert!(matches!(error, Error::Uri { source: UriError::NoHost, .. }), "{error:?}");
        assert!(!format!("{error:?}").contains("t0p"));
    }
}
