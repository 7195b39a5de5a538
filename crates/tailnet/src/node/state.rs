//! What a machine's daemon says of itself. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Prefs;

/// Whether a machine takes part in a tailnet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It belongs to none, or has to log in again.
    #[default]
    LoggedOut,
    /// It belongs to one whose administrator has to let it in.
    Unapproved,
    /// It belongs to one and is not connected, because somebody said so.
    Stopped,
    /// It is on its way.
    Starting,
    /// It takes part.
    Running,
}

/// What is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeState {
    /// Whether it takes part.
    pub state: State,
    /// The id by which the control server knows it.
    pub id: String,
    /// What it calls itself.
    pub hostname: String,
    /// Its name in MagicDNS, without a dot at its end; empty where the tailnet has none.
    pub fqdn: String,
    /// Its tags, sorted.
    pub tags: Vec<String>,
    /// Its addresses in the tailnet.
    pub addresses: Vec<String>,
    /// What stands behind the names of the tailnet; empty where it has none.
    pub suffix: String,
    /// The services that the tailnet lets it host, sorted.
    pub hosted_services: Vec<String>,
    /// The names that it can have certificates for.
    pub cert_domains: Vec<String>,
    /// What its daemon complains about.
    pub health: Vec<String>,
    /// Its settings.
    pub prefs: Prefs,
    /// How its exit node may be called: by id, address or name; empty where it uses none.
    pub exit_node: Vec<String>,
}

impl NodeState {
    /// Whether it belongs to a tailnet. One that was logged out after its control server had removed it
    /// calls itself stopped, and keeps its id.
    pub fn has_joined(&self) -> bool {
        self.state != State::LoggedOut && !self.id.is_empty() && !self.prefs.logged_out
    }

    /// Its first address of IPv4.
    pub fn ipv4(&self) -> Option<&str> {
        self.addresses.iter().map(String::as_str).find(|address| address.contains('.'))
    }

