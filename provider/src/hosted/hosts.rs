//! The hosts that resources live on: from the `host` attribute to a [`Host`].
//!
//! One [`Hosts`] is shared by every resource of the process. It holds the settings, once they are
//! known, and the pool of connections; nothing is connected before the first command.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError, RwLock, Weak},
};

use framework::{Diagnostics, Field};
use remote::{
    Error,
    connection::{Connection, SshConnection},
    credentials::{Credentials, choose},
};
use tailnet::Control;

use super::{
    access::Denials,
    bootstraps::{Bootstraps, Refused, keeps_out, try_login},
    host::{Host, Known},
    logins::Logins,
    servers::{ControlServers, Servers},
    turns::Turns,
};
use crate::{
    failure::{Failure, Stop},
    settings::Settings,
    sops_files::Keyring,
};

/// Every host that the process knows, and how to log in to them.
#[derive(Default)]
pub(crate) struct Hosts {
    settings: RwLock<Option<Arc<Settings>>>,
    pool: ssh::Pool,
    known: Mutex<HashMap<Connection, Arc<Known>>>,
    pub(super) denials: Denials,
    /// What Read has been asked about, as [`Hosts::remember`] got it.
    recorded: Mutex<HashSet<String>>,
    /// Hosts that did not answer a plan that asked for more than it needs to know.
    silent: Mutex<HashSet<String>>,
    logins: Logins,
    bootstraps: Bootstraps,
    pub(super) turns: Turns,
    servers: Servers,
    keyring: Arc<Keyring>,
}

impl Hosts {
    /// Takes over the settings; `None` says that they are not known yet.
    pub(crate) fn configure(&self, settings: Option<Settings>) {
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = settings.map(Arc::new);
    }

    /// The settings; `None` while they are not known.
    pub(crate) fn settings(&self) -> Option<Arc<Settings>> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The private keys of encrypted files.
    pub(crate) fn keyring(&self) -> Arc<Keyring> {
        self.keyring.clone()
    }

    /// Remembers that the state has `subject` on `host`.
    pub(super) fn remember(&self, host: &Field<String>, subject: &str) {
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.insert(place_of(host, subject));
    }

    /// Whether the state has `subject` on `host`, as far as it was read in this process.
    pub(super) fn remembers(&self, host: &Field<String>, subject: &str) -> bool {
        let recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.contains(&place_of(host, subject))
    }

    /// Remembers that `host` cannot be worked with for now.
    pub(super) fn remember_silent(&self, host: &Field<String>) {
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        silent.insert(place_of(host, ""));
    }

    /// Whether `host` could not be worked with when it was asked in this process.
    pub(super) fn is_silent(&self, host: &Field<String>) -> bool {
        let silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        silent.contains(&place_of(host, ""))
    }

    /// The pool, for what needs more than an executor.
    pub(crate) fn pool(&self) -> &ssh::Pool {
        &self.pool
    }

    /// The host that a `host` attribute names; `None` while the attribute or the provider's
    /// settings are unknown, when nothing can be asked.
    ///
    /// # Errors
    /// When the connection cannot be parsed or no credentials fit it.
    pub(crate) async fn reach(&self, host: &Field<String>) -> Result<Option<Host>, Error> {
        let (Some(host), Some(settings)) = (host.known(), self.settings()) else { return Ok(None) };
        let connection: Connection = host
            .parse()
            .map_err(|error| Error::Configuration { what: format!("the connection {host:?}: {error}") })?;
        let entered = self.enter(&connection, &settings).await;
        entered.map(Some).map_err(|refused| refused.normal)
    }

    /// The host that a `host` attribute names, while the core applies.
    ///
    /// # Errors
    /// As [`Hosts::reach`]; that something is still unknown is a bug.
    pub(crate) async fn for_apply(&self, host: &Field<String>) -> Result<Host, Failure> {
        self.reach(host).await?.ok_or_else(|| {
            Failure::bug("The host or the provider's settings are still unknown during apply.")
        })
    }

    /// The host that an attribute of a data source names.
    ///
    /// # Errors
    /// As [`Hosts::reach`], and while the settings are unknown.
    pub(crate) async fn for_data_source(&self, host: &Field<String>) -> Result<Host, Failure> {
        self.reach(host).await?.ok_or_else(|| {
            Stop::new(
                "The provider's settings are not known before apply, so the machine cannot be looked at yet.",
                "Make what the settings depend on first (`-target`), or let the data source wait for it with \
                 `depends_on`.",
            )
            .into()
        })
    }

    /// Asks `servers` for control servers from now on.
    pub(crate) fn know_servers(&self, servers: Weak<dyn ControlServers>) {
        self.servers.know(servers);
    }

