//! The attributes of `windlass_docker_network`, and how a network becomes attributes.

use std::net::IpAddr;

use docker::{
    Cidr,
    engine::{Network, NetworkSpec, Subnet},
};
use framework::{Field, Model};

use crate::docker_objects::{ObjectFields, ObjectModel, set_map};

/// The driver of networks of a swarm.
pub(super) const OVERLAY: &str = "overlay";
/// The option by which such a one is encrypted.
pub(super) const ENCRYPTED: &str = "encrypted";
/// An option that a swarm sets itself.
const VXLAN: &str = "com.docker.network.driver.overlay.vxlanid_list";

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct NetworkModel {
    #[model(flatten)]
    pub(crate) object: ObjectFields,
    pub(crate) internal: Field<bool>,
    pub(crate) attachable: Field<bool>,
    pub(crate) encrypted: Field<bool>,
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
    /// What the daemon is asked for.
    pub(super) fn spec(&self) -> NetworkSpec {
        let object = self.object.clone();
        let mut options = object.options.known_or_default();
        if self.encrypted.is_true() {
            options.insert(ENCRYPTED.to_owned(), String::new());
        }
        NetworkSpec {
            name: object.name.known_or_default(),
            driver: object.driver.known_or_default(),
            options,
            labels: object.labels.known_or_default(),
            internal: self.internal.is_true(),
            attachable: self.attachable.is_true(),
            ipv6: self.ipv6.is_true(),
            subnets: self.subnet.iter().map(Range::subnet).collect(),
        }
    }
}

impl ObjectModel for NetworkModel {
    type Found = Network;

    fn object(&self) -> &ObjectFields {
        &self.object
    }

    fn object_mut(&mut self) -> &mut ObjectFields {
        &mut self.object
    }

    fn changed(&self, prior: &Self) -> Vec<&'static str> {
        let subnet = (!is_met(&self.subnet, prior)).then_some("subnet");
        self.object.changed(&prior.object).into_iter().chain(subnet).collect()
    }

    fn set_unknown(&mut self) {
        self.id = Field::Unknown;
        self.subnets = Field::Unknown;
    }

    fn set_computed(&mut self, found: &Network) {
        self.id = Field::Known(found.id.clone());
        self.subnets = Field::Known(found.spec.subnets.iter().map(Range::of).collect());
    }

    /// One that is being adopted brings all its options; of one that we made only those count that
    /// were asked for, because drivers may add their own.
    fn set_observed(&mut self, found: &Network, adopting: bool) {
        self.set_computed(found);
        let spec = &found.spec;
        self.object.set_observed(&spec.driver, &spec.labels);
        self.internal = Field::Known(spec.internal);
        self.attachable = Field::Known(spec.attachable);
        self.encrypted = Field::Known(spec.options.contains_key(ENCRYPTED));
        self.ipv6 = Field::Known(spec.ipv6);
        let asked = self.object.options.clone().known_or_default();
        let own = |name: &String| name != ENCRYPTED && name != VXLAN;
        let counts = |name: &String| asked.contains_key(name) || (adopting && own(name));
        let options = spec.options.iter().filter(|(name, _)| counts(name));
        let options = options.map(|(name, value)| (name.clone(), value.clone())).collect();
        set_map(&mut self.object.options, options);
        let has = spec.subnets.iter().map(Range::of).collect::<Vec<_>>();
        if !self.subnet.iter().all(|range| range.is_among(&has)) {
            self.subnet = has;
        }
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

/// Whether the network has what these blocks ask for, and nothing that earlier ones asked for and
/// these do not. Without any, what there is will do.
fn is_met(blocks: &[Range], prior: &NetworkModel) -> bool {
    let has = prior.subnets.clone().known_or_default();
    let is_asked = |old: &Range| blocks.iter().any(|block| block.parsed() == old.parsed());
    blocks.is_empty()
        || (blocks.iter().all(|block| block.is_among(&has)) && prior.subnet.iter().all(is_asked))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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
        assert_eq!((&model.object.options, &model.object.labels), (&Field::Null, &Field::Null));
        assert_eq!(model.subnet, [range("10.20.0.0/24", "")]);
        assert_eq!(model.subnets, Field::Known(vec![range("10.20.0.0/24", "10.20.0.1")]));
    }

    #[test]
    fn what_somebody_else_made_of_it_is_seen() {
        let options = BTreeMap::from([("mtu".to_owned(), "1500".to_owned())]);
        let mut model = NetworkModel {
            object: ObjectFields { options: Field::Known(options), ..ObjectFields::default() },
            subnet: vec![range("10.21.0.0/24", "")],
            ..NetworkModel::default()
        };
        model.set_observed(&network(), false);
        assert_eq!(model.object.options.known().unwrap()["mtu"], "1400");
        assert_eq!(model.subnet, [range("10.20.0.0/24", "10.20.0.1")]);
        let mut adopted = NetworkModel::default();
        adopted.set_observed(&network(), true);
        assert_eq!(adopted.object.options.known().unwrap().len(), 1);
        assert_eq!(adopted.subnet, []);
    }

    #[test]
    fn an_overlay_network_that_is_adopted_brings_what_a_user_can_say() {
        let mut found = network();
        found.spec.driver = OVERLAY.into();
        found.spec.options =
            BTreeMap::from([(VXLAN.to_owned(), "4097".to_owned()), (ENCRYPTED.to_owned(), String::new())]);
        let mut model = NetworkModel::default();
        model.set_observed(&found, true);
        assert_eq!((model.encrypted.is_true(), &model.object.options), (true, &Field::Null));
        assert_eq!(model.spec().options, BTreeMap::from([(ENCRYPTED.to_owned(), String::new())]));
        model.set_observed(&network(), false);
        assert!(!model.encrypted.is_true() && model.spec().options.is_empty());
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

    #[test]
    fn blocks_that_the_network_meets_already_replace_nothing() {
        let adopted = NetworkModel {
            subnets: Field::Known(vec![range("10.20.0.0/24", "")]),
            ..NetworkModel::default()
        };
        assert!(is_met(&[], &adopted));
        assert!(is_met(&[range("10.20.0.0/24", "")], &adopted));
        assert!(!is_met(&[range("10.21.0.0/24", "")], &adopted));
        let both = vec![range("10.20.0.0/24", ""), range("fd00:20::/64", "")];
        let ours = NetworkModel {
            subnets: Field::Known(both.clone()),
            subnet: both.clone(),
            ..NetworkModel::default()
        };
        assert!(is_met(&both, &ours));
        assert!(!is_met(&both[..1], &ours), "one less is asked for");
    }
}
