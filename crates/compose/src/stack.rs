//! The stack as state shows it: what is wanted, what is there, and what lies between.
//!
//! All of it is pure. What is there comes from one list of containers and the record of the last
//! apply; what is wanted from Compose's own reading of the files. Every cause of a change is a
//! field of its own in [`ServiceState`], so that the difference of two states is the reason.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tree::FileDigest;

use super::{
    predict::{LABEL_FILES, Resolved, files_hash},
    project::Service,
    record::{Key, Record, Recorded},
};
use docker::{
    Error,
    engine::{Container, Health, Port, State},
};

/// Label of a container: the hash of its service's configuration, by Compose.
pub const LABEL_CONFIG_HASH: &str = "com.docker.compose.config-hash";
/// Label of a container: the id of the image it was made from, by Compose.
pub const LABEL_IMAGE: &str = "com.docker.compose.image";
/// Label of a container: its number within its service.
pub const LABEL_NUMBER: &str = "com.docker.compose.container-number";
/// Label of a container: `True` for those of `docker compose run`.
pub const LABEL_ONE_OFF: &str = "com.docker.compose.oneoff";
/// Label of a container: its service.
pub const LABEL_SERVICE: &str = "com.docker.compose.service";

/// Stands for a hash that is not what the last apply made, without telling what it is: the real
/// one may hash secrets.
pub const CHANGED: &str = "changed";

/// The status of a service that has left the files and whose containers stay.
pub const ORPHANED: &str = "orphaned";

/// What a service is when all is well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Steady {
    /// It runs; whether it is well nobody checks.
    Running,
    /// Its health check says so.
    Healthy,
    /// It is a job that has ended with 0.
    Completed,
    /// It has no containers of ours, on purpose.
    Idle,
    /// It runs, whatever its health check says.
    Up,
    /// Whatever its containers are.
    Ignored,
}

impl Steady {
    /// What `service` is when all is well.
    pub fn of(service: &Service) -> Self {
        if service.replicas == 0 {
            Self::Idle
        } else if service.job {
            Self::Completed
        } else if service.health_check {
            Self::Healthy
        } else {
            Self::Running
        }
    }

    /// The word for it in state.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running | Self::Up => "running",
            Self::Healthy => "healthy",
            Self::Completed => "completed",
            Self::Idle => "idle",
            Self::Ignored => "ignored",
        }
    }
}

/// A service as state shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceState {
    /// The image reference.
    pub image: String,
    /// The id of the image its containers run.
    pub image_id: String,
    /// Hash of its environment, placeholders in the place of secrets; empty when not known.
    pub environment_hash: String,
    /// Hash of the shipped files that it uses; empty for none.
    pub files_hash: String,
    /// Hash of its configuration, placeholders in the place of secrets.
    pub config_hash: String,
    /// `running`, `healthy`, `completed`, `idle` or `ignored` when all is well, `orphaned` for one that is
    /// not in the files any more and whose containers were to stay, else what is wrong: `missing`,
    /// `created`, `starting`, `unhealthy`, `paused`, `restarting`, `stopped`, `exited (n)`, `dead`.
    pub status: String,
    /// How many containers it has.
    pub replicas: u32,
    /// The names of its containers.
    pub containers: Vec<String>,
    /// What they publish: `8080->80/tcp`, `127.0.0.1:8080->80/tcp`.
    pub ports: Vec<String>,
}

/// What a service shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The image reference.
    pub image: String,
    /// As in [`ServiceState`].
    pub environment_hash: String,
    /// As in [`ServiceState`].
    pub files_hash: String,
    /// As in [`ServiceState`].
    pub config_hash: String,
    /// What it is when all is well.
    pub steady: Steady,
    /// How many containers it shall have.
    pub replicas: u32,
    /// Whether it is not started: its containers are left alone, and it counts as having none.
    pub left_alone: bool,
    /// Whether a secret is anywhere in its configuration.
    pub secret: bool,
    /// The shipped files that it uses.
    pub files: BTreeSet<String>,
    /// The services whose containers it shares something with.
    pub shares: BTreeSet<String>,
}

