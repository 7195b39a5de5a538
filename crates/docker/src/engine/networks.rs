//! Networks of a daemon.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
};

use bollard::{
    models::{Ipam, IpamConfig, NetworkCreateRequest, NetworkInspect},
    query_parameters::{InspectNetworkOptions, ListNetworksOptionsBuilder},
};

use super::{Container, Engine, not_found, of_project};
use crate::{Cidr, Error};

/// The option of an overlay network by which what goes between its nodes is encrypted.
const ENCRYPTED: &str = "encrypted";

/// A range of addresses of a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subnet {
    /// The range: `10.1.0.0/24`.
    pub cidr: String,
    /// The address of the host in it, where one is known.
    pub gateway: Option<String>,
    /// The part of it that containers get addresses from, where it is not all.
    pub ip_range: Option<String>,
}

/// What a network is made of; the daemon changes nothing of it later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct NetworkSpec {
    pub name: String,
    /// `bridge`, `macvlan`, `overlay`, …
    pub driver: String,
    /// What the driver makes of it.
    pub options: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
    /// Whether it leads nowhere outside.
    pub internal: bool,
    /// Whether containers that no swarm service made may join it.
    pub attachable: bool,
    /// Whether the nodes of a swarm encrypt what goes between its containers; an option for the daemon,
    /// but not among `options`.
    pub encrypted: bool,
    pub ipv6: bool,
    /// Its ranges; with none asked for, the daemon chooses.
    pub subnets: Vec<Subnet>,
}

/// A network on a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Its id, 64 hex digits (of a swarm's network 25 letters).
    pub id: String,
    /// What it is made of.
    pub spec: NetworkSpec,
}

impl Subnet {
    /// The range itself, where it is one.
    pub fn range(&self) -> Option<Cidr> {
        self.cidr.parse().ok()
    }

    /// Whether a network that has this range has what is asked for, by what both mean and not by how
    /// it is written. What is not asked for may be anything.
    pub fn serves(&self, asked: &Self) -> bool {
        let address = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<IpAddr>().ok());
        let range = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Cidr>().ok());
        asked.range().is_some_and(|cidr| self.range() == Some(cidr))
            && (asked.gateway.is_none() || address(&asked.gateway) == address(&self.gateway))
            && (asked.ip_range.is_none() || range(&asked.ip_range) == range(&self.ip_range))
    }

    /// What of it lies outside of its range: `gateway` or `ip_range`, and the value.
    pub fn outside(&self) -> Vec<(&'static str, String)> {
        let Some(cidr) = self.range() else { return Vec::new() };
        let gateway = self.gateway.as_deref().and_then(|text| text.parse().ok());
        let gateway = gateway.filter(|gateway: &IpAddr| !cidr.contains(*gateway));
        let part = self.ip_range.as_deref().and_then(|text| text.parse().ok());
        let part = part.filter(|part| !cidr.covers(part));
        let gateway = gateway.map(|gateway| ("gateway", gateway.to_string()));
        gateway.into_iter().chain(part.map(|part| ("ip_range", part.to_string()))).collect()
    }
}

impl Network {
    fn from_inspect(found: NetworkInspect) -> Self {
        let ranges = found.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
        let text = |field: Option<String>| field.filter(|text| !text.is_empty());
        let mut options: BTreeMap<_, _> = found.options.unwrap_or_default().into_iter().collect();
        let spec = NetworkSpec {
            encrypted: options.remove(ENCRYPTED).is_some(),
            options,
            name: found.name.unwrap_or_default(),
            driver: found.driver.unwrap_or_default(),
            labels: found.labels.unwrap_or_default().into_iter().collect(),
            internal: found.internal.unwrap_or_default(),
            attachable: found.attachable.unwrap_or_default(),
            ipv6: found.enable_ipv6.unwrap_or_default(),
            subnets: ranges
                .into_iter()
                .map(|range| Subnet {
                    cidr: range.subnet.unwrap_or_default(),
                    gateway: text(range.gateway),
                    ip_range: text(range.ip_range),
                })
                .collect(),
        };
        Self { id: found.id.unwrap_or_default(), spec }
    }
}

