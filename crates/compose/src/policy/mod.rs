//! What people require of every service, checked before anything is done.
//!
//! The rules look at the project as `docker compose config` resolves it: after merging,
//! interpolation, `extends` and `include`, so that none of them is a way around. Of each service
//! they need a few [`Facts`] only, which are remembered in place of the document: a rule can be
//! changed without asking Compose again.

mod facts;
mod ports;

use std::{collections::BTreeMap, fmt};

pub use facts::Facts;
pub use ports::{BadEntry, HostPort, PORTS_GRAMMAR};

use crate::ready_state::ReadyState;

/// How an image has to be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pin {
    /// By a tag other than `latest`, or by a digest.
    Tag,
    /// By a digest.
    Digest,
}

/// What is required. Nothing is by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// How images are named. What is built has no name that anybody else could move.
    pub pinned_images: Option<Pin>,
    /// Whether every service that stays has a health check.
    pub health_checks: bool,
    /// Whether every service has a limit of memory.
    pub memory_limits: bool,
    /// Whether every service has a limit of processor time.
    pub cpu_limits: bool,
    /// Whether every service reserves memory.
    pub memory_reservations: bool,
    /// Whether every service reserves processor time.
    pub cpu_reservations: bool,
    /// Whether nothing may be privileged.
    pub no_privileged: bool,
    /// The only ports that may be published; `None` for any.
    pub host_ports: Option<Vec<HostPort>>,
}

/// One of the rules, by the name that people know it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// [`Policies::pinned_images`]
    PinnedImages,
    /// [`Policies::health_checks`]
    HealthChecks,
    /// [`Policies::memory_limits`]
    MemoryLimits,
    /// [`Policies::cpu_limits`]
    CpuLimits,
    /// [`Policies::memory_reservations`]
    MemoryReservations,
    /// [`Policies::cpu_reservations`]
    CpuReservations,
    /// [`Policies::no_privileged`]
    NoPrivileged,
    /// [`Policies::host_ports`]
    HostPorts,
}

impl Rule {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::PinnedImages => "pinned_images",
            Self::HealthChecks => "healthchecks",
            Self::MemoryLimits => "memory_limits",
            Self::CpuLimits => "cpu_limits",
            Self::MemoryReservations => "memory_reservations",
            Self::CpuReservations => "cpu_reservations",
            Self::NoPrivileged => "no_privileged",
            Self::HostPorts => "host_ports_allowed",
        }
    }
}

/// A service that does not keep to a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct Violation {
    pub service: String,
    /// Where in the resolved project: `services.api.deploy.resources.limits.memory`.
    pub path: String,
    pub rule: Rule,
    /// What is wrong there, after the path: `is not set`.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.path, self.what, self.rule.name())
    }
}

/// A service as the rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The reference of its image; none where it is built from its sources, or not known yet.
    pub image: Option<&'a str>,
    /// What it is when all is well.
    pub ready: ReadyState,
    /// The rest.
    pub facts: &'a Facts,
}

impl Policies {
    /// Everything in which `services` do not keep to the rules, in the order of the services.
    pub fn violations(&self, services: &BTreeMap<String, Subject<'_>>) -> Vec<Violation> {
        services.iter().flat_map(|(name, service)| self.of(name, service)).collect()
    }

    fn of(&self, service: &str, subject: &Subject<'_>) -> Vec<Violation> {
        let facts = subject.facts;
        let mut found = Vec::new();
        let mut add = |rule: Rule, path: &str, what: String| {
            let path = format!("services.{service}.{path}");
            found.push(Violation { service: service.to_owned(), path, rule, what });
        };
        if let (Some(pin), Some(image)) = (self.pinned_images, subject.image)
            && let Some(why) = loose(image, pin)
        {
            add(Rule::PinnedImages, "image", format!("is {image:?}, which {why}"));
        }
        if self.health_checks && subject.ready == ReadyState::Running {
            add(Rule::HealthChecks, "healthcheck", "is missing".to_owned());
        }
        for (wanted, has, rule, path) in [
            (self.memory_limits, facts.memory_limit, Rule::MemoryLimits, "limits.memory"),
            (self.cpu_limits, facts.cpu_limit, Rule::CpuLimits, "limits.cpus"),
            (
                self.memory_reservations,
                facts.memory_reservation,
                Rule::MemoryReservations,
                "reservations.memory",
            ),
            (self.cpu_reservations, facts.cpu_reservation, Rule::CpuReservations, "reservations.cpus"),
        ] {
            if wanted && !has {
                add(rule, &format!("deploy.resources.{path}"), "is not set".to_owned());
            }
        }
        for path in facts.privileged.iter().filter(|_| self.no_privileged) {
            add(Rule::NoPrivileged, path, "is true".to_owned());
        }
        if let Some(allowed) = &self.host_ports {
            let free = allowed.contains(&HostPort::Any);
            if facts.host_network && !free {
                let what = "is \"host\", which publishes every port that it listens on".to_owned();
                add(Rule::HostPorts, "network_mode", what);
            }
            for port in facts.ports.iter().filter(|port| !allowed.iter().any(|one| one.covers(port))) {
                add(Rule::HostPorts, "ports", format!("publishes {}", ports::shown(port)));
            }
        }
        found
    }
}

