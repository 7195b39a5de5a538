//! Networks of a daemon.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bollard::{
    models::{Ipam, IpamConfig, NetworkCreateRequest, NetworkInspect},
    query_parameters::{InspectNetworkOptions, ListNetworksOptionsBuilder},
};

use super::{Container, Engine, not_found, of_project};
use crate::Error;

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

impl Network {
    fn from_inspect(found: NetworkInspect) -> Self {
        let ranges = found.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
        let text = |field: Option<String>| field.filter(|text| !text.is_empty());
        let spec = NetworkSpec {
            name: found.name.unwrap_or_default(),
            driver: found.driver.unwrap_or_default(),
            options: found.options.unwrap_or_default().into_iter().collect(),
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
        NetworkCreateRequest {
            name: self.name.clone(),
            driver: Some(self.driver.clone()),
            options: Some(self.options.clone().into_iter().collect()),
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
}
