use super::*;
use docker::engine::StatusText;

use crate::{
    containers::{LABEL_IMAGE, LABEL_NUMBER, LABEL_ONE_OFF, LABEL_SERVICE, orphans},
    image_source::ImageSource,
    record::record,
    service::{DesiredService, tests::desired},
};

const HASH: &str = "aaaa";

fn container(service: &str, number: u32, state: State, status: &str) -> Container {
    let labels = [
        (LABEL_SERVICE, service.to_owned()),
        (LABEL_NUMBER, number.to_string()),
        (LABEL_CONFIG_HASH, HASH.to_owned()),
        (LABEL_IMAGE, "sha256:1".to_owned()),
        (LABEL_ONE_OFF, "False".to_owned()),
    ];
    Container {
        id: format!("id-{service}-{number}"),
        name: format!("web-{service}-{number}"),
        image: "nginx:1".into(),
        image_id: "sha256:1".into(),
        created: 0,
        state,
        status: StatusText::parse(status),
        labels: labels.map(|(name, value)| (name.to_owned(), value)).into(),
        ports: Vec::new(),
        networks: Default::default(),
    }
}

fn up(service: &str, number: u32) -> Container {
    container(service, number, State::Running, "Up 9 seconds (healthy)")
}

fn want(ready: ReadyState, replicas: u32) -> DesiredService {
    DesiredService {
        source: ImageSource { image: "nginx:1".into(), ..ImageSource::default() },
        environment_hash: "env".into(),
        ready,
        replicas,
        secret: true,
        ..desired("planned")
    }
}

fn key() -> Key {
    Key::from_random([3; 32])
}

fn made(wanted: DesiredService, containers: &[Container]) -> Record {
    made_of(&BTreeMap::from([("app".to_owned(), wanted)]), containers)
}

fn made_of(wanted: &BTreeMap<String, DesiredService>, containers: &[Container]) -> Record {
    record("web", "2.26.1", wanted, containers, &key())
}

#[test]
fn what_apply_made_reads_as_what_was_planned() {
    let containers = [up("app", 2), up("app", 1)];
    let record = made(want(ReadyState::Healthy, 2), &containers);
    let state = &observe(&containers, Some(&record), Some(&key()), None)["app"];
    assert_eq!(
        *state,
        ObservedService {
            image: "nginx:1".into(),
            image_id: "sha256:1".into(),
            environment_hash: "env".into(),
            files_hash: String::new(),
            config_hash: "planned".into(),
            status: "healthy".into(),
            replicas: 2,
            containers: vec!["web-app-1".into(), "web-app-2".into()],
            ports: Vec::new(),
        }
    );
}

#[test]
fn what_is_left_alone_reads_the_same_whatever_runs() {
    let wanted = DesiredService { unmanaged: true, ..want(ReadyState::Idle, 0) };
    let record = made(wanted, &[]);
    let mut other = up("app", 1);
    other.labels.insert(LABEL_CONFIG_HASH.into(), "bbbb".into());
    let ended = container("app", 2, State::Exited, "Exited (1) 1 second ago");
    let alone = observe(&[], Some(&record), Some(&key()), None);
    assert_eq!((alone["app"].status.as_str(), alone["app"].replicas), ("idle", 0));
    assert_eq!(alone["app"].config_hash, "planned");
    assert_eq!(observe(&[other, ended], Some(&record), Some(&key()), None), alone);
}

#[test]
fn what_has_left_the_files_is_reported_while_its_containers_stay() {
    let containers = [up("app", 1), up("stranger", 1)];
    let old = made(want(ReadyState::Healthy, 1), &containers);
    let record = made_of(&BTreeMap::new(), &containers).keeping_orphans(&old, &containers);
    assert_eq!(record.names().collect::<Vec<_>>(), ["app"]);
    let before = &observe(&containers, Some(&old), Some(&key()), None)["app"];
    let after = &observe(&containers, Some(&record), Some(&key()), None)["app"];
    assert_eq!(*after, ObservedService { status: ORPHANED.into(), ..before.clone() });
    assert!(observe(&[], Some(&record), Some(&key()), None).is_empty(), "its containers are gone");
    // It stays so while others change, and comes back with the files.
    let again = made_of(&BTreeMap::new(), &containers).keeping_orphans(&record, &containers);
    assert_eq!(again.orphans, record.orphans);
    let back = made(want(ReadyState::Healthy, 1), &containers).keeping_orphans(&record, &containers);
    assert!(back.orphans.is_empty());
}

#[test]
fn what_is_ignored_must_be_there_and_no_more() {
    let containers = [container("app", 1, State::Exited, "Exited (1) 1 second ago")];
    let record = made(want(ReadyState::Ignored, 1), &containers);
    let status = |containers: &[Container]| {
        observe(containers, Some(&record), Some(&key()), None)["app"].status.clone()
    };
    assert_eq!(status(&containers), "ignored");
    assert_eq!(status(&[up("app", 1)]), "ignored");
    assert_eq!(status(&[]), "missing");
}

