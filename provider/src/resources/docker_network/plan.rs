//! What a configuration of `windlass_docker_network` may say.

use std::net::IpAddr;

use docker::Cidr;
use framework::{Diagnostic, Diagnostics};

use super::model::NetworkModel;
use crate::docker_objects;

/// Networks that every daemon has, or makes itself.
const THEIRS: [&str; 5] = ["bridge", "docker_gwbridge", "host", "ingress", "none"];

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
    use super::{super::model::Range, *};

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
