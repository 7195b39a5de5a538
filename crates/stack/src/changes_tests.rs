use compose::Config;

use super::*;
use crate::{image_source::ImageSource, service};

const OLD: Behaviour = with(Dependents::Replaced);

const fn with(dependents: Dependents) -> Behaviour {
    Behaviour { dependents, replaces_networks: false, replaces_provided: false }
}

fn state() -> ObservedService {
    ObservedService {
        image: "nginx:1".into(),
        image_id: "sha256:1".into(),
        environment_hash: "e1".into(),
        files_hash: "f1".into(),
        config_hash: "c1".into(),
        status: "running".into(),
        replicas: 1,
        containers: vec!["web-app-1".into()],
        ports: vec!["80->80/tcp".into()],
    }
}

fn desired() -> DesiredService {
    DesiredService {
        source: image("nginx:1"),
        environment_hash: "e1".into(),
        files_hash: "f1".into(),
        ..service::tests::desired("c1")
    }
}

fn image(reference: &str) -> ImageSource {
    ImageSource { image: reference.into(), ..ImageSource::default() }
}

fn map<T>(entries: impl IntoIterator<Item = (&'static str, T)>) -> BTreeMap<String, T> {
    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn one(state: ObservedService, desired: DesiredService) -> Change {
    let images = map([("nginx:1", "sha256:1".to_owned())]);
    changes(&map([("app", state)]), &map([("app", desired)]), (&images, &BTreeSet::new()), OLD)["app"].clone()
}

fn recreate(causes: impl IntoIterator<Item = Cause>) -> Change {
    Change::Recreate(causes.into_iter().collect())
}

#[test]
fn nothing_changes_nothing() {
    assert_eq!(one(state(), desired()), Change::Keep);
}

#[test]
fn other_files_are_taken_in_by_a_command_where_there_is_one() {
    let others = DesiredService { files_hash: "f2".into(), ..desired() };
    assert_eq!(one(state(), others.clone()), Change::Keep);
    let reload = service::Reload { files: BTreeSet::new(), command: vec!["reload".into()] };
    let with = DesiredService { reload: Some(reload), ..others };
    assert_eq!(one(state(), with.clone()), Change::Reload);
    assert_eq!(one(ObservedService { status: "stopped".into(), ..state() }, with.clone()), Change::Repair);
    let planned = planned(&with, Some(&state()), &Change::Reload, None);
    assert_eq!((planned.containers, planned.ports), (Some(state().containers), None));
    let replaced = DesiredService { config_hash: "c2".into(), ..with };
    assert_eq!(one(state(), replaced), recreate([Cause::Files]));
}

#[test]
fn each_cause_shows() {
    for (desired, cause) in [
        (DesiredService { config_hash: "c2".into(), ..desired() }, Cause::Config),
        (
            DesiredService { config_hash: "c2".into(), environment_hash: "e2".into(), ..desired() },
            Cause::Environment,
        ),
        (DesiredService { config_hash: "c2".into(), files_hash: "f2".into(), ..desired() }, Cause::Files),
        (DesiredService { config_hash: "c2".into(), source: image("nginx:2"), ..desired() }, Cause::Image),
    ] {
        assert_eq!(one(state(), desired), recreate([cause]));
    }
    let moved = ObservedService { image_id: "sha256:0".into(), ..state() };
    assert_eq!(one(moved, desired()), recreate([Cause::ImageId]));
}

#[test]
fn a_container_off_its_network_is_replaced() {
    let state = ObservedService { status: "disconnected".into(), ..state() };
    assert_eq!(one(state, desired()), Change::Recreate(BTreeSet::from([Cause::Network])));
}

#[test]
fn what_compose_did_not_make_is_replaced_with_what_depends_on_it() {
    let stale = BTreeSet::from(["app".to_owned(), "gone".to_owned()]);
    let other = DesiredService { depends_on: BTreeSet::from(["app".to_owned()]), ..desired() };
    let (prior, all) =
        (map([("app", state()), ("other", state())]), map([("app", desired()), ("other", other)]));
    let found = changes(&prior, &all, (&BTreeMap::new(), &stale), OLD);
    assert_eq!(found["app"], Change::Recreate(BTreeSet::from([Cause::ImageId])));
    assert!(matches!(&found["other"], Change::Recreate(_)), "{found:?}");
}

#[test]
fn files_that_are_put_back_replace_nothing() {
    let edited = ObservedService { files_hash: "f9".into(), ..state() };
    assert_eq!(one(edited, desired()), Change::Keep);
}

#[test]
fn numbers_and_states_are_repaired_in_place() {
    let scaled = DesiredService { replicas: 3, ..desired() };
    assert_eq!(one(state(), scaled), Change::Scale { from: 1, to: 3 });
    let idle = DesiredService { replicas: 0, ready: ReadyState::Idle, config_hash: "c2".into(), ..desired() };
    assert_eq!(one(state(), idle), Change::Scale { from: 1, to: 0 });
    let stopped = ObservedService { status: "stopped".into(), ..state() };
    assert_eq!(one(stopped, desired()), Change::Repair);
    let missing = ObservedService { status: "missing".into(), replicas: 0, ..state() };
    assert_eq!(one(missing, desired()), Change::Create);
}

#[test]
fn services_come_and_go() {
    let none = BTreeMap::new();
    let found = changes(&map([("old", state())]), &map([("app", desired())]), (&none, &BTreeSet::new()), OLD);
    assert_eq!(found, map([("app", Change::Create), ("old", Change::Remove)]));
}

/// What happens to all when `db` is replaced; all but `new` have containers.
fn replacing_db(dependents: Dependents) -> BTreeMap<String, Change> {
    let config = Config::parse(
        br#"{"name":"web","services":{
        "db":{"image":"d"},
        "app":{"image":"a","depends_on":{"db":{"condition":"service_started"}}},
        "asks":{"image":"a","depends_on":{"db":{"condition":"service_started","restart":true}}},
        "proxy":{"image":"p","depends_on":{"app":{"condition":"service_healthy","restart":true}}},
        "side":{"image":"s","network_mode":"service:db",
                "depends_on":{"db":{"condition":"service_started","restart":true}}},
        "beyond":{"image":"b","depends_on":{"side":{"condition":"service_started","restart":true}}},
        "new":{"image":"n","depends_on":{"db":{"condition":"service_started","restart":true}}},
        "other":{"image":"o"}}}"#,
    )
    .unwrap();
    let prior = map(["db", "app", "asks", "proxy", "side", "beyond", "other"].map(|name| (name, state())));
    let mut all =
        map(["db", "app", "asks", "proxy", "side", "beyond", "new", "other"].map(|name| (name, desired())));
    for (name, one) in &mut all {
        let service = &config.services[name];
        one.depends_on = service.depends_on.keys().cloned().collect();
        one.restarts_with.clone_from(&service.restarts_with);
        one.shares.clone_from(&service.shares);
    }
    all.get_mut("db").unwrap().config_hash = "c2".into();
    changes(&prior, &all, (&BTreeMap::new(), &BTreeSet::new()), with(dependents))
}