/// Whether the container belongs to a service: those of `docker compose run` do not.
pub fn is_of_service(container: &Container) -> bool {
    container.label(LABEL_ONE_OFF) != Some("True") && container.label(LABEL_SERVICE).is_some()
}

/// The containers of each service, in the order of their numbers; one-offs are left out.
pub fn by_service(containers: &[Container]) -> BTreeMap<String, Vec<&Container>> {
    let mut services: BTreeMap<String, Vec<&Container>> = BTreeMap::new();
    for container in containers.iter().filter(|container| is_of_service(container)) {
        let service = container.label(LABEL_SERVICE).unwrap_or_default();
        services.entry(service.to_owned()).or_default().push(container);
    }
    for containers in services.values_mut() {
        containers.sort_by_key(|container| number(container));
    }
    services
}

fn number(container: &Container) -> u32 {
    container.label(LABEL_NUMBER).and_then(|number| number.parse().ok()).unwrap_or(u32::MAX)
}

/// The containers of services that are none of `services` (any more): not one-offs.
pub fn orphans<'c>(containers: &'c [Container], services: &BTreeSet<String>) -> Vec<&'c Container> {
    containers
        .iter()
        .filter(|one| {
            is_of_service(one) && !one.label(LABEL_SERVICE).is_some_and(|name| services.contains(name))
        })
        .collect()
}

/// What the files want, by service.
///
/// `hashes` is what `config --hash` said of `resolved`; `placeholders` are the texts that stand
/// for secrets in it.
///
/// # Errors
/// [`Error::Parse`] when Compose gave a service no hash.
pub fn wanted(
    resolved: &Resolved,
    hashes: &BTreeMap<String, String>,
    placeholders: &[String],
) -> Result<BTreeMap<String, Wanted>, Error> {
    let unhashed = |name: &str| Error::Parse {
        what: "the output of \"docker compose config --hash\"".to_owned(),
        source: format!("it has no hash for service {name:?}").into(),
    };
    let services = &resolved.config.services;
    services
        .iter()
        .map(|(name, service)| {
            let text = resolved.config.document["services"][name].to_string();
            let one = Wanted {
                image: service.image.clone(),
                environment_hash: environment_hash(service),
                files_hash: resolved.files.get(name).cloned().unwrap_or_default(),
                config_hash: hashes.get(name).ok_or_else(|| unhashed(name))?.clone(),
                steady: Steady::of(service),
                replicas: service.replicas,
                left_alone: false,
                secret: placeholders.iter().any(|placeholder| text.contains(&in_json(placeholder))),
                files: resolved.uses.get(name).cloned().unwrap_or_default(),
                shares: service.shares.clone(),
            };
            Ok((name.clone(), one))
        })
        .collect()
}

/// A text as it looks inside a JSON string of Compose's, where `$` is doubled.
fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text.replace('$', "$$")).to_string();
    quoted.trim_matches('"').to_owned()
}

/// A hash over the names and values of a service's environment.
pub fn environment_hash(service: &Service) -> String {
    let mut hash = Sha256::new();
    for (name, value) in &service.environment {
        for field in [Some(name), value.as_ref()] {
            let length = field.map_or(u64::MAX, |text| text.len() as u64);
            hash.update(length.to_be_bytes());
            hash.update(field.map_or("", String::as_str));
        }
    }
    secret::hex(&hash.finalize())
}

