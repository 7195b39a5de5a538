//! The machine that a corpus is on.

use std::sync::Arc;

use backup::{Corpus, Docker, Host, Wanted};
use docker::{Cli, Engine};
use remote::facts::{Facts, facts};
use remote::{Connection, Executor, Local, traced};

use crate::exit::Failure;
use crate::settings::Settings;

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
        let connection: Connection = host.parse().map_err(|error| {
            let error: remote::connection::ConnectionError = error;
            failed().because(&error)
        })?;
        let pool = ssh::Pool::default();
        let executor: Arc<dyn Executor> = match &connection {
            Connection::Local(_) => traced(Arc::new(Local::default())),
            Connection::Ssh(ssh) => {
                let credentials = settings.credentials(ssh);
                pool.executor(ssh, &credentials.map_err(|error| failed().because(&error))?)
            }
        };
        let facts = facts(executor.as_ref(), connection.docker_socket()).await;
        let facts = facts.map_err(|error| failed().because(&error).with("Nothing was done."))?;
        Ok(Self { connection, executor, facts, pool })
    }

    /// What a manifest says of it.
    pub fn host(&self) -> Host {
        Host { name: self.executor.name().to_owned(), machine_id: self.facts.machine_id.clone() }
    }

    /// The corpus that is meant.
    ///
    /// # Errors
    /// When it, or Docker, is not there.
    pub async fn find(&self, wanted: &Wanted) -> Result<Corpus, backup::Error> {
        let docker = match wanted.needs_docker() {
            true => Some(self.docker().await?),
            false => None,
        };
        wanted.find(self.executor.name(), docker).await
    }

    async fn docker(&self) -> Result<Docker, docker::Error> {
        let cli = Cli::of_host(&self.connection, self.executor.sudo(), &self.facts);
        let engine = Engine::connect(self.executor.clone(), &cli).await?;
        Ok(Docker { engine, cli })
    }

    /// Says goodbye.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
