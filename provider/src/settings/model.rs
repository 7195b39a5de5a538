//! The provider's configuration as Rust values.

use std::time::Duration;

use docker::Registry;
use framework::{Field, Model};
use remote::credentials::SshSettings;
use secret::Secret;

use super::{SopsBlock, StoreBlock, TailnetBlock};
use crate::require::RequireBlock;

/// The `provider "windlass"` block.
#[derive(Clone, Debug, Default, Model)]
pub struct ProviderModel {
    /// What an unreachable host means.
    pub(crate) on_unreachable: Field<String>,
    /// How to log in to hosts. Unknown as a whole under a `dynamic` block over something unknown.
    pub(crate) ssh: Field<Vec<SshBlock>>,
    /// How to log in to registries.
    pub(crate) registry: Field<Vec<RegistryBlock>>,
    /// The control servers of tailnets. What is unknown in one makes nothing else unknown.
    pub(crate) tailnet: Field<Vec<TailnetBlock>>,
    /// The key of encrypted files. What is unknown in it makes nothing else unknown.
    pub(crate) sops: Field<Vec<SopsBlock>>,
    /// Where snapshots live. What is unknown in one makes nothing else unknown.
    pub(crate) store: Field<Vec<StoreBlock>>,
    /// What every stack must keep to, where it does not say otherwise.
    pub(crate) require: Field<Vec<RequireBlock>>,
}

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct SshBlock {
    pub(crate) name: Field<String>,
    pub(crate) user: Field<String>,
    pub(crate) port: Field<u64>,
    pub(crate) private_key: Field<Secret>,
    pub(crate) private_key_file: Field<String>,
    pub(crate) passphrase: Field<Secret>,
    pub(crate) agent: Field<bool>,
    pub(crate) known_hosts_file: Field<String>,
    pub(crate) connect_timeout: Field<String>,
}

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct RegistryBlock {
    pub(crate) address: Field<String>,
    pub(crate) username: Field<String>,
    pub(crate) password: Field<Secret>,
}

impl ProviderModel {
    /// Everything, where all of it is known.
    pub(super) fn parts(&self) -> Option<(Vec<SshSettings>, Vec<Registry>, Option<String>)> {
        let (ssh, registries) = (decided(&self.ssh)?, decided(&self.registry)?);
        let ssh = ssh.iter().flatten().map(SshBlock::settings).collect::<Option<_>>()?;
        let registries = registries.iter().flatten().map(RegistryBlock::registry).collect::<Option<_>>()?;
        Some((ssh, registries, decided(&self.on_unreachable)?))
    }
}

impl SshBlock {
    fn settings(&self) -> Option<SshSettings> {
        Some(SshSettings {
            name: decided(&self.name)?,
            user: decided(&self.user)?,
            // The schema's validators have checked the range and the spelling.
            port: decided(&self.port)?.and_then(|port| u16::try_from(port).ok()),
            private_key: decided(&self.private_key)?,
            private_key_file: decided(&self.private_key_file)?,
            passphrase: decided(&self.passphrase)?,
            agent: decided(&self.agent)?,
            known_hosts_file: decided(&self.known_hosts_file)?,
            connect_timeout: decided(&self.connect_timeout)?.and_then(|text| duration(&text)),
        })
    }
}

impl RegistryBlock {
    fn registry(&self) -> Option<Registry> {
        Some(Registry {
            address: self.address.known()?.clone(),
            username: self.username.known()?.clone(),
            password: self.password.known()?.clone(),
        })
    }
}

/// The value or its absence; `None` while it is unknown.
fn decided<T: Clone>(field: &Field<T>) -> Option<Option<T>> {
    match field {
        Field::Unknown => None,
        Field::Null => Some(None),
        Field::Known(value) => Some(Some(value.clone())),
    }
}

fn duration(text: &str) -> Option<Duration> {
    framework::schema::parse_duration(text).ok()
}