fn follows(name: &str) -> Change {
    recreate([Cause::Dependency(name.into())])
}

fn restarts(name: &str) -> Change {
    Change::Restart(BTreeSet::from([name.to_owned()]))
}

#[test]
fn old_versions_replace_dependents_all_the_way_but_only_where_they_exist() {
    assert_eq!(
        replacing_db(Dependents::Replaced),
        map([
            ("db", recreate([Cause::Config])),
            ("app", follows("db")),
            ("asks", follows("db")),
            ("proxy", follows("app")),
            ("side", follows("db")),
            ("beyond", follows("side")),
            ("new", Change::Create),
            ("other", Change::Keep),
        ])
    );
}

#[test]
fn newer_versions_restart_direct_dependents_and_replace_who_shares() {
    assert_eq!(
        replacing_db(Dependents::Restarted),
        map([
            ("db", recreate([Cause::Config])),
            ("app", restarts("db")),
            ("asks", restarts("db")),
            ("proxy", Change::Keep),
            ("side", follows("db")),
            ("beyond", restarts("side")),
            ("new", Change::Create),
            ("other", Change::Keep),
        ])
    );
}

#[test]
fn current_versions_restart_who_asks_for_it() {
    let found = replacing_db(Dependents::RestartedIfAsked);
    assert_eq!(found["app"], Change::Keep);
    assert_eq!(found["asks"], restarts("db"));
    assert_eq!(found["side"], follows("db"));
    assert_eq!(found["beyond"], restarts("side"));
}

