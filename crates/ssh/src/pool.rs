//! All connections of a process.

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use remote::{
    Connection, Error, Executor, Local,
    connection::{HostKey, SshConnection},
    credentials::{Credentials, Login},
    traced,
};
use tokio::time::Instant;

use crate::{
    auth::Identity,
    executor::SshExecutor,
    host::Host,
    target::Target,
    trust::{Files, Trust, fingerprint, openssh},
};

/// A host key as it was offered, checked by nobody yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfferedKey {
    /// What to pin in a connection.
    pub fingerprint: HostKey,
    /// The whole key: `ssh-ed25519 AAAA…`.
    pub openssh: String,
}

/// Holds one set of connections per host, whoever asks for it and how often.
pub struct Pool {
    hosts: Mutex<Vec<Arc<Host>>>,
    agent_socket: Option<PathBuf>,
}

impl Default for Pool {
    /// An empty pool that asks the agent of the environment (`SSH_AUTH_SOCK`).
    fn default() -> Self {
        let socket = std::env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty());
        Self::with_agent(socket.map(PathBuf::from))
    }
}

impl Pool {
    /// An empty pool that asks the agent at `socket`, if anywhere, where credentials allow it.
    pub fn with_agent(socket: Option<PathBuf>) -> Self {
        Self { hosts: Mutex::default(), agent_socket: socket }
    }

    /// The host behind `connection`. Nothing is connected before its first use; the same
    /// connection with the same credentials shares what is there.
    pub fn executor(&self, connection: &SshConnection, credentials: &Credentials) -> Arc<dyn Executor> {
        let host = self.host(&self.target(connection, credentials));
        traced(Arc::new(SshExecutor::new(host, connection.sudo)))
    }

    /// What runs commands on the machine behind `connection`, this one or another; `credentials` is asked how
    /// to log in to another.
    ///
    /// # Errors
    /// Those of `credentials`.
    pub fn reach<E>(
        &self,
        connection: &Connection,
        credentials: impl FnOnce(&SshConnection) -> Result<Credentials, E>,
    ) -> Result<Arc<dyn Executor>, E> {
        Ok(match connection {
            Connection::Local(_) => traced(Arc::new(Local::default())),
            Connection::Ssh(ssh) => self.executor(ssh, &credentials(ssh)?),
        })
    }

    /// As [`Pool::executor`], connected: a host that does not answer yet is asked again until
    /// `until`.
    ///
    /// # Errors
    /// How the last attempt failed; at once when another one could not fare better.
    pub async fn wait_for(
        &self,
        connection: &SshConnection,
        credentials: &Credentials,
        until: Instant,
    ) -> Result<Arc<dyn Executor>, Error> {
        let host = self.host(&self.target(connection, credentials));
        host.link_until(until).await?;
        Ok(traced(Arc::new(SshExecutor::new(host, connection.sudo))))
    }

    /// The host key that the host offers now, for trust on first use: nobody has checked it, and
    /// nothing was sent that says who we are. Jump hosts are checked and logged in to as ever. A
    /// host that does not answer yet is asked again until `until`.
    ///
    /// # Errors
    /// How the last attempt failed.
    pub async fn probe_host_key(
        &self,
        connection: &SshConnection,
        credentials: &Credentials,
        until: Instant,
    ) -> Result<OfferedKey, Error> {
        let key = self.host(&self.target(connection, credentials)).offered_key(until).await?;
        Ok(OfferedKey { fingerprint: fingerprint(&key), openssh: openssh(&key) })
    }

    /// The host key of a host that was logged in to, for pinning: it was checked against the
    /// connection's own keys or known_hosts. A host that does not answer yet is asked again until
    /// `until`.
    ///
    /// # Errors
    /// How the last attempt failed; at once when another one could not fare better.
    pub async fn verified_host_key(
        &self,
        connection: &SshConnection,
        credentials: &Credentials,
        until: Instant,
    ) -> Result<OfferedKey, Error> {
        let key = self.host(&self.target(connection, credentials)).verified_key(until).await?;
        Ok(OfferedKey { fingerprint: fingerprint(&key), openssh: openssh(&key) })
    }

    /// How many connections were made so far, to all hosts together.
    pub fn handshakes(&self) -> u64 {
        self.lock().iter().map(|host| host.handshakes()).sum()
    }

    /// How often callers waited so long for a session that another connection was opened: never,
    /// as long as whoever holds a session gives it back without needing a second one.
    pub fn stalls(&self) -> u64 {
        self.lock().iter().map(|host| host.stalls()).sum()
    }

    /// Says goodbye to all hosts. What still runs ends without a status.
    pub async fn close(&self) {
        let hosts = std::mem::take(&mut *self.lock());
        // A host that is reached through another one was added after it.
        for host in hosts.iter().rev() {
            host.close().await;
        }
    }

    fn target(&self, connection: &SshConnection, credentials: &Credentials) -> Target {
        target(connection, credentials, self.agent_socket.clone())
    }

    pub(crate) fn host(&self, target: &Target) -> Arc<Host> {
        let jump = target.jump.as_ref().map(|jump| self.host(jump));
        let mut hosts = self.lock();
        if let Some(host) = hosts.iter().find(|host| host.target == *target) {
            return host.clone();
        }
        let host = Arc::new(Host::new(target.clone(), jump));
        hosts.push(host.clone());
        host
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Host>>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<String> = self.lock().iter().map(|host| host.target.to_string()).collect();
        f.debug_struct("Pool").field("hosts", &hosts).finish()
    }
}

/// The way to the host: pinned keys hold for the host itself, jump hosts are in known_hosts.
pub(crate) fn target(
    connection: &SshConnection,
    credentials: &Credentials,
    agent_socket: Option<PathBuf>,
) -> Target {
    let files = match &credentials.known_hosts_file {
        Some(path) => Files::Only(PathBuf::from(path)),
        None => Files::Default,
    };
    let known_hosts = Trust::KnownHosts(files);
    let identity = Identity {
        key: credentials.key.clone(),
        passphrase: credentials.passphrase.clone(),
        agent: credentials.agent,
        agent_socket,
    };
    // The first host on the way is reached through the proxy, and all others through it.
    let target = |login: &Login, trust: Trust, jump: Option<Box<Target>>| Target {
        proxy: connection.proxy.clone().filter(|_| jump.is_none()),
        address: login.host.clone(),
        port: login.port,
        user: login.user.clone(),
        trust,
        identity: identity.clone(),
        connect_timeout: credentials.connect_timeout,
        jump,
    };
    let mut jump = None;
    for login in &credentials.jump {
        jump = Some(Box::new(target(login, known_hosts.clone(), jump)));
    }
    let trust = match connection.host_keys.as_slice() {
        [] => known_hosts,
        keys => Trust::Pinned(keys.to_vec()),
    };
    target(&credentials.target, trust, jump)
}
