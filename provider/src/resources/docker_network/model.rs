//! The attributes of `windlass_docker_network`, and how a network becomes attributes.

use std::{collections::BTreeMap, net::IpAddr};

use docker::{
    Cidr,
    engine::{Network, NetworkSpec, Subnet},
};
use framework::{Field, Model};

use crate::docker_objects::{own_labels, set_map};

/// The attributes.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct NetworkModel {
    pub(crate) host: Field<String>,
    pub(crate) name: Field<String>,
    pub(crate) driver: Field<String>,
    pub(crate) options: Field<BTreeMap<String, String>>,
    pub(crate) labels: Field<BTreeMap<String, String>>,
    pub(crate) internal: Field<bool>,
    pub(crate) attachable: Field<bool>,
    pub(crate) ipv6: Field<bool>,
    pub(crate) subnet: Vec<Range>,
    pub(crate) id: Field<String>,
    pub(crate) subnets: Field<Vec<Range>>,
}

/// A range of addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct Range {
    pub(crate) cidr: Field<String>,
    pub(crate) gateway: Field<String>,
    pub(crate) ip_range: Field<String>,
}

impl NetworkModel {
    /// Takes over what only the daemon knows.
    pub(super) fn set_computed(&mut self, found: &Network) {
        self.id = Field::Known(found.id.clone());
        self.subnets = Field::Known(found.spec.subnets.iter().map(Range::of).collect());
    }

    /// Takes over the network as it is. One that is being adopted brings all its options; of one
    /// that we made only those count that were asked for, because drivers may add their own.
    pub(super) fn set_observed(&mut self, found: &Network, adopting: bool) {
        self.set_computed(found);
        let spec = &found.spec;
        self.driver = Field::Known(spec.driver.clone());
        self.internal = Field::Known(spec.internal);
        self.attachable = Field::Known(spec.attachable);
        self.ipv6 = Field::Known(spec.ipv6);
        let labels = own_labels(&spec.labels, &self.labels);
        set_map(&mut self.labels, labels);
        let asked = self.options.clone().known_or_default();
        let counts = |name: &String| adopting || asked.contains_key(name);
        let options = spec.options.iter().filter(|(name, _)| counts(name));
        let options = options.map(|(name, value)| (name.clone(), value.clone())).collect();
        set_map(&mut self.options, options);
        let has = spec.subnets.iter().map(Range::of).collect::<Vec<_>>();
        if !self.subnet.iter().all(|range| range.is_among(&has)) {
            self.subnet = has;
        }
    }

    /// What the daemon is asked for.
    pub(super) fn spec(&self) -> NetworkSpec {
        NetworkSpec {
            name: self.name().to_owned(),
            driver: self.driver.clone().known_or_default(),
            options: self.options.clone().known_or_default(),
            labels: self.labels.clone().known_or_default(),
            internal: self.internal.is_true(),
            attachable: self.attachable.is_true(),
            ipv6: self.ipv6.is_true(),
            subnets: self.subnet.iter().map(Range::subnet).collect(),
        }
    }

    /// The name, or nothing while it is unknown.
    pub(super) fn name(&self) -> &str {
        self.name.as_str().unwrap_or_default()
    }
}

impl Range {
    fn of(subnet: &Subnet) -> Self {
        Self {
            cidr: Field::Known(subnet.cidr.clone()),
            gateway: Field::from(subnet.gateway.clone()),
            ip_range: Field::from(subnet.ip_range.clone()),
        }
    }

    fn subnet(&self) -> Subnet {
        Subnet {
            cidr: self.cidr.clone().known_or_default(),
            gateway: self.gateway.known().cloned(),
            ip_range: self.ip_range.known().cloned(),
        }
    }

    /// The range itself, where it is known and one.
    pub(super) fn parsed(&self) -> Option<Cidr> {
        self.cidr.as_str().and_then(|text| text.parse().ok())
    }

    /// Whether the network that has these ranges has this one; what is not asked for may be
    /// anything.
    pub(super) fn is_among(&self, has: &[Self]) -> bool {
        has.iter().any(|other| {
            let address = |field: &Field<String>| field.as_str().and_then(|text| text.parse::<IpAddr>().ok());
            let range = |field: &Field<String>| field.as_str().and_then(|text| text.parse::<Cidr>().ok());
            self.parsed().is_some_and(|cidr| other.parsed() == Some(cidr))
                && (self.gateway.is_null() || address(&self.gateway) == address(&other.gateway))
                && (self.ip_range.is_null() || range(&self.ip_range) == range(&other.ip_range))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(cidr: &str, gateway: &str) -> Range {
        let gateway = Some(gateway.to_owned()).filter(|text| !text.is_empty());
        Range { cidr: cidr.into(), gateway: Field::from(gateway), ip_range: Field::Null }
    }

    fn network() -> Network {
        let subnet =
            Subnet { cidr: "10.20.0.0/24".into(), gateway: Some("10.20.0.1".into()), ip_range: None };
        let spec = NetworkSpec {
            name: "shared".into(),
            driver: "bridge".into(),
            options: BTreeMap::from([("mtu".into(), "1400".into())]),
            labels: BTreeMap::from([("com.docker.compose.network".into(), "x".into())]),
            subnets: vec![subnet],
            ..NetworkSpec::default()
        };
        Network { id: "6f".into(), spec }
    }

    #[test]
    fn what_was_not_asked_for_is_no_difference() {
        let mut model = NetworkModel { subnet: vec![range("10.20.0.0/24", "")], ..NetworkModel::default() };
        model.set_observed(&network(), false);
        assert_eq!((&model.options, &model.labels), (&Field::Null, &Field::Null));
        assert_eq!(model.subnet, [range("10.20.0.0/24", "")]);
        assert_eq!(model.subnets, Field::Known(vec![range("10.20.0.0/24", "10.20.0.1")]));
    }

    #[test]
    fn what_somebody_else_made_of_it_is_seen() {
        let options = BTreeMap::from([("mtu".to_owned(), "1500".to_owned())]);
        let mut model = NetworkModel {
            options: Field::Known(options),
            subnet: vec![range("10.21.0.0/24", "")],
            ..NetworkModel::default()
        };
        model.set_observed(&network(), false);
        assert_eq!(model.options.known().unwrap()["mtu"], "1400");
        assert_eq!(model.subnet, [range("10.20.0.0/24", "10.20.0.1")]);
        let mut adopted = NetworkModel::default();
        adopted.set_observed(&network(), true);
        assert_eq!(adopted.options.known().unwrap().len(), 1);
        assert_eq!(adopted.subnet, []);
    }

    #[test]
    fn ranges_are_compared_by_what_they_mean() {
        let has = [range("fd00:20::/64", "fd00:20::1")];
        assert!(range("fd00:0020::/64", "").is_among(&has));
        assert!(range("fd00:20::/64", "fd00:20:0::1").is_among(&has));
        assert!(!range("fd00:20::/64", "fd00:20::2").is_among(&has));
        assert!(!range("fd00:21::/64", "").is_among(&has));
        assert!(!Range { cidr: Field::Unknown, ..Range::default() }.is_among(&has));
    }
}
