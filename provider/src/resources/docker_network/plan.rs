//! What a configuration of `windlass_docker_network` may say.

use std::net::IpAddr;

use framework::{Diagnostic, Diagnostics};

use super::model::{NetworkModel, OVERLAY, Range};
use crate::docker_objects;

/// The driver where the configuration names none.
pub(super) const BRIDGE: &str = "bridge";
/// Networks that every daemon has, or makes itself.
const THEIRS: [&str; 5] = ["bridge", "docker_gwbridge", "host", "ingress", "none"];

/// What the validators of single attributes cannot see: whether addresses are in their range.
pub(super) fn validate(config: &NetworkModel, problems: &mut Diagnostics) {
    validate_kind(config, problems);
    for subnet in config.subnet.iter().map(Range::subnet) {
        for (name, given) in subnet.outside() {
            problems.push(outside(name, &given, &subnet.cidr));
        }
    }
}

/// What only overlay networks have, and what is said in two ways.
fn validate_kind(config: &NetworkModel, problems: &mut Diagnostics) {
    let driver = config.object.driver.as_str().unwrap_or(if config.object.driver.is_null() {
        BRIDGE
    } else {
        OVERLAY
    });
    if config.encrypted.is_true() && driver != OVERLAY {
        let wrong = format!(
            "A `{driver}` network cannot be encrypted: only the nodes of a swarm encrypt, with `overlay`."
        );
        problems.push(Diagnostic::error("Invalid value for encrypted").detail(wrong).at("encrypted"));
    }
    if config.object.options.known().is_some_and(|options| options.contains_key("encrypted")) {
        let wrong = "The option `encrypted` has an attribute of its own: set `encrypted = true`.";
        problems.push(Diagnostic::error("Invalid value for options").detail(wrong).at("options"));
    }
}

/// Blocks in a set have no path of their own.
fn outside(attribute: &str, given: &str, cidr: &str) -> Diagnostic {
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

/// Checks the spelling of an address.
pub(super) fn check_address(text: &str) -> Result<(), String> {
    text.parse::<IpAddr>()
        .map(drop)
        .map_err(|_| "must be an address such as 10.20.0.1 or fd00:20::1".to_owned())
}

#[cfg(test)]
mod tests {
    use framework::Field;

    use super::*;
    use crate::docker_objects::ObjectFields;

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
    fn what_only_a_swarm_encrypts_is_refused_elsewhere() {
        let told = |driver: Field<String>, options: &[(&str, &str)]| {
            let options =
                options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            let object = ObjectFields { driver, options: Field::Known(options), ..ObjectFields::default() };
            let mut problems = Diagnostics::new();
            validate(
                &NetworkModel { object, encrypted: Field::Known(true), ..NetworkModel::default() },
                &mut problems,
            );
            problems.to_string()
        };
        assert_eq!(told(OVERLAY.into(), &[]), "");
        assert_eq!(told(Field::Unknown, &[]), "");
        assert!(told(Field::Null, &[]).contains("A `bridge` network cannot be encrypted"));
        assert!(told(OVERLAY.into(), &[("encrypted", "")]).contains("set `encrypted = true`"));
    }

    #[test]
    fn the_networks_of_docker_are_not_ours() {
        assert!(check_name("host").is_err() && check_name("hosts").is_ok());
    }
}
