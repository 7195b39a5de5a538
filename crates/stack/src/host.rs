//! A host that stacks are deployed to, opened for one operation.

use std::{sync::Arc, time::Duration};

use compose::{Compose, ComposeVersion};
use docker::{Cli, Engine, engine::AddressPool};
use remote::{
    Executor,
    facts::Facts,
    files::Files,
    lock::{Lock, LostLock},
};
use secret::Scrubber;
use time::OffsetDateTime;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::{answers::Answers, context::Context, error::Error};

/// How long somebody else's work on the same stack is waited for.
const LOCK_WAIT: Duration = Duration::from_secs(15);

/// A host with Docker.
#[derive(Clone)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct Host {
    /// What runs commands there.
    pub executor: Arc<dyn Executor>,
    pub engine: Engine,
    /// Its docker client.
    pub cli: Cli,
    /// What `/etc/machine-id` holds.
    pub machine_id: String,
    /// The home directory of who logs in, without a slash at its end.
    pub home: String,
    known: Arc<KnownHost>,
}

/// What all who work on a host in one process share. What stays while the process runs is asked once;
/// failures are not remembered.
#[derive(Debug, Default)]
pub struct KnownHost {
    /// The version of Compose there.
    pub compose: OnceCell<ComposeVersion>,
    /// What Compose has made of files before the process began.
    pub(crate) answers: OnceCell<Answers>,
    pools: OnceCell<Vec<AddressPool>>,
}

impl Host {
    /// The host behind `executor`, of which `facts` are known. What is `known` is asked no more.
    pub fn new(
        executor: Arc<dyn Executor>,
        engine: Engine,
        cli: Cli,
        facts: &Facts,
        known: Arc<KnownHost>,
    ) -> Self {
        let home = facts.home.trim_end_matches('/').to_owned();
        Self { executor, engine, cli, machine_id: facts.machine_id.clone(), home, known }
    }

    /// The host in words.
    pub fn name(&self) -> &str {
        self.executor.name()
    }

    /// The version of Compose there.
    ///
    /// # Errors
    /// As [`Compose::version`].
    pub async fn compose_version(&self) -> Result<String, Error> {
        let ask = || async {
            let (executor, cli) = (self.executor.as_ref(), self.cli.clone());
            Compose::new(executor, cli, Scrubber::default(), CancellationToken::new()).version().await
        };
        Ok(self.known.compose.get_or_try_init(ask).await?.to_string())
    }

    /// The ranges that its daemon takes addresses of networks from. For this one answer the daemon starts programs.
    ///
    /// # Errors
    /// As [`Engine::address_pools`].
    pub(crate) async fn address_pools(&self) -> Result<&[AddressPool], Error> {
        Ok(self.known.pools.get_or_try_init(|| self.engine.address_pools()).await?)
    }

    /// Where a stack of this name is when nobody says otherwise.
    pub fn default_directory(&self, name: &str) -> String {
        format!("{}/windlass/{name}", self.home)
    }

    /// What all who work on it share.
    pub(crate) fn known(&self) -> &KnownHost {
        &self.known
    }

    pub(crate) fn executor(&self) -> &dyn Executor {
        self.executor.as_ref()
    }

    /// The files of the host, with root's rights where the connection has them.
    pub(crate) fn files(&self) -> Files<'_> {
        Files::on(self.executor()).privileged(true)
    }

    /// Compose there, whose words are scrubbed.
    pub(crate) fn compose(&self, cx: &Context, scrubber: &Scrubber) -> Compose<'_> {
        Compose::new(self.executor(), self.cli.clone(), scrubber.clone(), cx.token().clone())
    }

    /// Takes the lock of the stack `name`, which excludes every other operation on it.
    ///
    /// # Errors
    /// [`Error::Lock`] when somebody else has it and does not let it go in time.
    pub async fn lock(&self, cx: &Context, name: &str) -> Result<StackLock, Error> {
        let name = format!("compose-{name}");
        let lock = Lock::acquire(self.executor(), &name, &holder(), LOCK_WAIT, cx.token()).await;
        Ok(StackLock { lock: lock?, host: self.name().to_owned() })
    }
}

/// The lock of a stack on its host.
pub struct StackLock {
    lock: Lock,
    host: String,
}

impl StackLock {
    /// Whether it is still ours, as the host says.
    ///
    /// # Errors
    /// [`LostLock`] when somebody else may have it.
    pub(crate) async fn still_held(&self) -> Result<(), LostLock> {
        self.lock.still_held().await
    }

    /// Lets the next one work on the stack. It goes with the connection in any case: that it could
    /// not be let go is for the log.
    pub async fn release(self) {
        if let Err(error) = self.lock.release().await {
            tracing::warn!(host = self.host, %error, "could not release the lock");
        }
    }
}

/// Who we are, for those who wait for us.
pub fn holder() -> String {
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let user = variable("USER").or_else(|| variable("LOGNAME")).unwrap_or_else(|| "somebody".to_owned());
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let now = OffsetDateTime::now_utc();
    format!(
        "{user}@{} (process {}, since {} {:02}:{:02}:{:02} UTC)",
        machine.trim(),
        std::process::id(),
        now.date(),
        now.hour(),
        now.minute(),
        now.second()
    )
}
