//! A host that can be worked on: the one way from a connection to its commands, files, Docker and
//! Compose.

use std::sync::Arc;

use compose::{Compose, ComposeVersion};
use docker::{Cli, Engine};
use remote::{
    Connection, Executor,
    facts::{Facts, facts},
    files::Files,
};
use secret::Scrubber;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

/// The login by which a host was entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// The one that the connection names.
    Normal,
    /// The first one, of the block `bootstrap`.
    Bootstrap,
}

impl Login {
    /// The word for it in states.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Bootstrap => "bootstrap",
        }
    }
}

/// A host that can be worked on. Nothing is connected before the first question; clones, and hosts
/// by the same connection, share the answers.
#[derive(Clone)]
pub(crate) struct Host {
    /// Its address.
    pub(crate) connection: Connection,
    /// By which login it was entered.
    pub(crate) login: Login,
    /// What runs commands there.
    pub(crate) executor: Arc<dyn Executor>,
    pub(super) known: Arc<Known>,
}

/// What is asked once per host and process, because it stays while the process runs. Failures are
/// not remembered.
#[derive(Default)]
pub(super) struct Known {
    facts: OnceCell<Facts>,
    engine: OnceCell<Engine>,
    stacks: Arc<stack::KnownHost>,
}

impl Host {
    /// The host behind `connection`, of which `known` has been asked already.
    pub(super) fn new(connection: Connection, executor: Arc<dyn Executor>, known: Arc<Known>) -> Self {
        Self { connection, login: Login::Normal, executor, known }
    }

    /// The same as one that was entered by its first login: whatever names its connection means the
    /// `normal` one.
    pub(super) fn bootstrapped(self, normal: &Connection) -> Self {
        Self { connection: normal.clone(), login: Login::Bootstrap, ..self }
    }

    /// A host of a test.
    #[cfg(test)]
    pub(crate) fn fake(executor: Arc<dyn Executor>) -> Self {
        Self::new("ssh://web".parse().unwrap(), executor, Arc::default())
    }

    /// The host in words, with its user.
    pub(crate) fn name(&self) -> &str {
        self.executor.name()
    }

    /// What the machine says about itself.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub(crate) async fn facts(&self) -> Result<&Facts, remote::Error> {
        self.known
            .facts
            .get_or_try_init(|| facts(self.executor.as_ref(), self.connection.docker_socket()))
            .await
    }

    /// The same, asked anew, for what may have changed since.
    ///
    /// # Errors
    /// As [`Host::facts`].
    pub(crate) async fn fresh_facts(&self) -> Result<Facts, remote::Error> {
        let facts = facts(self.executor.as_ref(), self.connection.docker_socket()).await?;
        // Those who ask for what does not change need not ask again.
        self.known.facts.get_or_init(|| async { facts.clone() }).await;
        Ok(facts)
    }

    /// The machine itself, whatever way it is reached.
    ///
    /// # Errors
    /// As [`Host::facts`].
    pub(crate) async fn machine_id(&self) -> Result<&str, remote::Error> {
        Ok(&self.facts().await?.machine_id)
    }

    /// The home directory of who logs in, without a slash at its end.
    ///
    /// # Errors
    /// As [`Host::facts`].
    pub(crate) async fn home(&self) -> Result<&str, remote::Error> {
        Ok(self.facts().await?.home.trim_end_matches('/'))
    }

    /// The files there, with root's rights where the connection has them.
    pub(crate) fn files(&self) -> Files<'_> {
        Files::on(self.executor.as_ref()).privileged(true)
    }

    /// The Docker Engine there.
    ///
    /// # Errors
    /// As [`Host::facts`] and [`Engine::connect`].
    pub(crate) async fn engine(&self) -> Result<Engine, docker::Error> {
        let connect = || async { Engine::connect(self.executor.clone(), &self.cli().await?).await };
        self.known.engine.get_or_try_init(connect).await.cloned()
    }

    /// The docker client there, for whoever runs it.
    ///
    /// # Errors
    /// As [`Host::facts`].
    pub(crate) async fn cli(&self) -> Result<Cli, remote::Error> {
        Ok(Cli::of_host(&self.connection, self.executor.sudo(), self.facts().await?))
    }

    /// The host as stacks are deployed to it.
    ///
    /// # Errors
    /// As [`Host::facts`] and [`Host::engine`].
    pub(crate) async fn for_stacks(&self) -> Result<stack::Host, docker::Error> {
        let (facts, engine, cli) = (self.facts().await?, self.engine().await?, self.cli().await?);
        Ok(stack::Host::new(self.executor.clone(), engine, cli, facts, self.known.stacks.clone()))
    }

    /// The version of Compose there.
    ///
    /// # Errors
    /// As [`Compose::version`].
    pub(crate) async fn compose_version(&self) -> Result<ComposeVersion, docker::Error> {
        let ask = || async {
            let (cli, executor) = (self.cli().await?, self.executor.as_ref());
            Compose::new(executor, cli, Scrubber::default(), CancellationToken::new()).version().await
        };
        self.known.stacks.compose.get_or_try_init(ask).await.copied()
    }
}