#[test]
fn what_must_only_run_may_be_unhealthy() {
    let unhealthy = [container("app", 1, State::Running, "Up 9 seconds (unhealthy)")];
    for (ready, word) in [(ReadyState::Up, "running"), (ReadyState::Running, "unhealthy")] {
        let record = made(want(ready, 1), &unhealthy);
        assert_eq!(observe(&unhealthy, Some(&record), Some(&key()), None)["app"].status, word);
    }
}

#[test]
fn the_image_is_what_the_container_runs() {
    let mut containers = [up("app", 1)];
    let record = made(want(ReadyState::Healthy, 1), &containers);
    containers[0].image_id = "sha256:2".into();
    let app = observe(&containers, Some(&record), Some(&key()), None).remove("app").unwrap();
    assert_eq!((&*app.image_id, &*app.config_hash), ("sha256:2", "planned"));
}

#[test]
fn a_container_that_is_off_a_network_shows() {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let on = |networks: &[&str]| [Container { networks: set(networks), ..up("app", 1) }];
    let wanted = DesiredService {
        networks: set(&["web_default", "web_back", "never"]),
        ..want(ReadyState::Healthy, 1)
    };
    // What it was not attached to when all was well is not asked for.
    let record = made(wanted, &on(&["web_default", "web_back"]));
    let status = |containers: &[Container]| {
        observe(containers, Some(&record), Some(&key()), None)["app"].status.clone()
    };
    assert_eq!(status(&on(&["web_default", "web_back"])), "healthy");
    assert_eq!(
        status(&on(&["web_default", "web_back", "proxy"])),
        "healthy",
        "one more is nobody's business"
    );
    assert_eq!(status(&on(&["web_default"])), DISCONNECTED);
    let [stopped] = on(&[]);
    assert_eq!(status(&[Container { state: State::Exited, ..stopped }]), "exited (-1)");
}

#[test]
fn another_label_or_another_key_is_a_change() {
    let containers = [up("app", 1)];
    let record = made(want(ReadyState::Healthy, 1), &containers);
    let mut changed = containers.clone();
    changed[0].labels.insert(LABEL_CONFIG_HASH.into(), "bbbb".into());
    assert_eq!(observe(&changed, Some(&record), Some(&key()), None)["app"].config_hash, CHANGED);
    assert_eq!(observe(&containers, Some(&record), None, None)["app"].config_hash, CHANGED);
    let other = Key::from_random([4; 32]);
    assert_eq!(observe(&containers, Some(&record), Some(&other), None)["app"].config_hash, CHANGED);
}

#[test]
fn a_label_that_is_the_planned_hash_needs_no_proof() {
    let containers = [up("app", 1)];
    let wanted = DesiredService { config_hash: HASH.into(), ..want(ReadyState::Healthy, 1) };
    let record = made(wanted, &containers);
    assert_eq!(observe(&containers, Some(&record), None, None)["app"].config_hash, HASH);
}

#[test]
fn a_shared_container_that_was_replaced_is_a_change() {
    let mut containers = vec![up("app", 1), up("net", 1)];
    let wanted =
        DesiredService { shares: BTreeSet::from(["net".to_owned()]), ..want(ReadyState::Healthy, 1) };
    let record = made(wanted, &containers);
    assert_eq!(observe(&containers, Some(&record), Some(&key()), None)["app"].config_hash, "planned");
    containers[1].id = "new".into();
    assert_eq!(observe(&containers, Some(&record), Some(&key()), None)["app"].config_hash, CHANGED);
}

#[test]
fn statuses_are_words() {
    use ReadyState::{Completed, Healthy, Running};
    for (ready, state, text, word) in [
        (Running, State::Running, "Up 3 seconds", "running"),
        (Running, State::Running, "Up 3 seconds (healthy)", "running"),
        (Running, State::Running, "Up 3 seconds (unhealthy)", "unhealthy"),
        (Healthy, State::Running, "Up 3 seconds (healthy)", "healthy"),
        (Healthy, State::Running, "Up 3 seconds (health: starting)", "starting"),
        (Healthy, State::Running, "Up 3 seconds", "running"),
        (Healthy, State::Exited, "Exited (0) 1 second ago", "stopped"),
        (Running, State::Exited, "Exited (143) 1 second ago", "stopped"),
        (Running, State::Exited, "Exited (3) 1 second ago", "exited (3)"),
        (Completed, State::Exited, "Exited (0) 1 second ago", "completed"),
        (Completed, State::Exited, "Exited (3) 1 second ago", "exited (3)"),
        (Completed, State::Running, "Up 1 second", "running"),
        (Running, State::Restarting, "Restarting (1) 1 second ago", "restarting"),
        (Running, State::Created, "Created", "created"),
        (Running, State::Paused, "Up 1 second (Paused)", "paused"),
    ] {
        let containers = [container("app", 1, state, text)];
        let record = made(want(ready, 1), &containers);
        assert_eq!(observe(&containers, Some(&record), Some(&key()), None)["app"].status, word, "{text}");
    }
}

