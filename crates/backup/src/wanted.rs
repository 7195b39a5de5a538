//! What a snapshot is to be taken of, or to become, as a configuration names it.

use docker::engine::{Container as Found, State};
use secret::Secret;
use stack::containers::{LABEL_SERVICE, is_of_service};

use crate::{
    corpus::Corpus, error::Error, exec::Exec, helper::Docker, postgres::Postgres, subject::Subject,
    volume::Volume,
};

/// A corpus, as it is named.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// The directory at an absolute path.
    Path(String),
    /// The Docker volume of this name.
    Volume(String),
    /// A database of a Postgres in a container.
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

/// A database of a Postgres in a container, as it is named.
#[derive(Clone, Debug)]
pub struct Database {
    /// The container that Postgres runs in.
    pub container: Container,
    /// The database.
    pub database: String,
    /// Who logs in.
    pub user: String,
    /// With which password, where the server asks its own container for one.
    pub password: Option<Secret>,
    /// Whether roles and tablespaces belong to it.
    pub globals: bool,
}

/// A container, as it is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Container {
    /// By its name or id.
    Named(String),
    /// By the service of a Compose project that it runs.
    Service {
        /// The project.
        stack: String,
        /// The service.
        service: String,
    },
}

impl Container {
    /// Its name, if it is there; of a service the first that runs.
    pub(crate) async fn find(&self, docker: &Docker) -> Result<Option<String>, Error> {
        let found = match self {
            Self::Named(name) => docker.engine.container(name).await?,
            Self::Service { stack, service } => {
                let all = docker.engine.containers(stack).await?;
                all.into_iter().find(|container| runs(container, service))
            }
        };
        Ok(found.map(|container| container.name))
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
        !matches!(self, Self::Path(_))
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
    /// [`Error::SourceMissing`] where a container is not there, or there is no Docker.
    pub async fn find(&self, host: &str, docker: Option<Docker>) -> Result<Corpus, Error> {
        let missing = || Error::SourceMissing { subject: self.subject(), host: host.to_owned() };
        match self {
            Self::Path(path) => Ok(Corpus::Path(path.clone())),
            Self::Volume(name) => {
                let docker = docker.ok_or_else(missing)?;
                Ok(Corpus::Volume(Volume { docker, name: name.clone() }))
            }
            Self::Database(wanted) => {
                let docker = docker.ok_or_else(missing)?;
                let container = wanted.container.find(&docker).await?.ok_or_else(missing)?;
                Ok(Corpus::Postgres(Postgres {
                    cli: docker.cli,
                    container,
                    database: wanted.database.clone(),
                    user: wanted.user.clone(),
                    password: wanted.password.clone(),
                    globals: wanted.globals,
                }))
            }
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
