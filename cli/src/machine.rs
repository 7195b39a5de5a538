//! The machine that a command works on.

use std::sync::Arc;

use backup::{Corpus, Docker, Wanted};
use docker::{Cli, Engine};
use remote::connection::ConnectionError;
use remote::credentials::CredentialsError;
use remote::facts::{Facts, facts};
use remote::{Connection, Executor};

use crate::exit::Failure;
use crate::settings::Settings;

/// Why a machine is not open.
#[derive(Debug, thiserror::Error)]
pub enum Unopened {
    /// What names it is no connection.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// Nothing says how to log in.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// It does not answer, or not us.
    #[error(transparent)]
    Remote(#[from] remote::Error),
}

/// A machine, connected.
pub struct Machine {
    connection: Connection,
    /// What runs commands there.
    pub executor: Arc<dyn Executor>,
    facts: Facts,
    /// Its connections.
    pool: ssh::Pool,
}

impl Machine {
    /// The machine behind the connection `host`.
    ///
    /// # Errors
    /// When it does not let us in.
    pub async fn open(settings: &Settings, host: &str) -> Result<Self, Failure> {
        let failed = || Failure::new(format!("Could not reach {host}"));
        Self::connect(settings, host).await.map_err(|error| match error {
            Unopened::Remote(error) => failed().because(&error).with("Nothing was done."),
            Unopened::Connection(_) | Unopened::Credentials(_) => failed().because(&error),
        })
    }

    /// The same, for who asks why it does not.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn connect(settings: &Settings, host: &str) -> Result<Self, Unopened> {
        let connection: Connection = host.parse()?;
        let pool = ssh::Pool::default();
        let executor = pool.reach(&connection, |ssh| settings.credentials(ssh))?;
        let facts = facts(executor.as_ref(), connection.docker_socket()).await?;
        Ok(Self { connection, executor, facts, pool })
    }

    /// How it is reached.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Whether it is this one.
    pub fn is_local(&self) -> bool {
        matches!(self.connection, Connection::Local(_))
    }

    /// What it says about itself.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What a manifest says of it.
    pub fn host(&self) -> backup::Host {
        let (name, machine_id) = (self.executor.name().to_owned(), self.facts.machine_id.clone());
        backup::Host { name, machine_id }
    }

    /// The corpus that is meant.
    ///
    /// # Errors
    /// When it, or Docker, is not there.
    pub async fn find(&self, wanted: &Wanted) -> Result<Corpus, backup::Error> {
        let docker = match wanted.needs_docker() {
            true => Some(Docker { engine: self.engine().await?, cli: self.cli() }),
            false => None,
        };
        wanted.find(self.executor.name(), docker).await
    }

    /// The docker client there.
    pub fn cli(&self) -> Cli {
        Cli::of_host(&self.connection, self.executor.sudo(), &self.facts)
    }

    /// The Docker Engine there.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn engine(&self) -> Result<Engine, docker::Error> {
        Engine::connect(self.executor.clone(), &self.cli()).await
    }

    /// The machine as stacks are deployed to it.
    ///
    /// # Errors
    /// As [`Machine::engine`].
    pub async fn for_stacks(&self) -> Result<stack::Host, docker::Error> {
        let engine = self.engine().await?;
        Ok(stack::Host::new(self.executor.clone(), engine, self.cli(), &self.facts, Arc::default()))
    }

    /// Says goodbye.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
