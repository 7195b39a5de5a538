//! The Docker daemons that the process talks to: one client per host, however many stacks it has.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use compose::{Compose, ComposeVersion};
use docker::{Cli, Engine, Error};
use secret::Scrubber;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::hosts::Host;

/// Where root is at home, whoever logs in.
const ROOT_HOME: &str = "/root";

/// The docker client on `host`, where who logs in has the home directory `home`.
pub(crate) fn cli(host: &Host, home: &str) -> Cli {
    let home = if host.connection.sudo() { ROOT_HOME } else { home.trim_end_matches('/') };
    Cli::new(host.connection.docker_socket(), home)
}

/// What is known of Docker on each host, by connection.
#[derive(Default)]
pub(crate) struct Engines {
    hosts: Mutex<HashMap<String, Arc<Known>>>,
}

/// What is asked once per host and process. Failures are not remembered.
#[derive(Default)]
struct Known {
    engine: OnceCell<Engine>,
    compose: OnceCell<ComposeVersion>,
}

impl Engines {
    /// The Engine of `host`.
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub(crate) async fn engine(&self, host: &Host) -> Result<Engine, Error> {
        let known = self.known(host);
        let connect = || Engine::connect(host.executor.clone(), host.connection.docker_socket());
        known.engine.get_or_try_init(connect).await.cloned()
    }

    /// The version of Compose on `host`.
    ///
    /// # Errors
    /// As [`Compose::version`].
    pub(crate) async fn compose_version(&self, host: &Host) -> Result<ComposeVersion, Error> {
        let known = self.known(host);
        let ask = || async {
            let cli = Cli::new(host.connection.docker_socket(), "/");
            let executor = host.executor.as_ref();
            Compose::new(executor, cli, Scrubber::default(), CancellationToken::new()).version().await
        };
        known.compose.get_or_try_init(ask).await.copied()
    }

    fn known(&self, host: &Host) -> Arc<Known> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.entry(host.connection.to_string()).or_default().clone()
    }
}
