//! What a change of `windlass_docker_network` means.

use std::net::IpAddr;

use docker::Cidr;
use framework::{Diagnostic, Diagnostics, Field, Plan};

use super::{
    DockerNetwork,
    model::{NetworkModel, Range},
};
use crate::{
    docker_objects::{self, same_map},
    hosted::OnHost,
};

/// Networks that every daemon has, or makes itself.
const THEIRS: [&str; 5] = ["bridge", "docker_gwbridge", "host", "ingress", "none"];

/// Decides what replaces the network: whatever is more than another spelling of what it has.
pub(super) fn plan(plan: &mut Plan<OnHost<DockerNetwork>>) {
    let Some(prior) = plan.prior.as_ref().map(|prior| prior.model.clone()) else { return };
    if !same_map(&plan.planned.options, &prior.options) {
        plan.require_replace("options");
    }
    if !same_map(&plan.planned.labels, &prior.labels) {
        plan.require_replace("labels");
    }
    if !is_met(&plan.planned.subnet, &prior) {
        plan.require_replace("subnet");
    }
    if plan.planned.host != prior.host {
        plan.planned.id = Field::Unknown;
        plan.planned.subnets = Field::Unknown;
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

/// What the validators of single attributes cannot see: whether addresses are in their range.
pub(super) fn validate(config: &NetworkModel, problems: &mut Diagnostics) {
    for range in &config.subnet {
        let Some(cidr) = range.parsed() else { continue };
        let gateway = range.gateway.as_str().and_then(|text| text.parse::<IpAddr>().ok());
        if let Some(gateway) = gateway.filter(|gateway| !cidr.contains(*gateway)) {
            problems.push(outside("gateway", &gateway.to_string(), &cidr));
        }
        let part = range.ip_range.as_str().and_then(|text| text.parse::<Cidr>().ok());
        if let Some(part) = part.filter(|part| !cidr.covers(part)) {
            problems.push(outside("ip_range", &part.to_string(), &cidr));
        }
    }
}

/// Blocks in a set have no path of their own.
fn outside(attribute: &str, given: &str, cidr: &Cidr) -> Diagnostic {
    Diagnostic::error(format!("Invalid value for {attribute} of a subnet"))
        .detail(format!("{given} is not in {cidr}, the range of its `subnet` block."))
        .at("subnet")
}

/// Checks the name.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    if THEIRS.contains(&name) {
        return Err("must not be the name of a network that Docker makes itself".to_owned());
    }
    docker_objects::check_name(name)
}

/// Checks the spelling of a range.
pub(super) fn check_range(text: &str) -> Result<(), String> {
    text.parse::<Cidr>().map(drop).map_err(|error| error.to_string())
}

/// Checks the spelling of an address.
pub(super) fn check_address(text: &str) -> Result<(), String> {
    text.parse::<IpAddr>()
        .map(drop)
        .map_err(|_| "must be an address such as 10.20.0.1 or fd00:20::1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(cidr: &str) -> Range {
        Range { cidr: cidr.into(), ..Range::default() }
    }

    #[test]
    fn blocks_that_the_network_meets_already_replace_nothing() {
        let adopted =
            NetworkModel { subnets: Field::Known(vec![range("10.20.0.0/24")]), ..NetworkModel::default() };
        assert!(is_met(&[], &adopted));
        assert!(is_met(&[range("10.20.0.0/24")], &adopted));
        assert!(!is_met(&[range("10.21.0.0/24")], &adopted));
        let both = vec![range("10.20.0.0/24"), range("fd00:20::/64")];
        let ours = NetworkModel {
            subnets: Field::Known(both.clone()),
            subnet: both.clone(),
            ..NetworkModel::default()
        };
        assert!(is_met(&both, &ours));
        assert!(!is_met(&both[..1], &ours), "one less is asked for");
    }

    #[test]
    fn addresses_outside_of_their_range_are_refused() {
        let config = NetworkModel {
            subnet: vec![Range {
                cidr: "10.20.0.0/24".into(),
                gateway: "10.21.0.1".into(),
                ip_range: "10.20.0.0/16".into(),
            }],
            ..NetworkModel::default()
        };
        let mut problems = Diagnostics::new();
        validate(&config, &mut problems);
        let titles: Vec<_> = problems.iter().map(|problem| problem.summary.as_str()).collect();
        assert_eq!(
            titles,
            ["Invalid value for gateway of a subnet", "Invalid value for ip_range of a subnet"]
        );
    }

    #[test]
    fn the_networks_of_docker_are_not_ours() {
        assert!(check_name("host").is_err() && check_name("hosts").is_ok());
    }
}
