//! What the Engine says, in the shape that the rest of Windlass uses.

use std::collections::{BTreeMap, BTreeSet};

use bollard::models::{
    ContainerInspectResponse, ContainerSummary, ContainerSummaryStateEnum, ImageInspect, PortSummary,
    SystemVersion,
};

use super::status::{Health, StatusText};

/// What a swarm's agent writes on the container of a task: the task's id.
const TASK_LABEL: &str = "com.docker.swarm.task.id";

/// The state of a container as the daemon names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum State {
    /// Made, never started.
    Created,
    Running,
    /// Frozen by hand.
    Paused,
    /// Exited, and waiting for its restart policy to start it again.
    Restarting,
    /// Being removed.
    Removing,
    /// Ended.
    Exited,
    /// Ended and could not be removed.
    Dead,
}

/// A port of a container that is published on the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    /// The address on the host, `0.0.0.0` and `::` for all.
    pub address: String,
    /// The port on the host.
    pub published: u16,
    /// The port in the container.
    pub target: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
}

/// A container as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct Container {
    /// Its id, 64 hex digits.
    pub id: String,
    /// Its name, without the slash.
    pub name: String,
    /// The image reference it was made from.
    pub image: String,
    /// The id of the image it runs (`sha256:…`).
    pub image_id: String,
    /// Seconds since the epoch when it was made.
    pub created: i64,
    pub state: State,
    /// What the status text adds.
    pub status: StatusText,
    pub labels: BTreeMap<String, String>,
    /// What it publishes, sorted, without repeats.
    pub ports: Vec<Port>,
    /// The names of the networks that it is attached to.
    pub networks: BTreeSet<String>,
}

impl Container {
    pub(super) fn from_summary(summary: &ContainerSummary) -> Self {
        let mut ports: Vec<_> = summary.ports.iter().flatten().filter_map(published).collect();
        ports.sort();
        ports.dedup();
        let name = summary.names.iter().flatten().next().map_or("", |name| name.trim_start_matches('/'));
        Self {
            id: summary.id.clone().unwrap_or_default(),
            name: name.to_owned(),
            image: summary.image.clone().unwrap_or_default(),
            image_id: summary.image_id.clone().unwrap_or_default(),
            created: summary.created.unwrap_or_default(),
            state: state(summary.state),
            status: StatusText::parse(summary.status.as_deref().unwrap_or_default()),
            labels: summary.labels.clone().unwrap_or_default().into_iter().collect(),
            ports,
            networks: networks(summary),
        }
    }

    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    /// Whether it ran a task of a swarm, and has ended. The swarm starts none again, and removes it
    /// by itself: a moment after its service, or when there are enough newer ones of a service that
    /// stays.
    pub fn is_ended_task(&self) -> bool {
        self.label(TASK_LABEL).is_some()
            && matches!(self.state, State::Removing | State::Exited | State::Dead)
    }

    /// The verdict of its health check; `None` where it has none or is not up.
    pub fn health(&self) -> Option<Health> {
        self.status.health
    }
}

fn networks(summary: &ContainerSummary) -> BTreeSet<String> {
    let settings = summary.network_settings.as_ref();
    let all = settings.and_then(|settings| settings.networks.as_ref());
    all.into_iter().flat_map(|networks| networks.keys().cloned()).collect()
}

fn published(port: &PortSummary) -> Option<Port> {
    Some(Port {
        address: port.ip.clone().unwrap_or_default(),
        published: port.public_port?,
        target: port.private_port,
        protocol: port.typ.map(|protocol| protocol.to_string()).unwrap_or_default(),
    })
}

fn state(state: Option<ContainerSummaryStateEnum>) -> State {
    use ContainerSummaryStateEnum as Api;
    match state {
        // A container that is stopping still runs; one without a state is older than the field.
        Some(Api::RUNNING | Api::STOPPING) => State::Running,
        Some(Api::PAUSED) => State::Paused,
        Some(Api::RESTARTING) => State::Restarting,
        Some(Api::REMOVING) => State::Removing,
        Some(Api::EXITED) => State::Exited,
        Some(Api::DEAD) => State::Dead,
        Some(Api::CREATED | Api::EMPTY) | None => State::Created,
    }
}

/// The current run of a container, which only its inspection tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// How often its restart policy has started it again since it was made.
    pub restarts: i64,
    /// How its last run ended.
    pub exit_code: i64,
    /// Whether the kernel ended it for want of memory.
    pub out_of_memory: bool,
    /// When this run began, RFC 3339 with nanoseconds.
    pub started_at: String,
    /// Why it could not be started.
    pub error: String,
    /// What the health check wrote in its last run.
    pub health_output: String,
}