#[test]
fn one_container_that_is_unwell_makes_the_service_unwell() {
    let containers = [up("app", 1), container("app", 2, State::Exited, "Exited (1) 2 days ago")];
    let record = made(want(ReadyState::Healthy, 2), &containers);
    assert_eq!(observe(&containers, Some(&record), Some(&key()), None)["app"].status, "exited (1)");
}

#[test]
fn no_containers_are_missing_or_meant() {
    for (replicas, word) in [(1, "missing"), (0, "idle")] {
        let ready = if replicas == 0 { ReadyState::Idle } else { ReadyState::Running };
        let record = made(want(ready, replicas), &[]);
        let state = &observe(&[], Some(&record), Some(&key()), None)["app"];
        assert_eq!((state.status.as_str(), state.replicas), (word, 0));
    }
}

#[test]
fn one_offs_are_no_services_and_no_orphans() {
    let mut one_off = up("tool", 1);
    one_off.labels.insert(LABEL_ONE_OFF.into(), "True".into());
    let containers = [up("app", 1), up("old", 1), one_off];
    let services = BTreeSet::from(["app".to_owned()]);
    let names: Vec<_> = orphans(&containers, &services).iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["web-old-1"]);
    assert_eq!(observe(&containers, None, None, None).keys().collect::<Vec<_>>(), ["app", "old"]);
}

#[test]
fn a_stack_without_a_record_shows_what_its_containers_say() {
    let mut containers = [up("app", 1), up("app", 2)];
    containers[0].ports = ["0.0.0.0", "::", "127.0.0.1", "fd00::1"]
        .map(|address| Port { address: address.into(), published: 8080, target: 80, protocol: "tcp".into() })
        .to_vec();
    let state = &observe(&containers, None, None, None)["app"];
    assert_eq!(state.status, "healthy");
    assert_eq!(state.config_hash, HASH);
    assert_eq!(state.ports, ["127.0.0.1:8080->80/tcp", "8080->80/tcp", "[fd00::1]:8080->80/tcp"]);
    containers[1].labels.insert(LABEL_CONFIG_HASH.into(), "bbbb".into());
    assert_eq!(observe(&containers, None, None, None)["app"].config_hash, CHANGED);
}

#[test]
fn edited_files_show_in_the_services_that_use_them() {
    let digest = |sha256: &str| FileDigest { sha256: sha256.into(), mode: 0o644 };
    let shipped = BTreeMap::from([("conf".to_owned(), digest("1")), ("other".to_owned(), digest("2"))]);
    let files = BTreeSet::from(["conf".to_owned()]);
    let hash = files_hash(&files, &shipped);
    let mut containers = [up("app", 1)];
    containers[0].labels.insert(LABEL_FILES.into(), hash.clone());
    let wanted = DesiredService { files_hash: hash.clone(), files, ..want(ReadyState::Healthy, 1) };
    let record = made(wanted, &containers);
    let live = |containers: &[Container], files: &BTreeMap<String, FileDigest>| {
        observe(containers, Some(&record), Some(&key()), Some(files))["app"].files_hash.clone()
    };
    assert_eq!(live(&containers, &shipped), hash);
    let mut edited = shipped.clone();
    edited.insert("other".into(), digest("9"));
    assert_eq!(live(&containers, &edited), hash);
    edited.insert("conf".into(), digest("9"));
    assert_ne!(live(&containers, &edited), hash);
    containers[0].labels.remove(LABEL_FILES);
    assert_eq!(live(&containers, &shipped), "");
}

#[test]
fn files_that_are_shipped_and_not_taken_in_show_as_changed() {
    let digest = |sha256: &str| FileDigest { sha256: sha256.into(), mode: 0o644 };
    let files = |content: &str| BTreeMap::from([("conf/a".to_owned(), digest(content))]);
    let used = BTreeSet::from(["conf/a".to_owned()]);
    let hash = |content: &str| files_hash(&used, &files(content));
    let reload = crate::service::Reload { files: used.clone(), command: vec!["reload".into()] };
    let wanted = DesiredService {
        files: used.clone(),
        files_hash: hash("1"),
        reload: Some(reload),
        ..want(ReadyState::Healthy, 1)
    };
    let containers = [up("app", 1)];
    let seen = |record: &Record, content: &str| {
        observe(&containers, Some(record), Some(&key()), Some(&files(content)))["app"].files_hash.clone()
    };
    let record = made(wanted.clone(), &containers);
    assert_eq!(seen(&record, "1"), hash("1"));
    assert_eq!(seen(&record, "2"), CHANGED);
    let record = made(DesiredService { reload: None, ..wanted }, &containers);
    assert_eq!(seen(&record, "2"), hash("2"));
}
