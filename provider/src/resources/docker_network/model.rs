//! The attributes of `windlass_docker_network`, and how a network becomes attributes.

use docker::engine::{Network, NetworkSpec, Subnet};
use framework::{Field, Model};

use crate::docker_objects::{ObjectFields, ObjectModel, set_map};

/// The driver of networks of a swarm.
pub(super) const OVERLAY: &str = "overlay";
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
        NetworkSpec {
            name: object.name.known_or_default(),
            driver: object.driver.known_or_default(),
            options: object.options.known_or_default(),
            labels: object.labels.known_or_default(),
            internal: self.internal.is_true(),
            attachable: self.attachable.is_true(),
            encrypted: self.encrypted.is_true(),
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
        self.encrypted = Field::Known(spec.encrypted);
        self.ipv6 = Field::Known(spec.ipv6);
        let asked = self.object.options.clone().known_or_default();
        let counts = |name: &String| asked.contains_key(name) || (adopting && name != VXLAN);
        let options = spec.options.iter().filter(|(name, _)| counts(name));
        let options = options.map(|(name, value)| (name.clone(), value.clone())).collect();
        set_map(&mut self.object.options, options);
        if !self.subnet.iter().all(|range| range.is_among(&spec.subnets)) {
            self.subnet = spec.subnets.iter().map(Range::of).collect();
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

    /// What it asks for, as far as that is known.
    pub(super) fn subnet(&self) -> Subnet {
        Subnet {
            cidr: self.cidr.clone().known_or_default(),
            gateway: self.gateway.known().cloned(),
            ip_range: self.ip_range.known().cloned(),
        }
    }

    /// Whether one of a network's ranges is what it asks for; nobody knows while a part is unknown.
    fn is_among(&self, has: &[Subnet]) -> bool {
        let is_known = ![&self.cidr, &self.gateway, &self.ip_range].iter().any(|part| part.is_unknown());
        is_known && has.iter().any(|one| one.serves(&self.subnet()))
    }
}

/// Whether the network has what these blocks ask for, and nothing that earlier ones asked for and
/// these do not. Without any, what there is will do.
fn is_met(blocks: &[Range], prior: &NetworkModel) -> bool {
    let has: Vec<_> = prior.subnets.clone().known_or_default().iter().map(Range::subnet).collect();
    let is_asked = |old: &Range| blocks.iter().any(|block| block.subnet().range() == old.subnet().range());
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
        found.spec.options = BTreeMap::from([(VXLAN.to_owned(), "4097".to_owned())]);
        found.spec.encrypted = true;
        let mut model = NetworkModel::default();
        model.set_observed(&found, true);
        assert_eq!((model.encrypted.is_true(), &model.object.options), (true, &Field::Null));
        assert!(model.spec().encrypted && model.spec().options.is_empty());
        model.set_observed(&network(), false);
        assert!(!model.encrypted.is_true() && !model.spec().encrypted);
    }

    #[test]
    fn what_is_unknown_is_no_range_of_the_network() {
        let has = [range("fd00:20::/64", "fd00:20::1").subnet()];
        assert!(range("fd00:0020::/64", "").is_among(&has));
        assert!(!Range { cidr: Field::Unknown, ..Range::default() }.is_among(&has));
        assert!(!Range { gateway: Field::Unknown, ..range("fd00:20::/64", "") }.is_among(&has));
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