impl NetworkSpec {
    fn to_request(&self) -> NetworkCreateRequest {
        let range = |subnet: &Subnet| IpamConfig {
            subnet: Some(subnet.cidr.clone()),
            gateway: subnet.gateway.clone(),
            ip_range: subnet.ip_range.clone(),
            ..IpamConfig::default()
        };
        let ranges: Vec<_> = self.subnets.iter().map(range).collect();
        let encrypted = self.encrypted.then(|| (ENCRYPTED.to_owned(), String::new()));
        NetworkCreateRequest {
            name: self.name.clone(),
            driver: Some(self.driver.clone()),
            options: Some(self.options.clone().into_iter().chain(encrypted).collect()),
            labels: Some(self.labels.clone().into_iter().collect()),
            internal: Some(self.internal),
            attachable: Some(self.attachable),
            enable_ipv6: Some(self.ipv6),
            ipam: (!ranges.is_empty()).then(|| Ipam { config: Some(ranges), ..Ipam::default() }),
            ..NetworkCreateRequest::default()
        }
    }
}

impl Engine {
    /// The network `name`; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer, or has several of that name.
    pub async fn network(&self, name: &str) -> Result<Option<Network>, Error> {
        match self.docker.inspect_network(name, None::<InspectNetworkOptions>).await {
            // The daemon takes the beginning of an id as well.
            Ok(found) => Ok(Some(Network::from_inspect(found)).filter(|network| network.spec.name == name)),
            Err(source) if not_found(&source) => Ok(None),
            Err(source) => Err(self.error(&format!("inspect the network {name}"), source)),
        }
    }

    /// The names of the networks that were made for the Compose project `project`.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer.
    pub async fn networks(&self, project: &str) -> Result<BTreeSet<String>, Error> {
        let label = of_project(project);
        let filters = HashMap::from([("label", vec![label.as_str()])]);
        let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
        let found = self.docker.list_networks(Some(options)).await;
        let found = found.map_err(|source| self.error("list networks", source))?;
        Ok(found.into_iter().filter_map(|network| network.name).collect())
    }

    /// Makes a network and returns its id.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon refuses: the name is taken, the ranges overlap with
    /// others, the driver does not know an option.
    pub async fn create_network(&self, spec: &NetworkSpec) -> Result<String, Error> {
        let made = self.docker.create_network(spec.to_request()).await;
        made.map(|made| made.id)
            .map_err(|source| self.error(&format!("create the network {}", spec.name), source))
    }

    /// Removes the network. One that is gone already is no error.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not do it, because running containers are attached
    /// for example.
    pub async fn remove_network(&self, name: &str) -> Result<(), Error> {
        match self.docker.remove_network(name).await {
            Err(source) if !not_found(&source) => {
                Err(self.error(&format!("remove the network {name}"), source))
            }
            _ => Ok(()),
        }
    }

    /// The containers that are attached to the network, stopped ones included: they could not be
    /// started without it. One that was never started knows the network by the name that it was made
    /// with, not by the id.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer.
    pub async fn containers_on_network(&self, network: &Network) -> Result<Vec<Container>, Error> {
        self.list(HashMap::from([("network", vec![network.id.as_str(), network.spec.name.as_str()])])).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_network() {
        // Cut down from GET /networks/… of Docker 26.1.5.
        let json = r#"{"Name":"shared","Id":"6f","Scope":"local","Driver":"bridge","EnableIPv6":false,
            "IPAM":{"Driver":"default","Options":null,"Config":[{"Subnet":"10.7.0.0/24","IPRange":"","Gateway":"10.7.0.1"}]},
            "Internal":true,"Attachable":false,"Ingress":false,"ConfigOnly":false,"Containers":{},
            "Options":{"com.docker.network.driver.mtu":"1400"},"Labels":null}"#;
        let network = Network::from_inspect(serde_json::from_str(json).unwrap());
        let spec = NetworkSpec {
            name: "shared".into(),
            driver: "bridge".into(),
            options: BTreeMap::from([("com.docker.network.driver.mtu".into(), "1400".into())]),
            internal: true,
            subnets: vec![Subnet {
                cidr: "10.7.0.0/24".into(),
                gateway: Some("10.7.0.1".into()),
                ip_range: None,
            }],
            ..NetworkSpec::default()
        };
        assert_eq!(network, Network { id: "6f".into(), spec });
    }

