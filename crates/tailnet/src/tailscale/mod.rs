//! Tailscale's own control server, through its public interface (version 2).

mod credentials;
mod devices;
mod dns;
mod keys;
mod policy;

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use secret::{Scrubber, Secret};

use crate::{
    Control, CreatedKey, Device, DeviceChange, Dns, DnsChange, Error, Expected, KeyInfo, KeySpec, Kind,
    StoredPolicy, TailnetSettings, Verdict,
    transport::{Call, Client, Wire},
};

use credentials::Token;
pub use credentials::{Credentials, TokenSource};

/// One tailnet at Tailscale.
pub struct Tailscale {
    wire: Wire,
    tailnet: String,
    credentials: Credentials,
    token: tokio::sync::Mutex<Option<Token>>,
    /// The secrets of this process, which no words of the server may repeat.
    secrets: Mutex<Scrubber>,
}

impl Tailscale {
    /// The tailnet `tailnet` (`-` for the one that the credentials belong to).
    pub fn new(transport: Arc<dyn crate::Transport>, tailnet: &str, credentials: Credentials) -> Self {
        let secrets = Mutex::new(Scrubber::new(credentials.secrets()));
        Self {
            wire: Wire::new(transport),
            tailnet: tailnet.to_owned(),
            credentials,
            token: tokio::sync::Mutex::default(),
            secrets,
        }
    }

    /// With another pace of repeating.
    #[must_use]
    pub fn pace(self, pace: crate::Pace) -> Self {
        Self { wire: self.wire.pace(pace), ..self }
    }

    fn known_secrets(&self) -> Scrubber {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A path of this tailnet.
    fn path(&self, rest: &str) -> String {
        format!("/api/v2/tailnet/{}/{rest}", segment(&self.tailnet))
    }
}

#[async_trait]
impl Client for Tailscale {
    fn wire(&self) -> &Wire {
        &self.wire
    }

    fn can_renew(&self) -> bool {
        self.credentials.are_exchanged()
    }

    fn secrets(&self, _bearer: &Secret) -> Scrubber {
        self.known_secrets()
    }

    async fn bearer(&self, refused: Option<&Secret>) -> Result<Secret, Error> {
        if let Credentials::ApiKey(key) = &self.credentials {
            return Ok(key.clone());
        }
        let mut token = self.token.lock().await;
        if let Some(token) = token.as_ref().filter(|token| token.is_good() && Some(&token.secret) != refused)
        {
            return Ok(token.secret.clone());
        }
        let fresh = credentials::exchange(&self.wire, &self.credentials, &self.known_secrets()).await?;
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).add(fresh.secret.clone());
        Ok(token.insert(fresh).secret.clone())
    }
}

/// A text as one segment of a path.
pub(crate) fn segment(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                encoded.push(char::from(byte))
            }
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[async_trait]
impl Control for Tailscale {
    fn kind(&self) -> Kind {
        Kind::Tailscale
    }

    fn login_server(&self) -> Option<&str> {
        Some(crate::node::TAILSCALE_LOGIN)
    }

    async fn policy(&self) -> Result<Option<StoredPolicy>, Error> {
        self.stored_policy().await.map(Some)
    }

    async fn set_policy(&self, text: &str, expected: &Expected) -> Result<StoredPolicy, Error> {
        self.replace_policy(text, expected).await
    }

    async fn reset_policy(&self, expected: &Expected) -> Result<(), Error> {
        self.replace_policy("", expected).await.map(drop)
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
        self.delete_key(id).await
    }

    async fn devices(&self) -> Result<Vec<Device>, Error> {
        self.list_devices().await
    }

    async fn device(&self, id: &str) -> Result<Option<Device>, Error> {
        self.find_device(id).await
    }

    async fn change_device(&self, id: &str, change: &DeviceChange) -> Result<(), Error> {
        self.set_device(id, change).await
    }

    async fn remove_device(&self, id: &str) -> Result<(), Error> {
        self.delete_device(id).await
    }

    async fn dns(&self) -> Result<Dns, Error> {
        self.read_dns().await
    }

    async fn change_dns(&self, change: &DnsChange) -> Result<(), Error> {
        self.set_dns(change).await
    }

    async fn settings(&self) -> Result<TailnetSettings, Error> {
        self.answer(&Call::get("read the settings", self.path("settings"))).await
    }

    async fn change_settings(&self, settings: &TailnetSettings) -> Result<(), Error> {
        let call = Call::with_method("PATCH", "change the settings", self.path("settings"));
        self.carry_out(&call.json(&serde_json::json!(settings)).repeatable()).await
    }
}