impl Run {
    pub(super) fn from_inspect(found: &ContainerInspectResponse) -> Self {
        let state = found.state.clone().unwrap_or_default();
        let health_output = state
            .health
            .and_then(|health| health.log)
            .and_then(|log| log.last().and_then(|result| result.output.clone()))
            .unwrap_or_default();
        Self {
            restarts: found.restart_count.unwrap_or_default(),
            exit_code: state.exit_code.unwrap_or_default(),
            out_of_memory: state.oom_killed.unwrap_or_default(),
            started_at: state.started_at.unwrap_or_default(),
            error: state.error.unwrap_or_default(),
            health_output: health_output.trim_end().to_owned(),
        }
    }
}

/// An image on the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct Image {
    /// Its id (`sha256:…`).
    pub id: String,
    /// The references with a digest under which a registry knows it; none for images that were
    /// built or loaded here.
    pub digests: Vec<String>,
    /// The references with a tag under which the host has it.
    pub tags: Vec<String>,
    pub labels: BTreeMap<String, String>,
}

impl Image {
    pub(super) fn from_inspect(found: &ImageInspect) -> Self {
        let labels = found.config.as_ref().and_then(|config| config.labels.clone());
        Self {
            id: found.id.clone().unwrap_or_default(),
            digests: found.repo_digests.clone().unwrap_or_default(),
            tags: found.repo_tags.clone().unwrap_or_default(),
            labels: labels.unwrap_or_default().into_iter().collect(),
        }
    }
}

/// The version of a daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineVersion {
    /// Its version: `26.1.5+dfsg1`.
    pub version: String,
    /// The newest API version it speaks: `1.45`.
    pub api: String,
    /// Whether it is podman behind docker's API.
    pub podman: bool,
}

impl EngineVersion {
    pub(super) fn from_api(found: &SystemVersion) -> Self {
        let podman = found
            .components
            .iter()
            .flatten()
            .any(|component| component.name.to_ascii_lowercase().contains("podman"));
        Self {
            version: found.version.clone().unwrap_or_default(),
            api: found.api_version.clone().unwrap_or_default(),
            podman,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(json: &str) -> Container {
        Container::from_summary(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn reads_a_container_of_the_list() {
        // Cut down from GET /containers/json of Docker 26.1.5.
        let container = summary(
            r#"{"Id":"8dfa","Names":["/web-app-1"],"Image":"nginx:1","ImageID":"sha256:aa","Created":1700000000,
            "Ports":[{"IP":"0.0.0.0","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},
                     {"IP":"::","PrivatePort":80,"PublicPort":8080,"Type":"tcp"},{"PrivatePort":443,"Type":"tcp"}],
            "Labels":{"com.docker.compose.service":"app"},"State":"running","Status":"Up 5 seconds (healthy)"}"#,
        );
        assert_eq!(container.name, "web-app-1");
        assert_eq!(container.state, State::Running);
        assert_eq!(container.health(), Some(Health::Healthy));
        assert_eq!(container.label("com.docker.compose.service"), Some("app"));
        let port = |address: &str| Port {
            address: address.into(),
            published: 8080,
            target: 80,
            protocol: "tcp".into(),
        };
        assert_eq!(container.ports, [port("0.0.0.0"), port("::")]);
    }

    #[test]
    fn reads_a_container_that_exited() {
        let container = summary(r#"{"Id":"1","State":"exited","Status":"Exited (3) 2 hours ago"}"#);
        assert_eq!(container.state, State::Exited);
        assert_eq!(container.status.exit_code, Some(3));
    }

    #[test]
    fn only_a_task_that_has_ended_goes_by_itself() {
        let is_ended_task = |state: &str, labels: &str| {
            summary(&format!(r#"{{"Id":"1","State":"{state}","Labels":{labels}}}"#)).is_ended_task()
        };
        let task = r#"{"com.docker.swarm.task.id":"drvo"}"#;
        assert!(
            is_ended_task("exited", task) && is_ended_task("removing", task) && is_ended_task("dead", task)
        );
        assert!(!is_ended_task("running", task) && !is_ended_task("created", task));
        assert!(!is_ended_task("exited", r#"{"com.docker.compose.service":"app"}"#));
    }

    #[test]
    fn podman_is_known_by_its_components() {
        let version = |name: &str| {
            let json = format!(
                r#"{{"Version":"1","ApiVersion":"1.41","Components":[{{"Name":"{name}","Version":"1"}}]}}"#
            );
            EngineVersion::from_api(&serde_json::from_str(&json).unwrap())
        };
        assert!(version("Podman Engine").podman);
        assert!(!version("Engine").podman);
    }
}
