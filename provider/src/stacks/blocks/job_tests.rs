use std::time::Duration;

use super::*;

fn job(name: &str) -> JobBlock {
    JobBlock {
        name: name.into(),
        service: "app".into(),
        command: Field::Known(vec!["migrate".into()]),
        ..JobBlock::default()
    }
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
    let all = jobs(&Field::Known(vec![job("migrate"), set]));
    assert_eq!((all[0].when, all[0].always, all[0].job.limit), (When::Before, false, JOB_LIMIT));
    assert_eq!((all[1].when, all[1].always, all[1].job.limit), (When::After, true, Duration::from_secs(90)));
    assert_eq!(all[1].job.environment["A"], "1");
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
    validate(&Field::Known(vec![job("seed"), needy]), &mut problems);
    let text = problems.to_string();
    for part in ["job[1].name", "job[1].needs", "job[1].environment"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    assert_eq!(problems.len(), 3);
}

#[test]
fn a_service_that_is_not_known_yet_leaves_the_rest_undecided() {
    assert_eq!(
        services(&Field::Known(vec![job("a"), job("b")])).unwrap(),
        BTreeMap::from([("app".to_owned(), 0)])
    );
    assert_eq!(services(&Field::Known(vec![JobBlock { service: Field::Unknown, ..job("a") }])), None);
    assert_eq!(services(&Field::Unknown), None);
    let open = JobBlock { command: Field::Unknown, ..job("a") };
    assert_eq!(services(&Field::Known(vec![open])).unwrap().len(), 1);
}
