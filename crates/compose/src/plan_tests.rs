use super::*;

const OLD: Behaviour = with(Dependents::Replaced);

const fn with(dependents: Dependents) -> Behaviour {
    Behaviour { dependents, replaces_networks: false }
}

fn state() -> ServiceState {
    ServiceState {
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

fn wanted() -> Wanted {
    Wanted {
        image: "nginx:1".into(),
        environment_hash: "e1".into(),
        files_hash: "f1".into(),
        config_hash: "c1".into(),
        steady: Steady::Running,
        replicas: 1,
        left_alone: false,
        secret: false,
        files: BTreeSet::new(),
        shares: BTreeSet::new(),
    }
}

fn map<T>(entries: impl IntoIterator<Item = (&'static str, T)>) -> BTreeMap<String, T> {
    entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn lonely() -> Config {
    Config::parse(br#"{"name":"web","services":{"app":{"image":"nginx:1"}}}"#).unwrap()
}

fn one(state: ServiceState, wanted: Wanted) -> Change {
    let images = map([("nginx:1", "sha256:1".to_owned())]);
    changes(&map([("app", state)]), &map([("app", wanted)]), &images, &lonely(), OLD)["app"].clone()
}

fn recreate(causes: impl IntoIterator<Item = Cause>) -> Change {
    Change::Recreate(causes.into_iter().collect())
}

#[test]
fn nothing_changes_nothing() {
    assert_eq!(one(state(), wanted()), Change::Keep);
}

#[test]
fn each_cause_shows() {
    for (wanted, cause) in [
        (Wanted { config_hash: "c2".into(), ..wanted() }, Cause::Config),
        (Wanted { config_hash: "c2".into(), environment_hash: "e2".into(), ..wanted() }, Cause::Environment),
        (Wanted { config_hash: "c2".into(), files_hash: "f2".into(), ..wanted() }, Cause::Files),
        (Wanted { config_hash: "c2".into(), image: "nginx:2".into(), ..wanted() }, Cause::Image),
    ] {
        assert_eq!(one(state(), wanted), recreate([cause]));
    }
    let moved = ServiceState { image_id: "sha256:0".into(), ..state() };
    assert_eq!(one(moved, wanted()), recreate([Cause::ImageId]));
}

#[test]
fn files_that_are_put_back_replace_nothing() {
    let edited = ServiceState { files_hash: "f9".into(), ..state() };
    assert_eq!(one(edited, wanted()), Change::Keep);
}

#[test]
fn numbers_and_states_are_repaired_in_place() {
    let scaled = Wanted { replicas: 3, ..wanted() };
    assert_eq!(one(state(), scaled), Change::Scale { from: 1, to: 3 });
    let idle = Wanted { replicas: 0, steady: Steady::Idle, config_hash: "c2".into(), ..wanted() };
    assert_eq!(one(state(), idle), Change::Scale { from: 1, to: 0 });
    let stopped = ServiceState { status: "stopped".into(), ..state() };
    assert_eq!(one(stopped, wanted()), Change::Repair);
    let missing = ServiceState { status: "missing".into(), replicas: 0, ..state() };
    assert_eq!(one(missing, wanted()), Change::Create);
}

#[test]
fn services_come_and_go() {
    let none = BTreeMap::new();
    let found = changes(&map([("old", state())]), &map([("app", wanted())]), &none, &lonely(), OLD);
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
        map(["db", "app", "asks", "proxy", "side", "beyond", "new", "other"].map(|name| (name, wanted())));
    all.get_mut("db").unwrap().config_hash = "c2".into();
    changes(&prior, &all, &BTreeMap::new(), &config, with(dependents))
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
    let keep = planned(&wanted(), Some(&state()), &Change::Keep, Some(&id));
    assert_eq!(keep.containers, Some(state().containers));
    assert_eq!(keep.image_id, Some(id.clone()));
    let new = planned(&wanted(), Some(&state()), &recreate([Cause::Image]), None);
    assert_eq!((new.image_id, new.containers, new.ports), (None, None, None));
    let repair = planned(&wanted(), Some(&state()), &Change::Repair, None);
    assert_eq!((repair.image_id, repair.ports), (Some(id), None));
    let restart = planned(&wanted(), Some(&state()), &restarts("db"), None);
    assert_eq!((restart.containers, restart.ports), (Some(state().containers), None));
    let idle = Wanted { replicas: 0, steady: Steady::Idle, ..wanted() };
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