/// Why `image` is not as firm as `pin` asks.
fn loose(image: &str, pin: Pin) -> Option<&'static str> {
    if image.contains('@') || image.starts_with("sha256:") {
        return None;
    }
    if pin == Pin::Digest {
        return Some("has no digest");
    }
    match image.rsplit('/').next().unwrap_or(image).split_once(':') {
        None => Some("has no tag"),
        Some((_, "latest")) => Some("has a tag that moves"),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn violations(policies: &Policies, ready: ReadyState, service: &serde_json::Value) -> Vec<String> {
        let facts = Facts::of(service);
        let subject = Subject { image: service["image"].as_str(), ready, facts: &facts };
        let services = BTreeMap::from([("api".to_owned(), subject)]);
        policies.violations(&services).iter().map(Violation::to_string).collect()
    }

    fn ports(entries: &[&str]) -> Policies {
        let entries = entries.iter().map(|entry| HostPort::parse(entry).unwrap()).collect();
        Policies { host_ports: Some(entries), ..Policies::default() }
    }

    #[test]
    fn nothing_is_required_by_default() {
        let service = json!({"image": "a", "privileged": true, "network_mode": "host"});
        assert!(violations(&Policies::default(), ReadyState::Running, &service).is_empty());
    }

    #[test]
    fn images_are_pinned_by_tag_or_digest() {
        let digest = "a@sha256:0123";
        for (pin, image, why) in [
            (Pin::Tag, "nginx", Some("has no tag")),
            (Pin::Tag, "nginx:latest", Some("has a tag that moves")),
            (Pin::Tag, "registry:5000/x/nginx", Some("has no tag")),
            (Pin::Tag, "registry:5000/x/nginx:1.27", None),
            (Pin::Tag, digest, None),
            (Pin::Digest, "nginx:1.27", Some("has no digest")),
            (Pin::Digest, "nginx:latest@sha256:0123", None),
            (Pin::Digest, digest, None),
            (Pin::Digest, "sha256:0123", None),
        ] {
            let policies = Policies { pinned_images: Some(pin), ..Policies::default() };
            let found = violations(&policies, ReadyState::Running, &json!({"image": image}));
            let expected =
                why.map(|why| format!("services.api.image is {image:?}, which {why} (pinned_images)"));
            assert_eq!(found, Vec::from_iter(expected), "{image}");
        }
    }

    #[test]
    fn only_what_stays_needs_a_health_check() {
        let policies = Policies { health_checks: true, ..Policies::default() };
        for (ready, count) in [
            (ReadyState::Running, 1),
            (ReadyState::Healthy, 0),
            (ReadyState::Completed, 0),
            (ReadyState::Idle, 0),
        ] {
            let found = violations(&policies, ready, &json!({}));
            assert_eq!(found.len(), count, "{ready:?}");
            assert!(found.iter().all(|text| text == "services.api.healthcheck is missing (healthchecks)"));
        }
    }

    #[test]
    fn limits_and_reservations_are_known_in_both_spellings() {
        let rules = |text: &str| -> Policies {
            let has = |word: &str| text == word;
            Policies {
                memory_limits: has("memory_limits"),
                cpu_limits: has("cpu_limits"),
                memory_reservations: has("memory_reservations"),
                cpu_reservations: has("cpu_reservations"),
                ..Policies::default()
            }
        };
        let deploy = |kind: &str, what: &str, value: serde_json::Value| json!({"deploy": {"resources": {kind: {what: value}}}});
        for (rule, path, good, bad) in [
            (
                "memory_limits",
                "limits.memory",
                vec![json!({"mem_limit": "67108864"}), deploy("limits", "memory", json!("1"))],
                vec![json!({"mem_limit": "0"}), deploy("reservations", "memory", json!("1"))],
            ),
            (
                "cpu_limits",
                "limits.cpus",
                vec![json!({"cpus": 0.5}), json!({"cpu_quota": 5}), deploy("limits", "cpus", json!("0.5"))],
                vec![json!({"cpus": 0}), json!({"cpu_shares": 5})],
            ),
            (
                "memory_reservations",
                "reservations.memory",
                vec![json!({"mem_reservation": "3"}), deploy("reservations", "memory", json!("3"))],
                vec![json!({"mem_limit": "3"})],
            ),
            (
                "cpu_reservations",
                "reservations.cpus",
                vec![deploy("reservations", "cpus", json!(0.05))],
                vec![json!({"cpus": 1}), deploy("limits", "cpus", json!(1))],
            ),
        ] {
            let missing = format!("services.api.deploy.resources.{path} is not set ({rule})");
            for service in good {
                assert!(violations(&rules(rule), ReadyState::Idle, &service).is_empty(), "{rule} {service}");
            }
            for service in bad.into_iter().chain([json!({})]) {
                assert_eq!(
                    violations(&rules(rule), ReadyState::Idle, &service),
                    [missing.as_str()],
                    "{service}"
                );
            }
        }
    }

    #[test]
    fn privileges_are_found_wherever_they_are_given() {
        let policies = Policies { no_privileged: true, ..Policies::default() };
        let service = json!({
            "privileged": true, "build": {"context": "/x", "privileged": true}, "cap_add": ["NET_ADMIN"],
            "post_start": [{"command": ["a"]}, {"command": ["b"], "privileged": true}]
        });
        assert_eq!(
            violations(&policies, ReadyState::Running, &service),
            [
                "services.api.privileged is true (no_privileged)",
                "services.api.build.privileged is true (no_privileged)",
                "services.api.post_start[1].privileged is true (no_privileged)",
            ]
        );
        assert!(violations(&policies, ReadyState::Running, &json!({"privileged": false})).is_empty());
    }

    #[test]
    fn only_listed_ports_are_published() {
        let service = json!({"image": "a", "ports": [
            {"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"},
            {"mode": "ingress", "target": 53, "published": "53", "protocol": "udp", "host_ip": "127.0.0.1"},
            {"mode": "ingress", "target": 90, "protocol": "tcp"},
        ]});
        let words = |words: &str| format!("services.api.ports publishes {words} (host_ports_allowed)");
        assert_eq!(
            violations(&ports(&[]), ReadyState::Running, &service),
            [
                words("8080->80/tcp on every address"),
                words("127.0.0.1:53->53/udp"),
                words("90/tcp on a port that Docker chooses, on every address"),
            ]
        );
        assert_eq!(violations(&ports(&["8000-8100", "53/udp"]), ReadyState::Running, &service).len(), 1);
        assert!(violations(&ports(&["*"]), ReadyState::Running, &service).is_empty());
        assert!(violations(&ports(&[]), ReadyState::Running, &json!({"image": "a"})).is_empty());
    }

    #[test]
    fn a_run_publishes_nothing_but_what_the_host_s_network_does() {
        let ports = json!([{"mode": "ingress", "target": 80, "published": "8080", "protocol": "tcp"}]);
        let service = json!({"image": "a", "ports": ports, "network_mode": "host", "mem_limit": "1"});
        let all = Facts::of(&service);
        let run = all.clone().of_a_run();
        assert!(!all.ports.is_empty() && run.ports.is_empty());
        assert!(run.host_network && run.memory_limit);
    }

    #[test]
    fn the_host_s_network_is_every_port() {
        let service = json!({"image": "a", "network_mode": "host"});
        let all = ports(&["1-65535"]);
        assert_eq!(
            violations(&all, ReadyState::Running, &service),
            [
                "services.api.network_mode is \"host\", which publishes every port that it listens on (host_ports_allowed)"
            ]
        );
        assert!(violations(&ports(&["*"]), ReadyState::Running, &service).is_empty());
    }
}