    #[test]
    fn asks_for_what_is_meant() {
        let subnet =
            Subnet { cidr: "10.7.0.0/24".into(), ip_range: Some("10.7.0.128/25".into()), gateway: None };
        let spec = NetworkSpec {
            name: "shared".into(),
            driver: "bridge".into(),
            labels: BTreeMap::from([("a".into(), "b".into())]),
            ipv6: true,
            subnets: vec![subnet],
            ..NetworkSpec::default()
        };
        let json = serde_json::to_value(spec.to_request()).unwrap();
        let expected = serde_json::json!({
            "Name": "shared", "Driver": "bridge", "Internal": false, "Attachable": false, "EnableIPv6": true,
            "IPAM": {"Config": [{"Subnet": "10.7.0.0/24", "IPRange": "10.7.0.128/25"}]},
            "Options": {}, "Labels": {"a": "b"},
        });
        assert_eq!(json, expected);
        let plain = NetworkSpec { subnets: Vec::new(), ..spec };
        assert_eq!(serde_json::to_value(plain.to_request()).unwrap().get("IPAM"), None);
    }

    #[test]
    fn an_encrypted_network_is_one_by_an_option() {
        let mtu = BTreeMap::from([("mtu".to_owned(), "1400".to_owned())]);
        let spec = NetworkSpec { options: mtu.clone(), encrypted: true, ..NetworkSpec::default() };
        let options = spec.to_request().options.unwrap();
        assert_eq!((options.len(), options["encrypted"].as_str()), (2, ""));
        let found = NetworkInspect { options: Some(options), ..NetworkInspect::default() };
        let found = Network::from_inspect(found).spec;
        assert_eq!((found.encrypted, found.options), (true, mtu));
    }

    fn range(cidr: &str, gateway: &str, ip_range: &str) -> Subnet {
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Subnet { cidr: cidr.to_owned(), gateway: text(gateway), ip_range: text(ip_range) }
    }

    #[test]
    fn ranges_are_compared_by_what_they_mean() {
        let has = range("fd00:20::/64", "fd00:20::1", "");
        assert!(has.serves(&range("fd00:0020::/64", "", "")));
        assert!(has.serves(&range("fd00:20::/64", "fd00:20:0::1", "")));
        assert!(!has.serves(&range("fd00:20::/64", "fd00:20::2", "")));
        assert!(!has.serves(&range("fd00:20::/64", "", "fd00:20::/65")));
        assert!(!has.serves(&range("fd00:21::/64", "", "")));
        assert!(!has.serves(&range("", "", "")));
    }

    #[test]
    fn what_lies_outside_of_a_range_is_named() {
        let outside = |gateway, ip_range| range("10.20.0.0/24", gateway, ip_range).outside();
        assert_eq!(outside("10.20.0.1", "10.20.0.128/25"), []);
        let both = [("gateway", "10.21.0.1".to_owned()), ("ip_range", "10.20.0.0/16".to_owned())];
        assert_eq!(outside("10.21.0.1", "10.20.0.0/16"), both);
        assert_eq!(range("x", "10.21.0.1", "").outside(), []);
    }
}