/// What is there, by service: every service of the record, and every one that has containers.
///
/// `files` are the shipped files as they are on the host now; without them their label counts.
pub fn read(
    containers: &[Container],
    record: Option<&Record>,
    key: Option<&Key>,
    files: Option<&BTreeMap<String, FileDigest>>,
) -> BTreeMap<String, ServiceState> {
    let live = by_service(containers);
    let names: BTreeSet<&String> =
        record.iter().flat_map(|record| record.services.keys()).chain(live.keys()).collect();
    names
        .into_iter()
        .map(|name| {
            let recorded = record.and_then(|record| record.services.get(name));
            let orphan = record.and_then(|record| record.orphans.get(name));
            let none = Vec::new();
            let own = live.get(name).unwrap_or(&none);
            let state = match (recorded, orphan) {
                (Some(recorded), _) => known(name, own, recorded, &live, key, files),
                // Its files are not shipped any more: what it was made for counts.
                (None, Some(orphan)) => {
                    let state = known(name, own, orphan, &live, key, None);
                    ServiceState { status: ORPHANED.to_owned(), ..state }
                }
                (None, None) => stranger(own),
            };
            (name.clone(), state)
        })
        .collect()
}

/// A service that the last apply made.
fn known(
    name: &str,
    own: &[&Container],
    recorded: &Recorded,
    live: &BTreeMap<String, Vec<&Container>>,
    key: Option<&Key>,
    files: Option<&BTreeMap<String, FileDigest>>,
) -> ServiceState {
    let own = if recorded.left_alone { &[] } else { own };
    let fits = |container: &&Container| {
        let label = container.label(LABEL_CONFIG_HASH).unwrap_or_default();
        let proven = || match (key, &recorded.proof) {
            (Some(key), Some(proof)) => key.proves(&purpose(name), label, proof),
            _ => false,
        };
        label == recorded.config_hash || proven()
    };
    let shares_fit = recorded.shares.iter().all(|(other, id)| first_id(live, other) == Some(id.as_str()));
    let unchanged = own.iter().all(fits) && shares_fit;
    let mut state = seen(own, recorded.steady, recorded.replicas);
    state.environment_hash.clone_from(&recorded.environment_hash);
    state.files_hash = live_files(own, recorded, files);
    if unchanged {
        state.image.clone_from(&recorded.image);
        state.config_hash.clone_from(&recorded.config_hash);
    } else {
        state.config_hash = CHANGED.to_owned();
    }
    state
}

/// What an HMAC of a service's label is for.
fn purpose(service: &str) -> String {
    format!("label/{service}")
}

fn first_id<'c>(live: &BTreeMap<String, Vec<&'c Container>>, service: &str) -> Option<&'c str> {
    live.get(service)?.first().map(|container| container.id.as_str())
}

/// The hash of the files that the containers were made for, or of the files as they are now where
/// these are others.
fn live_files(
    own: &[&Container],
    recorded: &Recorded,
    files: Option<&BTreeMap<String, FileDigest>>,
) -> String {
    let made_for = recorded.files_hash.clone().unwrap_or_default();
    match files {
        Some(files) if !recorded.files.is_empty() => {
            let now = files_hash(&recorded.files, files);
            if now != made_for {
                return now;
            }
        }
        _ => {}
    }
    let expected = recorded.files_label.as_ref().unwrap_or(&made_for);
    let label = |container: &&&Container| container.label(LABEL_FILES).unwrap_or_default() != expected;
    own.iter()
        .find(label)
        .map_or(made_for.clone(), |other| other.label(LABEL_FILES).unwrap_or_default().to_owned())
}

/// A service that no record knows: of an imported stack, or started beside us.
fn stranger(own: &[&Container]) -> ServiceState {
    let healthy = own.iter().any(|container| container.health().is_some());
    let steady = if healthy { Steady::Healthy } else { Steady::Running };
    let mut state = seen(own, steady, u32::try_from(own.len()).unwrap_or(u32::MAX));
    state.config_hash = same(own.iter().map(|one| one.label(LABEL_CONFIG_HASH).unwrap_or_default()));
    state.files_hash = same(own.iter().map(|one| one.label(LABEL_FILES).unwrap_or_default()));
    state
}

/// What the containers alone tell.
fn seen(own: &[&Container], steady: Steady, replicas: u32) -> ServiceState {
    let mut ports: Vec<_> = own.iter().flat_map(|container| &container.ports).map(port_text).collect();
    ports.sort();
    ports.dedup();
    ServiceState {
        image: own.first().map(|container| container.image.clone()).unwrap_or_default(),
        image_id: same(own.iter().map(|one| one.label(LABEL_IMAGE).unwrap_or(&one.image_id))),
        status: status(own, steady, replicas),
        replicas: u32::try_from(own.len()).unwrap_or(u32::MAX),
        containers: own.iter().map(|container| container.name.clone()).collect(),
        ports,
        ..ServiceState::default()
    }
}