    /// Its first address of IPv6.
    pub fn ipv6(&self) -> Option<&str> {
        self.addresses.iter().map(String::as_str).find(|address| address.contains(':'))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Status {
    backend_state: String,
    #[serde(default, rename = "Self")]
    own: Option<Peer>,
    #[serde(default, rename = "TailscaleIPs")]
    addresses: Option<Vec<String>>,
    #[serde(default)]
    health: Option<Vec<String>>,
    #[serde(default)]
    cert_domains: Option<Vec<String>>,
    #[serde(default)]
    current_tailnet: Option<Tailnet>,
    #[serde(default)]
    peer: Option<BTreeMap<String, Peer>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tailnet {
    #[serde(rename = "MagicDNSSuffix")]
    suffix: String,
}

/// By the names of services, the addresses that they have.
type Services = BTreeMap<String, serde_json::Value>;

/// The capability that says which services a machine may host.
const SERVICE_HOST: &str = "service-host";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Peer {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "HostName")]
    hostname: String,
    #[serde(rename = "DNSName")]
    dns_name: String,
    #[serde(rename = "Tags")]
    tags: Option<Vec<String>>,
    #[serde(rename = "TailscaleIPs")]
    addresses: Option<Vec<String>>,
    #[serde(rename = "CapMap")]
    capabilities: Option<BTreeMap<String, serde_json::Value>>,
}

impl Peer {
    fn hosted_services(&self) -> Vec<String> {
        let told = self.capabilities.as_ref().and_then(|all| all.get(SERVICE_HOST)).cloned();
        let told: Vec<Services> = told.and_then(|told| serde_json::from_value(told).ok()).unwrap_or_default();
        let names: std::collections::BTreeSet<String> =
            told.into_iter().flatten().map(|(name, _)| name).collect();
        names.into_iter().collect()
    }
}

/// Reads `tailscale status --json`, without its settings.
pub(super) fn read(text: &[u8]) -> Result<NodeState, serde_json::Error> {
    let status: Status = serde_json::from_slice(text)?;
    let own = status.own.unwrap_or_default();
    let mut tags = own.tags.clone().unwrap_or_default();
    tags.sort();
    Ok(NodeState {
        state: match status.backend_state.as_str() {
            "Running" => State::Running,
            "Starting" => State::Starting,
            "Stopped" => State::Stopped,
            "NeedsMachineAuth" => State::Unapproved,
            _ => State::LoggedOut,
        },
        hosted_services: own.hosted_services(),
        suffix: status.current_tailnet.unwrap_or_default().suffix.trim_matches('.').to_owned(),
        id: own.id,
        hostname: own.hostname,
        fqdn: own.dns_name.trim_end_matches('.').to_owned(),
        tags,
        addresses: status.addresses.unwrap_or_default(),
        cert_domains: status.cert_domains.unwrap_or_default(),
        health: status.health.unwrap_or_default(),
        prefs: Prefs::default(),
        exit_node: Vec::new(),
    })
}

/// How the peer with this id may be called, the id first.
pub(super) fn spellings(text: &[u8], id: &str) -> Result<Vec<String>, serde_json::Error> {
    let status: Status = serde_json::from_slice(text)?;
    let mut spellings = vec![id.to_owned()];
    let peer = status.peer.unwrap_or_default().into_values().find(|peer| peer.id == id);
    if let Some(peer) = peer {
        let fqdn = peer.dns_name.trim_end_matches('.');
        let label = fqdn.split('.').next().unwrap_or_default();
        spellings.extend([label, fqdn, &peer.dns_name, &peer.hostname].map(str::to_owned));
        spellings.extend(peer.addresses.unwrap_or_default());
    }
    spellings.retain(|spelling| !spelling.is_empty());
    Ok(spellings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_told_in_our_words() {
        let state = read(
            br#"{"BackendState": "Running", "TailscaleIPs": ["100.64.0.1", "fd7a::1"], "Health": ["x"], "CertDomains": null,
            "CurrentTailnet": {"Name": "t", "MagicDNSSuffix": "tailnet.test", "MagicDNSEnabled": true},
            "Self": {"ID": "7", "HostName": "web", "DNSName": "web.tailnet.test.", "Tags": ["tag:b", "tag:a"],
            "CapMap": {"https": null, "service-host": [{"svc:api": ["100.65.0.1"]}]}}}"#,
        )
        .unwrap();
        assert_eq!(
            (state.suffix.as_str(), state.hosted_services.as_slice()),
            ("tailnet.test", &["svc:api".to_owned()][..])
        );
        assert!(state.has_joined());
        assert_eq!((state.id.as_str(), state.fqdn.as_str()), ("7", "web.tailnet.test"));
        assert_eq!((state.ipv4(), state.ipv6()), (Some("100.64.0.1"), Some("fd7a::1")));
        assert_eq!(state.tags, ["tag:a", "tag:b"]);
        let out = read(
            br#"{"BackendState": "NeedsLogin", "TailscaleIPs": null, "Self": {"ID": ""}, "Peer": null}"#,
        )
        .unwrap();
        assert!(!out.has_joined() && out.ipv4().is_none());
        assert!(read(b"Logged out.").is_err());
        let mut stopped =
            read(br#"{"BackendState": "Stopped", "Self": {"ID": "7", "HostName": "web"}}"#).unwrap();
        assert!(stopped.has_joined());
        stopped.prefs.logged_out = true;
        assert!(!stopped.has_joined());
    }

    #[test]
    fn an_exit_node_has_several_names() {
        let text = br#"{"BackendState": "Running", "Peer": {"nodekey:1": {"ID": "9", "HostName": "gate", "DNSName": "gate-1.tailnet.test.",
            "TailscaleIPs": ["100.64.0.9"]}}}"#;
        let expected = ["9", "gate-1", "gate-1.tailnet.test", "gate-1.tailnet.test.", "gate", "100.64.0.9"];
        assert_eq!(spellings(text, "9").unwrap(), expected);
        assert_eq!(spellings(text, "8").unwrap(), ["8"]);
    }
}
