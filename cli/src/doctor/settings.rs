//! What the settings say of it.

use serde::Deserialize;

/// `[doctor]` of `windlass.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DoctorSettings {
    /// Hosts, as connections.
    pub hosts: Vec<String>,
    /// Servers whose certificates are looked at: `name` or `name:port`.
    pub certificates: Vec<String>,
}