/// The one value that all have; [`CHANGED`] when they differ, empty when there are none.
fn same<'v>(mut values: impl Iterator<Item = &'v str>) -> String {
    let Some(first) = values.next() else { return String::new() };
    if values.all(|value| value == first) { first.to_owned() } else { CHANGED.to_owned() }
}

fn port_text(port: &Port) -> String {
    let address = match port.address.as_str() {
        "" | "0.0.0.0" | "::" => String::new(),
        v6 if v6.contains(':') => format!("[{v6}]:"),
        v4 => format!("{v4}:"),
    };
    format!("{address}{}->{}/{}", port.published, port.target, port.protocol)
}

/// The status of a service: its steady word, or the word of its first container that is not well.
fn status(own: &[&Container], steady: Steady, replicas: u32) -> String {
    if own.is_empty() {
        return if replicas == 0 { Steady::Idle.word() } else { "missing" }.to_owned();
    }
    if steady == Steady::Ignored {
        return steady.word().to_owned();
    }
    let unwell = own.iter().map(|container| condition(container, steady)).find(|word| word != steady.word());
    unwell.unwrap_or_else(|| steady.word().to_owned())
}

/// The word for one container of a service that should be `steady`.
fn condition(container: &Container, steady: Steady) -> String {
    let word = match container.state {
        State::Created => "created",
        State::Paused => "paused",
        State::Restarting => "restarting",
        State::Removing => "removing",
        State::Dead => "dead",
        State::Running => match container.health() {
            Some(Health::Unhealthy) if steady == Steady::Up => "running",
            Some(Health::Unhealthy) => "unhealthy",
            Some(Health::Starting) if steady == Steady::Healthy => "starting",
            // A check that the image brings is no promise of the file's.
            Some(Health::Healthy) if steady == Steady::Healthy => "healthy",
            _ => "running",
        },
        State::Exited => return ended(container.status.exit_code.unwrap_or(-1), steady),
    };
    word.to_owned()
}

/// The word for a container that has ended: 143 is what a polite `stop` leaves behind.
fn ended(code: i64, steady: Steady) -> String {
    match code {
        0 if steady == Steady::Completed => steady.word().to_owned(),
        0 | 143 => "stopped".to_owned(),
        code => format!("exited ({code})"),
    }
}

/// The record of an apply that has made `wanted` and finds `containers`.
pub fn record(
    project: &str,
    compose: &str,
    wanted: &BTreeMap<String, Wanted>,
    containers: &[Container],
    key: &Key,
) -> Record {
    let live = by_service(containers);
    let mut record = Record::new(project, compose);
    for (name, one) in wanted {
        let first = live.get(name).and_then(|own| own.first());
        let label = first.and_then(|first| first.label(LABEL_CONFIG_HASH));
        let files_label = first.and_then(|first| first.label(LABEL_FILES));
        let shares = one
            .shares
            .iter()
            .filter_map(|other| Some((other.clone(), first_id(&live, other)?.to_owned())))
            .collect();
        let recorded = Recorded {
            image: one.image.clone(),
            config_hash: one.config_hash.clone(),
            environment_hash: one.environment_hash.clone(),
            files_hash: Some(one.files_hash.clone()).filter(|hash| !hash.is_empty()),
            files_label: files_label.filter(|label| **label != *one.files_hash).map(str::to_owned),
            files: one.files.clone(),
            steady: one.steady,
            replicas: one.replicas,
            left_alone: one.left_alone,
            proof: label.map(|label| key.proof(&purpose(name), label)),
            shares,
        };
        record.services.insert(name.clone(), recorded);
    }
    record
}

#[cfg(test)]
#[path = "stack_tests.rs"]
mod tests;