    /// The control server that an attribute `tailnet` names; `None` while it cannot be told.
    ///
    /// # Errors
    /// As [`ControlServers::reach`].
    pub(crate) async fn control(&self, tailnet: &Field<String>) -> Result<Option<Arc<dyn Control>>, Failure> {
        self.servers.reach(tailnet).await
    }

    /// The same, while the core applies.
    ///
    /// # Errors
    /// As [`Hosts::control`]; that something is still unknown is a bug.
    pub(crate) async fn control_for_apply(
        &self,
        tailnet: &Field<String>,
    ) -> Result<Arc<dyn Control>, Failure> {
        self.control(tailnet).await?.ok_or_else(|| {
            Failure::bug("The tailnet or the provider's settings are still unknown during apply.")
        })
    }

    /// Fails a plan that stays with a connection by which Read could not get in: the host's key has
    /// changed, it refuses us, or the provider has no such login any more.
    ///
    /// # Errors
    /// What Read met as a diagnostic, titled `title`.
    pub(crate) fn refuse_if_access_denied(
        &self,
        title: &str,
        prior: &Field<String>,
        planned: &Field<String>,
    ) -> Result<(), Diagnostics> {
        self.denials.refuse(title, prior, planned)
    }

    /// What should be known of the hosts that were met, each thing once.
    pub(crate) fn remarks(&self) -> Diagnostics {
        self.logins.remarks()
    }

    /// From now on `first` leads to the machine of `normal` while that does not; `None` says that
    /// nothing stands in for it.
    pub(crate) fn learn_bootstrap(&self, normal: &Connection, first: Option<Connection>) {
        self.bootstraps.learn(normal, first);
    }

    /// The host behind `connection`, by the login that works. Nothing is connected where there is only one.
    ///
    /// # Errors
    /// When no credentials fit the connection, and where neither login runs a command.
    pub(crate) async fn enter(&self, connection: &Connection, settings: &Settings) -> Result<Host, Refused> {
        let host = self.open(connection, settings)?;
        let Some(first) = self.bootstraps.of(connection) else { return Ok(host) };
        let normal = match try_login(&host).await {
            Ok(()) => return Ok(host),
            Err(error) if keeps_out(&error) => error,
            Err(error) => return Err(error.into()),
        };
        let entered = async {
            let first = self.open(&first, settings)?;
            try_login(&first).await?;
            Ok(first)
        };
        match entered.await {
            Ok(first) => Ok(first.bootstrapped(connection)),
            Err(error) => Err(Refused { normal, bootstrap: Some(error) }),
        }
    }

    /// The host behind `connection`, by its own login.
    ///
    /// # Errors
    /// When no credentials fit it.
    fn open(&self, connection: &Connection, settings: &Settings) -> Result<Host, Error> {
        let executor = self.pool.reach(connection, |ssh| credentials(ssh, settings))?;
        self.logins.met(&executor);
        let known = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.entry(connection.clone()).or_default().clone()
        };
        Ok(Host::new(connection.clone(), executor, known))
    }
}

/// The credentials for a connection.
///
/// # Errors
/// [`Error::Configuration`] when none fit it.
pub(crate) fn credentials(connection: &SshConnection, settings: &Settings) -> Result<Credentials, Error> {
    choose(connection, &settings.ssh, |name| std::env::var(name).ok())
        .map_err(|error| Error::Configuration { what: error.to_string() })
}

/// `subject` on `host`, whatever the spelling of the connection.
fn place_of(host: &Field<String>, subject: &str) -> String {
    let text = host.as_str().unwrap_or_default();
    let host = text.parse::<Connection>().map_or_else(|_| text.to_owned(), |host| host.to_string());
    format!("{host} {subject}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_settings_no_host_is_reached() {
        let hosts = Hosts::default();
        assert!(hosts.reach(&Field::Known("local://".into())).await.unwrap().is_none());
        hosts.configure(Some(Settings::default()));
        assert!(hosts.reach(&Field::Known("local://".into())).await.unwrap().is_some());
        assert!(hosts.reach(&Field::Unknown).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn two_spellings_of_a_connection_share_what_was_asked() {
        let hosts = Hosts::default();
        hosts.configure(Some(Settings::default()));
        let reach = async |text: &str| hosts.reach(&Field::Known(text.into())).await.unwrap().unwrap();
        let (one, other) = (reach("ssh://root@web").await, reach("ssh://root@WEB:22").await);
        assert!(Arc::ptr_eq(&one.known, &other.known));
        assert!(!Arc::ptr_eq(&one.known, &reach("ssh://deploy@web").await.known));
    }
}