#[test]
fn what_only_the_change_tells_is_not_planned() {
    let id = "sha256:1".to_owned();
    let keep = planned(&desired(), Some(&state()), &Change::Keep, Some(&id));
    assert_eq!(keep.containers, Some(state().containers));
    assert_eq!(keep.image_id, Some(id.clone()));
    let new = planned(&desired(), Some(&state()), &recreate([Cause::Image]), None);
    assert_eq!((new.image_id, new.containers, new.ports), (None, None, None));
    let repair = planned(&desired(), Some(&state()), &Change::Repair, None);
    assert_eq!((repair.image_id, repair.ports), (Some(id), None));
    let restart = planned(&desired(), Some(&state()), &restarts("db"), None);
    assert_eq!((restart.containers, restart.ports), (Some(state().containers), None));
    let idle = DesiredService { replicas: 0, ready: ReadyState::Idle, ..desired() };
    let idle = planned(&idle, Some(&state()), &Change::Scale { from: 1, to: 0 }, None);
    assert_eq!((idle.image_id, idle.containers), (Some(String::new()), Some(Vec::new())));
}

#[test]
fn only_containers_that_up_would_leave_unwell_are_repaired() {
    let container = |id: &str, state, status: &str| Container {
        id: id.into(),
        name: id.into(),
        image: String::new(),
        image_id: String::new(),
        created: 0,
        state,
        status: docker::engine::StatusText::parse(status),
        labels: map([("com.docker.compose.service", "app".to_owned())]),
        ports: Vec::new(),
        networks: Default::default(),
    };
    let containers = [
        container("fine", State::Running, "Up 1 second (healthy)"),
        container("sick", State::Running, "Up 1 second (unhealthy)"),
        container("loop", State::Restarting, "Restarting (1) 1 second ago"),
        container("ice", State::Paused, "Up 1 second (Paused)"),
        container("dead", State::Dead, "Dead"),
        container("off", State::Exited, "Exited (1) 1 second ago"),
    ];
    let found = repairs(&containers, &BTreeSet::from(["app".to_owned()]));
    let expected = [
        ("sick", Repair::Restart),
        ("loop", Repair::Restart),
        ("ice", Repair::Unpause),
        ("dead", Repair::Remove),
    ];
    assert_eq!(found, expected.map(|(id, repair)| (id.to_owned(), repair)));
    assert!(repairs(&containers, &BTreeSet::new()).is_empty());
}

#[test]
fn followers_are_found_all_the_way() {
    let set = |names: &[&str]| -> BTreeSet<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    let depends = |names: &[&str]| DesiredService { depends_on: set(names), ..desired() };
    let shares = DesiredService { shares: set(&["db"]), ..desired() };
    let all = map([
        ("app", depends(&["db", "job"])),
        ("db", desired()),
        ("job", desired()),
        ("side", DesiredService { depends_on: set(&["app"]), ..shares }),
    ]);
    let followers = |name: &str| {
        followers(&all, &set(&[name]), |service| service.depends_on.iter().chain(&service.shares).collect())
    };
    assert_eq!(followers("db"), set(&["app", "db", "side"]));
    assert_eq!(followers("job"), set(&["app", "job", "side"]));
    assert_eq!(followers("side"), set(&["side"]));
}
