//! What runs of a stack, service by service.
//!
//! All of it is pure: it comes from one list of containers and the record of the last apply.

use std::collections::{BTreeMap, BTreeSet};

use compose::{LABEL_FILES, ReadyState, files_hash};
use docker::engine::{Container, Health, Port, State};
use tree::FileDigest;

use crate::{
    containers::{LABEL_CONFIG_HASH, by_service, jobs},
    record::{Key, Record, RecordedService, first_id, purpose},
    service::{CHANGED, DISCONNECTED, ORPHANED, ObservedService},
};

/// What is there, by service: every service of the record, and every one that has containers.
///
/// `files` are the shipped files as they are on the host now; without them their label counts.
pub fn observe(
    containers: &[Container],
    record: Option<&Record>,
    key: Option<&Key>,
    files: Option<&BTreeMap<String, FileDigest>>,
) -> BTreeMap<String, ObservedService> {
    let live = by_service(containers);
    let jobs = jobs(containers);
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
                    ObservedService { status: ORPHANED.to_owned(), ..state }
                }
                (None, None) => stranger(own, jobs.contains(name.as_str())),
            };
            (name.clone(), state)
        })
        .collect()
}

/// A service that the last apply made.
fn known(
    name: &str,
    own: &[&Container],
    recorded: &RecordedService,
    live: &BTreeMap<String, Vec<&Container>>,
    key: Option<&Key>,
    files: Option<&BTreeMap<String, FileDigest>>,
) -> ObservedService {
    let own = if recorded.unmanaged { &[] } else { own };
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
    let mut state = seen(own, recorded.ready, recorded.replicas);
    let off = |one: &&Container| one.state == State::Running && !recorded.networks.is_subset(&one.networks);
    if own.iter().any(off) && state.status == recorded.ready.word() {
        state.status = DISCONNECTED.to_owned();
    }
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

/// The hash of the files that the containers were made for, or of the files as they are now where
/// these are others.
fn live_files(
    own: &[&Container],
    recorded: &RecordedService,
    files: Option<&BTreeMap<String, FileDigest>>,
) -> String {
    let made_for = recorded.files_hash.clone().unwrap_or_default();
    match files {
        Some(files) if !recorded.files.is_empty() => {
            let now = files_hash(&recorded.files, files);
            if now != made_for {
                // Files that were shipped and not taken in must not look as if they had been.
                return if recorded.reloads { CHANGED.to_owned() } else { now };
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
fn stranger(own: &[&Container], is_job: bool) -> ObservedService {
    let healthy = own.iter().any(|container| container.health().is_some());
    let ready = match (is_job, healthy) {
        (true, _) => ReadyState::Completed,
        (false, true) => ReadyState::Healthy,
        (false, false) => ReadyState::Running,
    };
    let mut state = seen(own, ready, u32::try_from(own.len()).unwrap_or(u32::MAX));
    state.config_hash = same(own.iter().map(|one| one.label(LABEL_CONFIG_HASH).unwrap_or_default()));
    state.files_hash = same(own.iter().map(|one| one.label(LABEL_FILES).unwrap_or_default()));
    state
}

/// What the containers alone tell.
fn seen(own: &[&Container], ready: ReadyState, replicas: u32) -> ObservedService {
    let mut ports: Vec<_> = own.iter().flat_map(|container| &container.ports).map(port_text).collect();
    ports.sort();
    ports.dedup();
    ObservedService {
        image: own.first().map(|container| container.image.clone()).unwrap_or_default(),
        image_id: same(own.iter().map(|one| one.image_id.as_str())),
        status: status(own, ready, replicas),
        replicas: u32::try_from(own.len()).unwrap_or(u32::MAX),
        containers: own.iter().map(|container| container.name.clone()).collect(),
        ports,
        ..ObservedService::default()
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

/// The status of a service: its ready word, or the word of its first container that is not well.
fn status(own: &[&Container], ready: ReadyState, replicas: u32) -> String {
    if own.is_empty() {
        return if replicas == 0 { ReadyState::Idle.word() } else { "missing" }.to_owned();
    }
    if ready == ReadyState::Ignored {
        return ready.word().to_owned();
    }
    let unwell = own.iter().map(|container| condition(container, ready)).find(|word| word != ready.word());
    unwell.unwrap_or_else(|| ready.word().to_owned())
}

/// The word for one container of a service that should be `ready`.
fn condition(container: &Container, ready: ReadyState) -> String {
    let word = match container.state {
        State::Created => "created",
        State::Paused => "paused",
        State::Restarting => "restarting",
        State::Removing => "removing",
        State::Dead => "dead",
        State::Running => match container.health() {
            Some(Health::Unhealthy) if ready == ReadyState::Up => "running",
            Some(Health::Unhealthy) => "unhealthy",
            Some(Health::Starting) if ready == ReadyState::Healthy => "starting",
            // A check that the image brings is no promise of the file's.
            Some(Health::Healthy) if ready == ReadyState::Healthy => "healthy",
            _ => "running",
        },
        State::Exited => return ended(container.status.exit_code.unwrap_or(-1), ready),
    };
    word.to_owned()
}

/// The word for a container that has ended: 143 is what a polite `stop` leaves behind.
fn ended(code: i64, ready: ReadyState) -> String {
    match code {
        0 if ready == ReadyState::Completed => ready.word().to_owned(),
        0 | 143 => "stopped".to_owned(),
        code => format!("exited ({code})"),
    }
}

#[cfg(test)]
#[path = "observe_tests.rs"]
mod tests;
