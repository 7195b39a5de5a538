//! The release that a host keeps: where it is, keeping one, and putting it back in its place.

mod generation;
#[cfg(test)]
mod hostile;
mod keep;
mod restore;

use docker::engine::Container;

use crate::{host_state::HostState, observe::observe, service::CHANGED};
pub(crate) use generation::NotMade;
#[cfg(test)]
pub(crate) use generation::tests::make_by;
pub(crate) use keep::{copy_aside, keep, keep_foreign, remove_all};
pub(crate) use restore::Restoration;

/// Where the last good state of a stack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// A copy of it is kept beside the stack.
    Kept,
    /// It is what is in the stack's directory and runs; no copy of it is kept yet.
    Here,
    /// There is none, or none that is known.
    Nowhere,
}

/// Where the last good state is, by the host state and what runs.
pub(crate) fn location(state: &HostState, containers: &[Container]) -> Location {
    let Some(record) = &state.record else {
        // What was started by hand is kept before anything of ours is there: an apply that was cut
        // off after that has left no record yet.
        let adopted = state.release.as_ref().is_some_and(|release| release.adopted.is_some());
        return if adopted && state.is_ours() { Location::Kept } else { Location::Nowhere };
    };
    match &state.release {
        Some(release) if record.unfinished || release.record.is_of_same_apply(record) => Location::Kept,
        _ if is_good(state, containers) => Location::Here,
        _ => Location::Nowhere,
    }
}

/// Whether the files on the host and what runs there are as the last apply made them, and all services well.
pub(crate) fn is_good(state: &HostState, containers: &[Container]) -> bool {
    let unchanged = state.is_settled() && state.source_hash().as_deref() != Some(CHANGED);
    let Some(record) = state.record.as_ref().filter(|_| unchanged) else { return false };
    let live = observe(containers, Some(record), state.key.as_ref(), Some(&state.seen()));
    record.services.iter().all(|(name, recorded)| {
        live.get(name).is_some_and(|live| live.config_hash != CHANGED && live.status == recorded.ready.word())
    })
}

#[cfg(test)]
mod tests {
    use compose::ReadyState;
    use docker::engine::{State, StatusText};
    use tree::Manifest;

    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::{
        containers::{LABEL_CONFIG_HASH, LABEL_SERVICE},
        desired::DesiredStack,
        host_state::Shipped,
        record::Record,
        record::{Key, RecordedService},
        release::{Adopted, Release},
        service::tests::desired,
    };

    fn container(config_hash: &str, state: State) -> Container {
        let labels = [(LABEL_SERVICE, "app"), (LABEL_CONFIG_HASH, config_hash)];
        Container {
            id: "1".into(),
            name: "web-app-1".into(),
            image: "app:1".into(),
            image_id: "sha256:1".into(),
            created: 0,
            state,
            status: StatusText::default(),
            labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            ports: vec![],
            networks: Default::default(),
        }
    }

    fn record() -> Record {
        let mut record = Record { shipped: "s".into(), ..Record::new("web", "2.26.1") };
        let recorded = RecordedService {
            image: "app:1".into(),
            config_hash: "c".into(),
            environment_hash: "e".into(),
            files_hash: None,
            files: BTreeSet::new(),
            reloads: false,
            ready: ReadyState::Running,
            replicas: 1,
            proof: None,
            unmanaged: false,
            files_label: Default::default(),
            shares: BTreeMap::new(),
            networks: Default::default(),
        };
        record.services.insert("app".into(), recorded);
        record
    }

    fn release() -> Release {
        let images = BTreeMap::from([("app:1".to_owned(), "sha256:1".to_owned())]);
        let services = BTreeMap::from([("app".to_owned(), desired("c"))]);
        let desired = DesiredStack { digest: "d".into(), services, ..DesiredStack::default() };
        Release::new(&["compose.yaml".into()], &[], &desired, &record(), images)
    }

    fn state() -> HostState {
        let key = Key::from_random([1; 32]);
        let env = tree::FileDigest { sha256: "11".into(), mode: 0o600 };
        HostState {
            record: Some(record()),
            manifest: Some(Manifest::default()),
            sent: Some(Shipped::new("source".into(), ".env".into(), "11", &key)),
            key: Some(key),
            shipped: Some("s".into()),
            found: BTreeMap::from([(".env".to_owned(), env)]),
            ..HostState::default()
        }
    }

    #[test]
    fn the_last_good_state_is_where_the_record_says() {
        let well = [container("c", State::Running)];
        let kept = HostState { release: Some(release()), ..state() };
        assert_eq!(location(&kept, &well), Location::Kept);
        // After a failed apply and after one that was cut off, what was kept before them counts.
        let failed = HostState { record: Some(Record { unfinished: true, ..record() }), ..kept };
        assert_eq!(location(&failed, &[]), Location::Kept);
        let cut_off = HostState { shipped: Some("new".into()), record: Some(record()), ..failed };
        assert_eq!(location(&cut_off, &[]), Location::Kept);
        // What another good apply made since then is not what is kept.
        let other = Record { compose: "2.27.0".into(), ..record() };
        let since = HostState { record: Some(other), shipped: Some("s".into()), ..cut_off };
        assert_eq!(location(&since, &well), Location::Here);
        assert_eq!(location(&since, &[container("c", State::Exited)]), Location::Nowhere);
    }

    #[test]
    fn what_was_started_by_hand_is_kept_until_an_apply_has_succeeded() {
        let adopted = release().started_by_hand(Adopted { env_file: "/dev/null".into() });
        let kept_release = Some(adopted.clone());
        assert_eq!(adopted.remembered(), None);
        assert_eq!(release().remembered(), Some(&release().desired));
        assert_eq!(Release::parse(&adopted.to_json()), Some(adopted));
        // It was kept, and nothing was shipped: what runs may be something else by now.
        let kept = HostState { release: kept_release.clone(), ..HostState::default() };
        assert_eq!(location(&kept, &[]), Location::Nowhere);
        let cut_off = HostState { release: kept_release, record: None, ..state() };
        assert_eq!(location(&cut_off, &[]), Location::Kept);
        let failed = HostState { record: Some(Record { unfinished: true, ..record() }), ..cut_off };
        assert_eq!(location(&failed, &[]), Location::Kept);
    }

    #[test]
    fn only_what_is_good_is_taken_for_it() {
        let well = [container("c", State::Running)];
        assert_eq!(location(&state(), &well), Location::Here);
        assert_eq!(location(&state(), &[container("x", State::Running)]), Location::Nowhere);
        let cut_off = HostState { shipped: Some("new".into()), ..state() };
        assert_eq!(location(&cut_off, &well), Location::Nowhere);
        let edited = HostState { found: BTreeMap::new(), ..state() };
        assert_eq!(location(&edited, &well), Location::Nowhere);
        assert_eq!(location(&HostState::default(), &well), Location::Nowhere);
    }

    #[test]
    fn it_survives_its_file_and_newer_ones_are_none() {
        let one = release();
        assert_eq!(Release::parse(&one.to_json()), Some(one.clone()));
        let newer = Release { version: 2, ..one };
        assert_eq!(Release::parse(&newer.to_json()), None);
        assert_eq!(Release::parse(b"{}"), None);
    }
}
