use super::*;
use docker::engine::StatusText;

const NOW: Moment = Moment {
    settle: Duration::from_secs(2),
    start_timeout: Duration::from_secs(60),
    elapsed: Duration::from_secs(9),
};

fn container(service: &str, id: &str, state: State, status: &str) -> Container {
    Container {
        id: id.into(),
        name: format!("web-{service}-{id}"),
        image: String::new(),
        image_id: String::new(),
        created: 0,
        state,
        status: StatusText::parse(status),
        labels: [(crate::containers::LABEL_SERVICE.to_owned(), service.to_owned())].into(),
        ports: Vec::new(),
        networks: Default::default(),
    }
}

fn goal(ready: ReadyState) -> Goal {
    Goal { ready, replicas: 1, retries: false, start_period: Duration::ZERO }
}

fn judge_one(goal: Goal, containers: &[Container]) -> Progress {
    let goals = BTreeMap::from([("app".to_owned(), goal)]);
    judge(&goals, containers, &BTreeMap::new(), NOW)["app"].clone()
}

fn pending(words: &str) -> Progress {
    Progress::Pending(words.to_owned())
}

fn failed(why: &str) -> Progress {
    let kind = match why {
        "exited with status 0" => FailureKind::EndedWell,
        _ if why.contains("again and again") => FailureKind::Restarting,
        _ => FailureKind::Other,
    };
    Progress::Failed { id: "1".to_owned(), why: why.to_owned(), kind }
}

#[test]
fn one_container_is_judged_by_its_goal() {
    use ReadyState::{Completed, Healthy, Running, Up};
    for (ready, state, status, expected) in [
        (Running, State::Created, "Created", pending("created")),
        (Running, State::Running, "Up Less than a second", pending("running")),
        (Running, State::Running, "Up 1 second", pending("running")),
        (Running, State::Running, "Up 2 seconds", Progress::Reached),
        (Running, State::Running, "Up 3 hours", Progress::Reached),
        (Running, State::Running, "Up 3 seconds (health: starting)", pending("starting")),
        (Running, State::Running, "Up 3 seconds (unhealthy)", failed("is unhealthy")),
        (Running, State::Exited, "Exited (0) 1 second ago", failed("exited with status 0")),
        (
            Running,
            State::Restarting,
            "Restarting (7) 1 second ago",
            failed("exits with status 7 and is restarted by its restart policy again and again, for 9 s now"),
        ),
        (Running, State::Paused, "Up 1 second (Paused)", failed("is paused")),
        (Running, State::Dead, "Dead", failed("is dead")),
        (Healthy, State::Running, "Up 1 second (health: starting)", pending("starting")),
        (Healthy, State::Running, "Up 1 second (healthy)", Progress::Reached),
        (Healthy, State::Running, "Up 1 minute (unhealthy)", failed("is unhealthy")),
        (Up, State::Running, "Up 1 second (healthy)", pending("running")),
        (Up, State::Running, "Up 3 seconds (health: starting)", Progress::Reached),
        (Up, State::Running, "Up 3 seconds (unhealthy)", Progress::Reached),
        (Up, State::Exited, "Exited (1) 1 second ago", failed("exited with status 1")),
        (Completed, State::Running, "Up 5 minutes", pending("running")),
        (Completed, State::Exited, "Exited (0) 1 second ago", Progress::Reached),
        (Completed, State::Exited, "Exited (3) 1 second ago", failed("exited with status 3")),
    ] {
        let found = judge_one(goal(ready), &[container("app", "1", state, status)]);
        assert_eq!(found, expected, "{ready:?} {status}");
    }
}

#[test]
fn a_job_with_a_restart_policy_may_try_again() {
    let goal = Goal { retries: true, ..goal(ReadyState::Completed) };
    let restarting = container("app", "1", State::Restarting, "Restarting (1) 1 second ago");
    assert_eq!(judge_one(goal, &[restarting]), pending("trying again"));
    let done = container("app", "1", State::Exited, "Exited (0) 1 second ago");
    assert_eq!(judge_one(goal, &[done]), Progress::Reached);
}

#[test]
fn nobody_waits_for_what_is_idle_or_ignored() {
    let fallen = container("app", "1", State::Exited, "Exited (1) 1 second ago");
    for ready in [ReadyState::Idle, ReadyState::Ignored] {
        let goals = BTreeMap::from([("app".to_owned(), goal(ready))]);
        assert!(judge(&goals, std::slice::from_ref(&fallen), &BTreeMap::new(), NOW).is_empty());
    }
}

#[test]
fn all_replicas_count_and_one_failure_is_enough() {
    let goal = Goal { replicas: 2, ..goal(ReadyState::Running) };
    let up = container("app", "2", State::Running, "Up 9 seconds");
    assert_eq!(judge_one(goal, std::slice::from_ref(&up)), pending("1 of 2 containers"));
    let off = container("app", "1", State::Exited, "Exited (1) 1 second ago");
    assert_eq!(judge_one(goal, &[up, off]), failed("exited with status 1"));
    assert_eq!(judge_one(goal, &[]), pending("0 of 2 containers"));
}

