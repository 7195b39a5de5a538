//! The host that a stack is on, opened for one operation.

use std::time::Duration;

use compose::Compose;
use docker::Cli;
use framework::Context;
use remote::{
    Executor,
    facts::facts,
    files::Files,
    lock::{Lock, LockError},
};
use secret::Scrubber;
use time::OffsetDateTime;

use super::{StackResource, failure::Failure};
use crate::{engines::cli, hosts::Host};

/// How long somebody else's work on the same stack is waited for.
const LOCK_WAIT: Duration = Duration::from_secs(15);

/// The host of a stack.
pub(super) struct Site {
    pub(super) host: Host,
    pub(super) machine_id: String,
    /// The home directory of who logs in.
    home: String,
}

impl Site {
    /// Looks who is behind `host`.
    pub(super) async fn open(host: Host) -> Result<Self, Failure> {
        let facts = facts(host.executor.as_ref()).await?;
        let home = facts.home.trim_end_matches('/').to_owned();
        Ok(Self { host, machine_id: facts.machine_id, home })
    }

    pub(super) fn executor(&self) -> &dyn Executor {
        self.host.executor.as_ref()
    }

    /// The files of the host, with root's rights where the connection has them.
    pub(super) fn files(&self) -> Files<'_> {
        Files::on(self.executor()).privileged(true)
    }

    /// The docker client there.
    pub(super) fn cli(&self) -> Cli {
        cli(&self.host, &self.home)
    }

    /// Compose there, whose words are scrubbed.
    pub(super) fn compose(&self, cx: &Context, scrubber: &Scrubber) -> Compose<'_> {
        Compose::new(self.executor(), self.cli(), scrubber.clone(), cx.token().clone())
    }

    /// The version of Compose there.
    pub(super) async fn compose_version(&self, resource: &StackResource) -> Result<String, Failure> {
        Ok(resource.engines.compose_version(&self.host).await?.to_string())
    }

    /// Where a stack of this name is when nobody says otherwise.
    pub(super) fn default_directory(&self, name: &str) -> String {
        format!("{}/windlass/{name}", self.home)
    }

    /// Takes the lock of the stack.
    pub(super) async fn lock(&self, cx: &Context, name: &str) -> Result<Lock, LockError> {
        let lock = format!("compose-{name}");
        Lock::acquire(self.executor(), &lock, &holder(), LOCK_WAIT, cx.token()).await
    }
}

/// Who we are, for those who wait for us.
fn holder() -> String {
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
