//! Headscale, the control server that somebody runs: its interface of version 1, as 0.28 and 0.29
//! have it.

mod api_keys;
mod keys;
mod nodes;
mod policy;
mod release;

use std::sync::Arc;

use async_trait::async_trait;
use secret::{Scrubber, Secret};
use tokio::sync::OnceCell;

use crate::{
    Control, CreatedKey, Device, DeviceChange, Dns, DnsChange, Error, Expected, KeyInfo, KeySpec, Kind,
    StoredPolicy, TailnetSettings, Verdict,
    transport::{Call, Client, Wire},
};

pub use api_keys::{ApiKeys, Program};
pub use release::Release;

const DNS: &str = "DNS: it is the section `dns` of its configuration, and single records are a file that it watches \
                   (`dns.extra_records_path`)";
const SETTINGS: &str = "settings of the tailnet: what it has of them is in its configuration";

/// Its words for a call that it does not have.
const NO_SUCH_CALL: &str = "Not Found";

fn without_interface(what: &str) -> Error {
    Error::Unsupported { what: format!("Headscale has no interface for {what}") }
}

/// One Headscale.
pub struct Headscale {
    wire: Wire,
    keys: ApiKeys,
    login: Option<String>,
    release: OnceCell<Release>,
}

impl Headscale {
    /// The server behind `transport`, asked with one of `keys`.
    pub fn new(transport: Arc<dyn crate::Transport>, keys: ApiKeys) -> Self {
        Self { wire: Wire::new(transport), keys, login: None, release: OnceCell::new() }
    }

    /// Machines log in at this address.
    #[must_use]
    pub fn logging_in_at(self, login: Option<String>) -> Self {
        Self { login, ..self }
    }

    /// With another pace of repeating.
    #[must_use]
    pub fn pace(self, pace: crate::Pace) -> Self {
        Self { wire: self.wire.pace(pace), ..self }
    }

    /// Which version it is.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for one whose interface is not known here.
    pub async fn release(&self) -> Result<Release, Error> {
        let ask = || async {
            let call = Call::get("read the version", "/version");
            let reply = self.wire.demand(&call, None, &Scrubber::default()).await?;
            release::read(&reply.body)
        };
        self.release.get_or_try_init(ask).await.copied()
    }
}

#[async_trait]
impl Client for Headscale {
    fn wire(&self) -> &Wire {
        &self.wire
    }

    /// A key, for a server that is known to be of a version that we can talk to.
    async fn bearer(&self, refused: Option<&Secret>) -> Result<Secret, Error> {
        self.release().await?;
        let key = self.keys.current(refused).await?;
        if let Some(key) = self.keys.take_unused() {
            self.sweep(&key).await;
        }
        Ok(key)
    }

    fn can_renew(&self) -> bool {
        self.keys.are_made()
    }

    /// Of a thing that is missing it says which; with these words alone it answers calls that it does not
    /// have.
    fn meant(&self, call: &Call, error: Error) -> Error {
        match error {
            Error::NotFound { server, answered } if answered.message == NO_SUCH_CALL => {
                let path = call.path.split('?').next().unwrap_or_default();
                let what = format!(
                    "{server} has no {} {path}, which is needed to {} and which a Headscale of its version has",
                    call.method, call.operation
                );
                Error::Unsupported { what }
            }
            error => error,
        }
    }

    fn secrets(&self, bearer: &Secret) -> Scrubber {
        Scrubber::new([bearer.clone()])
    }
}

#[async_trait]
impl Control for Headscale {
    fn kind(&self) -> Kind {
        Kind::Headscale
    }

    fn login_server(&self) -> Option<&str> {
        self.login.as_deref()
    }

    async fn policy(&self) -> Result<Option<StoredPolicy>, Error> {
        self.stored_policy().await
    }

    async fn set_policy(&self, text: &str, expected: &Expected) -> Result<StoredPolicy, Error> {
        self.replace_policy(text, expected).await
    }

    async fn reset_policy(&self, expected: &Expected) -> Result<(), Error> {
        self.replace_policy(policy::OPEN, expected).await.map(drop)
    }

    async fn check_policy(&self, text: &str) -> Result<Verdict, Error> {
        self.verdict(text).await
    }

    async fn create_key(&self, spec: &KeySpec) -> Result<CreatedKey, Error> {
        self.make_key(spec).await
    }

    async fn key(&self, id: &str) -> Result<Option<KeyInfo>, Error> {
        self.find_key(id).await
    }

    async fn revoke_key(&self, id: &str) -> Result<(), Error> {
        self.expire_key(id).await
    }

    async fn devices(&self) -> Result<Vec<Device>, Error> {
        self.list_nodes().await
    }

    async fn device(&self, id: &str) -> Result<Option<Device>, Error> {
        self.find_node(id).await
    }

    async fn change_device(&self, id: &str, change: &DeviceChange) -> Result<(), Error> {
        self.set_node(id, change).await
    }

    async fn remove_device(&self, id: &str) -> Result<(), Error> {
        self.delete_node(id).await
    }

    async fn dns(&self) -> Result<Dns, Error> {
        Err(without_interface(DNS))
    }

    async fn change_dns(&self, _change: &DnsChange) -> Result<(), Error> {
        Err(without_interface(DNS))
    }

    async fn settings(&self) -> Result<TailnetSettings, Error> {
        Err(without_interface(SETTINGS))
    }

    async fn change_settings(&self, _settings: &TailnetSettings) -> Result<(), Error> {
        Err(without_interface(SETTINGS))
    }

    async fn close(&self) {
        self.give_back().await;
    }
}