#[test]
fn a_restart_that_no_look_saw_counts_until_the_container_stays() {
    let goals = BTreeMap::from([("app".to_owned(), goal(ReadyState::Running))]);
    let found = |count: i64, status: &str| {
        let up = [container("app", "1", State::Running, status)];
        judge(&goals, &up, &BTreeMap::from([("1".to_owned(), count)]), NOW)["app"].clone()
    };
    assert_eq!(found(0, "Up 9 seconds"), Progress::Reached);
    assert_eq!(found(1, "Up 9 seconds"), pending("running again after a restart"));
    assert_eq!(found(1, "Up 10 seconds"), Progress::Reached);
}

#[test]
fn what_its_policy_restarts_has_time_until_it_stays() {
    let restarting = [container("app", "1", State::Restarting, "Restarting (1) 1 second ago")];
    let found = |retries: bool, elapsed: u64, period: u64| {
        let start_period = Duration::from_secs(period);
        let goals =
            BTreeMap::from([("app".to_owned(), Goal { retries, start_period, ..goal(ReadyState::Running) })]);
        let now = Moment { elapsed: Duration::from_secs(elapsed), ..NOW };
        judge(&goals, &restarting, &BTreeMap::new(), now)["app"].clone()
    };
    let given_up = |seconds: u64| {
        failed(&format!(
            "exits with status 1 and is restarted by its restart policy again and again, for {seconds} s now"
        ))
    };
    assert_eq!(found(true, 59, 0), pending("restarting (status 1)"));
    assert_eq!(found(true, 60, 0), given_up(60));
    assert_eq!(found(true, 89, 30), pending("restarting (status 1)"));
    assert_eq!(found(true, 90, 30), given_up(90));
    assert_eq!(found(false, 1, 30), given_up(1));
}

#[test]
fn idle_services_and_one_offs_are_not_waited_for() {
    let goals = BTreeMap::from([
        ("app".to_owned(), goal(ReadyState::Running)),
        ("idle".to_owned(), Goal { replicas: 0, ..goal(ReadyState::Idle) }),
    ]);
    let mut one_off = container("app", "9", State::Exited, "Exited (1) 1 second ago");
    one_off.labels.insert(crate::containers::LABEL_ONE_OFF.into(), "True".into());
    let containers = [container("app", "1", State::Running, "Up 9 seconds"), one_off];
    let found = judge(&goals, &containers, &BTreeMap::new(), NOW);
    assert_eq!(found, BTreeMap::from([("app".to_owned(), Progress::Reached)]));
}

#[test]
fn failures_say_what_only_the_inspection_knows() {
    let run = Run {
        out_of_memory: true,
        error: "no such file".into(),
        health_output: "connection refused".into(),
        ..Run::default()
    };
    assert_eq!(
        details("is unhealthy", &run),
        "is unhealthy (it ran out of memory) (no such file); its health check says: connection refused"
    );
    assert_eq!(details("exited with status 1", &Run::default()), "exited with status 1");
}

#[test]
fn errors_are_one_line() {
    let pending = BTreeMap::from([("app".to_owned(), "starting".to_owned())]);
    let late = WaitError::Late { limit: Duration::from_secs(9), pending, containers: Vec::new() };
    assert_eq!(late.to_string(), "not ready after 9 s: app (starting)");
    let failure = |name: &str| ContainerFailure {
        service: "app".into(),
        container: name.into(),
        why: "is unhealthy".into(),
        kind: FailureKind::Other,
        log: Vec::new(),
    };
    let error = WaitError::Failed(vec![failure("web-app-1"), failure("web-app-2")]);
    assert_eq!(error.to_string(), "web-app-1 is unhealthy; web-app-2 is unhealthy");
}

#[test]
fn nobody_looks_while_nothing_can_have_changed() {
    let ms = Duration::from_millis;
    let pause_of = |ready, replicas, containers: &[Container]| {
        let goals = BTreeMap::from([("app".to_owned(), Goal { replicas, ..goal(ready) })]);
        let progress = judge(&goals, containers, &BTreeMap::new(), NOW);
        pause(&goals, containers, &progress, Pace::default())
    };
    let up = |status: &str| container("app", "1", State::Running, status);
    use ReadyState::{Completed, Healthy, Running, Up};
    for (ready, status, expected) in [
        (Running, "Up Less than a second", 1000),
        (Running, "Up 1 second", 100),
        (Up, "Up Less than a second (health: starting)", 1000),
        // Whatever ends by itself is looked for.
        (Running, "Up 1 second (health: starting)", 200),
        (Healthy, "Up Less than a second (health: starting)", 200),
        (Completed, "Up 1 second", 200),
    ] {
        assert_eq!(pause_of(ready, 1, &[up(status)]), ms(expected), "{ready:?} {status}");
    }
    assert_eq!(pause_of(Running, 2, &[up("Up 1 second")]), ms(200));
    assert_eq!(pause_of(Running, 1, &[]), ms(200));
    let other = container("app", "2", State::Created, "Created");
    assert_eq!(pause_of(Running, 2, &[up("Up 1 second"), other]), ms(200));
}
