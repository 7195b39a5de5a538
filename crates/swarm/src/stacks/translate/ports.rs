//! What a service publishes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    json::{is_set, list, number, object, text},
    keys::is_accepted,
    problem::Problem,
};

/// A port: what the swarm is told, and how it is shown.
struct Port {
    target: i64,
    published: Option<i64>,
    protocol: String,
    mode: String,
}

/// The ports of a service: what the swarm is told, and how they are shown.
pub(super) fn all(
    service: &str,
    body: &Value,
    accepted: &BTreeSet<String>,
    problems: &mut Vec<Problem>,
) -> (Vec<Value>, Vec<String>) {
    let mut ports = Vec::new();
    for one in list(body) {
        let address = text(&one["host_ip"]).unwrap_or_default();
        if !matches!(address.as_str(), "" | "0.0.0.0" | "::")
            && !is_accepted(service, "ports.host_ip", accepted)
        {
            let why = format!("a swarm publishes on all addresses of a node, and not on {address} alone");
            problems.push(Problem::changes(service, "ports.host_ip", &why));
        }
        let published = number(&one["published"]);
        if is_set(&one["published"]) && published.is_none() {
            let of = format!("service {service:?}");
            problems.push(Problem::value(
                &of,
                "ports",
                &one["published"],
                "is not one port: a swarm chooses none of a range",
            ));
        }
        let word = |key: &str, usual: &str| {
            text(&one[key]).filter(|word| !word.is_empty()).unwrap_or_else(|| usual.to_owned())
        };
        ports.push(Port {
            target: number(&one["target"]).unwrap_or_default(),
            published,
            protocol: word("protocol", "tcp"),
            mode: word("mode", "ingress"),
        });
    }
    ports.sort_by(|one, other| {
        (one.published, one.target, &one.protocol).cmp(&(other.published, other.target, &other.protocol))
    });
    (ports.iter().map(Port::spec).collect(), ports.iter().map(Port::shown).collect())
}

/// A port that the swarm has, as it is shown.
pub fn shown(spec: &Value) -> String {
    let word = |key: &str| text(&spec[key]).unwrap_or_default();
    let published = number(&spec["PublishedPort"]).filter(|port| *port != 0);
    let target = number(&spec["TargetPort"]).unwrap_or_default();
    Port { target, published, protocol: word("Protocol"), mode: word("PublishMode") }.shown()
}

impl Port {
    fn spec(&self) -> Value {
        object([
            ("Protocol", json!(self.protocol)),
            ("TargetPort", json!(self.target)),
            ("PublishedPort", json!(self.published)),
            ("PublishMode", json!(self.mode)),
        ])
    }

    fn shown(&self) -> String {
        let published = self.published.map(|port| format!("{port}->")).unwrap_or_default();
        let host = if self.mode == "host" { " (host)" } else { "" };
        format!("{published}{}/{}{host}", self.target, self.protocol)
    }
}
