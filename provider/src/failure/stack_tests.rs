use remote::lock::{LostBecause, LostLock};

use super::*;

const TITLE: &str = "Could not update compose stack \"web\"";
const WORLD: &str = "Its containers now: none.";

fn text(error: Error) -> String {
    stack_error(TITLE, error, WORLD, "source_dir").to_string()
}

fn job(error: JobError, cut: bool) -> String {
    text(Error::Job(Box::new(FailedJob {
        job: 0,
        name: "migrate".into(),
        service: "app".into(),
        when: When::Before,
        host: "root@web".into(),
        error,
        cut,
    })))
}

#[test]
fn a_job_that_failed_tells_its_status_and_its_last_lines() {
    let error =
        JobError::Failed { status: 7, took: Duration::from_millis(1200), output: "no such table".into() };
    assert_eq!(
        job(error, false),
        "Could not update compose stack \"web\" (at job[0].service)\n\
         Job \"migrate\", a run of service app on root@web, ended with status 7 after 1.2 s. It runs before the \
         services are changed: those that it does not need are as they were.\n\n\
         Its last lines:\nno such table\n\n\
         Its containers now: none.\n\n\
         Correct what its output names, then apply again: the job is still due."
    );
}

#[test]
fn a_job_that_took_too_long_blames_its_timeout() {
    let late = || JobError::Late { limit: Duration::from_secs(5), output: String::new() };
    let own = job(late(), false);
    assert!(
        own.contains("(at job[0].timeout)") && own.contains("had not ended after 5.0 s and was stopped"),
        "{own}"
    );
    assert!(own.contains("It wrote nothing."), "{own}");
    assert!(job(late(), true).contains("(at job[0].service)"));
}

#[test]
fn a_probe_that_failed_tells_from_where_how_often_and_what_came() {
    let last = Outcome::Status { status: 503, body: "starting".into() };
    let target = Target::Http {
        url: "http://127.0.0.1:80/health".parse().unwrap(),
        statuses: http::probe::Statuses::default(),
        body: None,
    };
    let failed = FailedProbe {
        probe: 0,
        target,
        from: "root@web".into(),
        tries: 61,
        took: Duration::from_secs(60),
        answer: last.describe(&secret::Scrubber::default()),
        last,
    };
    assert_eq!(
        text(Error::Probe(Box::new(failed))),
        "Could not update compose stack \"web\" (at probe[0].url)\n\
         The probe of http://127.0.0.1:80/health, made from root@web, did not pass: tried 61 times in 60.0 s. \
         The last time: the status was 503: starting.\n\n\
         Its containers now: none.\n\n\
         Correct what keeps it from answering so, or what the probe expects, then apply again. If it only needs \
         longer, give the probe a longer `timeout`."
    );
}

#[test]
fn a_service_that_fell_shows_its_log_and_the_world() {
    let fallen = ContainerFailure {
        service: "app".into(),
        container: "web-app-1".into(),
        why: "exited with status 3".into(),
        kind: FailureKind::Other,
        log: vec!["no config".into()],
    };
    let told = text(WaitError::Failed(vec![fallen.clone()]).into());
    for part in ["web-app-1 exited with status 3", "no config", WORLD, "Correct what the log names"] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
    let silent = ContainerFailure { log: Vec::new(), ..fallen.clone() };
    let told = text(WaitError::Failed(vec![silent]).into());
    assert!(told.contains("Nothing was logged") && !told.contains("the log names"), "{told}");
    let with = |kind| text(WaitError::Failed(vec![ContainerFailure { kind, ..fallen.clone() }]).into());
    let told = with(FailureKind::EndedWell);
    for part in ["`wait_for = { app = \"completed\" }`", "windlass.job", "service_completed_successfully"] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
    assert!(!told.contains("Correct what the log names"), "{told}");
    let told = with(FailureKind::Restarting);
    for part in ["service_healthy", "`start_timeout`", "Correct what the log names"] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
}

#[test]
fn an_image_that_nobody_built_is_reported_at_the_attribute_that_would() {
    let unbuilt = [("web-app".to_owned(), "app".to_owned())].into();
    let text = text(Error::Images { failed: Vec::new(), buildable: BTreeMap::new(), unbuilt });
    for part in ["(at build)", "the host does not have it: app (web-app).", "Set `build = true`"] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

#[test]
fn an_image_that_could_be_built_here_is_said_to_be() {
    let failed = |reference: &str| docker::Error::Pull {
        host: "h".into(),
        reference: reference.into(),
        reason: "access denied".into(),
    };
    let images = Error::Images {
        failed: vec![failed("web-app"), failed("other")],
        buildable: [("web-app".to_owned(), "app".to_owned())].into(),
        unbuilt: BTreeMap::new(),
    };
    let text = text(images);
    assert_eq!(text.matches("at service app: set `build = true`").count(), 1, "{text}");
}

#[test]
fn a_needed_service_that_is_not_started_is_reported_at_its_job() {
    let needs = UnknownNeeds {
        job: 0,
        name: "migrate".into(),
        missing: vec!["db".into()],
        started: vec!["app".into()],
    };
    let text = text(Error::UnknownNeeds(vec![needs]));
    assert!(text.contains("job[0].needs") && text.contains("It starts: app."), "{text}");
}

#[test]
fn a_selection_that_does_not_fit_names_both_services_and_the_way_out() {
    let needs = SelectionError::NeedsUnmanaged { service: "app".into(), needed: "db".into() };
    let shown = text(Error::Selection(vec![needs]));
    for part in ["starts \"app\" and leaves out \"db\"", WORLD, "Add \"db\" to"] {
        assert!(shown.contains(part), "{part:?} is not in {shown}");
    }
    let known = ["app", "db"].map(str::to_owned).into();
    let unknown = SelectionError::StartsUnknown { service: "ap".into(), known };
    let shown = text(Error::Selection(vec![unknown]));
    assert!(shown.contains("There are: app, db."), "{shown}");
}

#[test]
fn an_operation_that_lost_its_lock_tells_what_it_has_done() {
    let lost = LostLock { name: "compose-web".into(), host: "root@web".into(), why: LostBecause::Late };
    let error = |done: Vec<Step>| Error::LockLost { lost: lost.clone(), next: Step::Start, done };
    assert_eq!(
        text(error(vec![Step::Ship, Step::Job("migrate".into())])),
        "Could not update compose stack \"web\"\n\
         Lock \"compose-web\" on root@web was lost: the host heard nothing of us for too long and let it go. Somebody \
         else may be working on the stack since, so this operation stopped before starting containers. Done so far: \
         shipping files, running job \"migrate\".\n\n\
         Its containers now: none.\n\n\
         See what runs there and who works on it, then apply again."
    );
    assert!(text(error(Vec::new())).contains("Nothing had been done."));
}
