//! The settings of a machine, as Tailscale's daemon has them.

use serde::{Deserialize, Deserializer};

/// The settings. What is not among them is nobody's business here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Prefs {
    /// The control server; empty for Tailscale's own.
    #[serde(rename = "ControlURL")]
    pub control_url: String,
    /// Whether routes that others offer are taken.
    pub route_all: bool,
    /// The stable id of the exit node.
    #[serde(rename = "ExitNodeID")]
    pub exit_node_id: String,
    /// The address of one that has not been found yet.
    #[serde(rename = "ExitNodeIP")]
    pub exit_node_ip: String,
    /// Whether the local network stays reachable beside an exit node.
    #[serde(rename = "ExitNodeAllowLANAccess")]
    pub exit_node_allow_lan_access: bool,
    /// Whether the tailnet's DNS is used.
    #[serde(rename = "CorpDNS")]
    pub corp_dns: bool,
    /// Whether Tailscale SSH is on.
    #[serde(rename = "RunSSH")]
    pub run_ssh: bool,
    /// Whether it shall be connected.
    pub want_running: bool,
    /// Whether it belongs to no tailnet.
    pub logged_out: bool,
    /// Whether nobody may connect to it.
    pub shields_up: bool,
    /// What it calls itself, where that is not the machine's own name.
    #[serde(deserialize_with = "null_is_empty")]
    pub hostname: String,
    /// The routes that it offers, those of an exit node among them.
    #[serde(deserialize_with = "null_is_empty")]
    pub advertise_routes: Vec<String>,
    /// The services that it offers to host.
    #[serde(deserialize_with = "null_is_empty")]
    pub advertise_services: Vec<String>,
    /// Who may give it orders beside root.
    pub operator_user: String,
    /// Whether addresses stay as they are behind routes that it offers.
    #[serde(rename = "NoSNAT")]
    pub no_snat: bool,
    /// Whether what it forwards is not filtered by state.
    pub no_stateful_filtering: Option<bool>,
    /// How much of the firewall is its own: 0 nothing, 1 not the jumps, 2 all.
    pub netfilter_mode: u8,
    /// Whether it is an app connector.
    pub app_connector: AppConnector,
    /// Whether it tells about its posture.
    pub posture_checking: bool,
}

/// What of an app connector is a setting of the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct AppConnector {
    /// Whether it is one.
    pub advertise: bool,
}

fn null_is_empty<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}
