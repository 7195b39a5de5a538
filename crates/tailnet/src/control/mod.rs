//! What both control servers can do, in one vocabulary.

mod device;
mod dns;
mod error;
mod key;
mod policy;
mod settings;

use async_trait::async_trait;

pub use device::{Device, DeviceChange, EXIT_ROUTES};
pub use dns::{Dns, DnsChange, SplitDns};
pub use error::{Answered, Error};
pub use key::{CreatedKey, KeyInfo, KeySpec, KeyStatus};
pub use policy::{Expected, PolicyVersion, StoredPolicy, Verdict};
pub use settings::TailnetSettings;

/// Which control server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Tailscale's own.
    Tailscale,
    /// One that somebody runs.
    Headscale,
}

impl Kind {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tailscale => "Tailscale",
            Self::Headscale => "Headscale",
        }
    }
}

/// A control server.
#[async_trait]
pub trait Control: Send + Sync {
    /// Which one it is.
    fn kind(&self) -> Kind;

    /// Where machines log in; `None` where only the one who runs the server knows that.
    fn login_server(&self) -> Option<&str>;

    /// The policy that is in force; `None` where there has never been one.
    async fn policy(&self) -> Result<Option<StoredPolicy>, Error>;

    /// Puts `text` into force, if the policy there is still the expected one.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is another one; nothing is changed then.
    async fn set_policy(&self, text: &str, expected: &Expected) -> Result<StoredPolicy, Error>;

    /// Goes back to what the server has without a policy of anybody's, which lets everybody reach
    /// everything, if the policy there is still the expected one.
    ///
    /// # Errors
    /// As [`Control::set_policy`].
    async fn reset_policy(&self, expected: &Expected) -> Result<(), Error>;

    /// What the server thinks of `text`, its `tests` included. Nothing is changed.
    async fn check_policy(&self, text: &str) -> Result<Verdict, Error>;

    /// Makes a key by which machines join. Never asked twice.
    ///
    /// # Errors
    /// [`Error::KeyLost`] when it may have been made and its answer was lost.
    async fn create_key(&self, spec: &KeySpec) -> Result<CreatedKey, Error>;

    /// What has become of a key; `None` when the server does not know it any more.
    async fn key(&self, id: &str) -> Result<Option<KeyInfo>, Error>;

    /// Makes a key worthless; already so is success.
    async fn revoke_key(&self, id: &str) -> Result<(), Error>;

    /// Every machine of the tailnet, by name.
    async fn devices(&self) -> Result<Vec<Device>, Error>;

    /// One machine; `None` when the tailnet does not have it any more.
    async fn device(&self, id: &str) -> Result<Option<Device>, Error>;

    /// Changes one setting of a machine.
    async fn change_device(&self, id: &str, change: &DeviceChange) -> Result<(), Error>;

    /// Removes a machine from the tailnet; already gone is success.
    async fn remove_device(&self, id: &str) -> Result<(), Error>;

    /// The DNS of the tailnet.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where the server has no interface for it, as the three below.
    async fn dns(&self) -> Result<Dns, Error>;

    /// Changes a part of the DNS.
    async fn change_dns(&self, change: &DnsChange) -> Result<(), Error>;

    /// The settings of the tailnet.
    async fn settings(&self) -> Result<TailnetSettings, Error>;

    /// Changes the settings that are there, and no others.
    async fn change_settings(&self, settings: &TailnetSettings) -> Result<(), Error>;

    /// Does what is due when nobody needs the server any more, such as giving back a key of its
    /// interface.
    async fn close(&self) {}
}
