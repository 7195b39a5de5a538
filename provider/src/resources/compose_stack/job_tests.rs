use super::*;
use crate::resources::compose_stack::prediction::tests::wanted as service;

fn job(name: &str) -> JobBlock {
    JobBlock {
        name: name.into(),
        service: "app".into(),
        command: Field::Known(vec!["migrate".into()]),
        ..JobBlock::default()
    }
}

fn model(blocks: Vec<JobBlock>) -> StackModel {
    StackModel { job: Field::Known(blocks), source_hash: "s".into(), ..StackModel::default() }
}

fn prediction(hash: &str) -> Prediction {
    let services = BTreeMap::from([("app".to_owned(), service(hash))]);
    Prediction { digest: "d".into(), services, ..Prediction::default() }
}

#[test]
fn a_block_becomes_a_job() {
    let set = JobBlock {
        when: "after".into(),
        run_on: "apply".into(),
        timeout: "90s".into(),
        environment: Field::Known(BTreeMap::from([("A".to_owned(), "1".to_owned())])),
        ..job("seed")
    };
    let all = wanted(&model(vec![job("migrate"), set]));
    assert_eq!((all[0].when, all[0].always, all[0].job.limit), (When::Before, false, LIMIT));
    assert_eq!((all[1].when, all[1].always, all[1].job.limit), (When::After, true, Duration::from_secs(90)));
    assert_eq!(all[1].job.environment["A"], "1");
    assert_eq!(all[1].at.to_string(), "job[1]");
}

#[test]
fn a_job_runs_anew_for_what_it_does_and_not_for_how_long() {
    let prior = model(vec![job("migrate")]);
    let changed_by = |block: JobBlock| changed(Some(&prior), &model(vec![block])).len();
    assert_eq!(changed_by(job("migrate")), 0);
    assert_eq!(changed_by(JobBlock { timeout: "1h".into(), ..job("migrate") }), 0);
    assert_eq!(changed_by(JobBlock { run_on: "apply".into(), ..job("migrate") }), 0);
    assert_eq!(changed_by(JobBlock { when: "before".into(), ..job("migrate") }), 0);
    assert_eq!(changed_by(JobBlock { when: "after".into(), ..job("migrate") }), 1);
    assert_eq!(changed_by(JobBlock { command: Field::Null, ..job("migrate") }), 1);
    assert_eq!(changed_by(job("other")), 1);
    assert_eq!(changed(None, &prior).len(), 1);
    assert_eq!(changed(Some(&prior), &model(vec![])).len(), 0);
}

#[test]
fn what_is_due_depends_on_what_changes() {
    let always = JobBlock { run_on: "apply".into(), ..job("seed") };
    let all = wanted(&model(vec![job("migrate"), always]));
    let due = |stack: bool, changed: &[&str]| -> Vec<bool> {
        let due = Due { stack, changed: changed.iter().map(|name| (*name).to_owned()).collect() };
        all.iter().map(|one| due.runs(one)).collect()
    };
    assert_eq!(due(false, &[]), [false, true]);
    assert_eq!(due(true, &[]), [true, true]);
    assert_eq!(due(false, &["migrate"]), [true, true]);
}

#[test]
fn to_repair_a_service_is_no_change() {
    let (prior, planned) = (model(vec![]), model(vec![]));
    let same = prediction("c");
    let changes = |change: Change| BTreeMap::from([("app".to_owned(), change)]);
    let is_change = |change| stack_changes(Some((&prior, Some(&same))), &planned, &same, &changes(change));
    assert!(!is_change(Change::Keep) && !is_change(Change::Repair));
    assert!(!is_change(Change::Restart(["db".to_owned()].into())));
    assert!(is_change(Change::Create) && is_change(Change::Remove));
    assert!(is_change(Change::Scale { from: 1, to: 2 }));

    let keep = changes(Change::Keep);
    assert!(stack_changes(None, &planned, &same, &keep));
    assert!(stack_changes(Some((&prior, None)), &planned, &same, &keep));
    assert!(stack_changes(Some((&prior, Some(&prediction("x")))), &planned, &same, &keep));
    let edited = StackModel { source_hash: "changed".into(), ..model(vec![]) };
    assert!(stack_changes(Some((&edited, Some(&same))), &planned, &same, &keep));
    // Another version of Compose alone is none either.
    let newer = Prediction { digest: "other".into(), ..prediction("c") };
    assert!(!stack_changes(Some((&prior, Some(&newer))), &planned, &same, &keep));
}

#[test]
fn blocks_that_contradict_themselves_are_refused() {
    let needy = JobBlock {
        needs: Field::Known(BTreeSet::from(["db".to_owned()])),
        when: "after".into(),
        environment: Field::Known(BTreeMap::from([("A=B".to_owned(), String::new())])),
        ..job("seed")
    };
    let mut problems = Diagnostics::new();
    validate(&model(vec![job("seed"), needy]), &mut problems);
    let text = problems.to_string();
    for part in ["job[1].name", "job[1].needs", "job[1].environment"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(problems.len(), 3);
}

#[test]
fn a_needed_service_must_be_there() {
    let needs =
        |name: &str| JobBlock { needs: Field::Known(BTreeSet::from([name.to_owned()])), ..job("migrate") };
    let title = "Could not plan compose stack \"web\"";
    assert!(check(title, &model(vec![needs("app")]), &prediction("c")).is_ok());
    let error = check(title, &model(vec![needs("db")]), &prediction("c")).unwrap_err().to_string();
    assert!(error.contains("job[0].needs") && error.contains("It starts: app."), "{error}");
}

#[test]
fn a_service_that_is_not_known_yet_leaves_the_rest_undecided() {
    assert_eq!(services(&model(vec![job("a"), job("b")])).unwrap(), BTreeMap::from([("app".to_owned(), 0)]));
    assert_eq!(services(&model(vec![JobBlock { service: Field::Unknown, ..job("a") }])), None);
    assert_eq!(services(&StackModel { job: Field::Unknown, ..StackModel::default() }), None);
    let open = JobBlock { command: Field::Unknown, ..job("a") };
    assert_eq!(services(&model(vec![open])).unwrap().len(), 1);
}
