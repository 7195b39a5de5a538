//! The DNS of a tailnet.

use std::collections::BTreeMap;

/// Servers by the domain that they are asked for.
pub type SplitDns = BTreeMap<String, Vec<String>>;

/// What the server has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dns {
    /// Whether machines have names.
    pub magic_dns: bool,
    /// The servers that are asked for everything else.
    pub nameservers: Vec<String>,
    /// The domains that a short name is tried in.
    pub search_paths: Vec<String>,
    /// The servers of single domains.
    pub split: SplitDns,
}

/// One part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DnsChange {
    /// Whether machines have names.
    MagicDns(bool),
    /// These servers and no others. With none of them, Tailscale switches MagicDNS off as well.
    Nameservers(Vec<String>),
    /// These domains and no others.
    SearchPaths(Vec<String>),
    /// The servers of these domains; none is that a domain has no servers of its own any more. Other
    /// domains stay as they are.
    Domains(SplitDns),
    /// These domains and no others.
    AllDomains(SplitDns),
}
