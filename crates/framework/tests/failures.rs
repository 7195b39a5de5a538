//! A provider that fails in every way: nothing is lost, and the message names the place.
#![allow(clippy::unwrap_used)]

mod faulty;

use std::time::Duration;

use faulty::{Fault, Faulty, Phase};
use framework::server::{Dynamic, PlanRequest};
use framework::testing::{Action, Harness};
use framework::{Diagnostics, Value};

fn core(phase: Phase, fault: Fault) -> Harness {
    Harness::new(Faulty::new(phase, fault))
}

fn config(core: &Harness) -> Value {
    core.config([("name", Value::from("a")), ("size", 1.into())])
}

fn text(problems: &Diagnostics) -> String {
    problems.to_string()
}

/// A state that an earlier, healthy run has left.
async fn existing(phase: Phase, fault: Fault) -> Harness {
    let faulty = Faulty::new(phase, fault);
    let mut core = Harness::new(faulty.clone());
    faulty.heal(true);
    let config = config(&core);
    core.apply(&config).await.unwrap();
    faulty.heal(false);
    core
}

#[tokio::test]
async fn a_create_that_fails_half_way_is_recorded_and_tainted() {
    for (fault, message) in
        [(Fault::Error, "the disk is full"), (Fault::Panic, "The provider crashed: lost count")]
    {
        let mut core = core(Phase::Create, fault);
        let config = config(&core);
        let problems = core.apply(&config).await.unwrap_err();
        assert!(text(&problems).contains(message), "{problems}");
        assert!(core.is_tainted(), "recorded before the failure");
        let state = core.state().unwrap();
        assert_eq!(state.attribute("name").unwrap().as_str(), Some("a"));
        assert!(state.attribute("id").unwrap().is_null(), "unknown becomes null");
        assert_eq!(core.plan(&config).await.unwrap().action, Action::Replace);
    }
}

#[tokio::test]
async fn a_failed_update_keeps_the_prior_state_and_memory() {
    for fault in [Fault::Error, Fault::Panic] {
        let mut core = existing(Phase::Update, fault).await;
        let (before, memory) = (core.state().cloned(), core.private().to_vec());
        assert_eq!(memory, br#"{"v":1,"data":"created"}"#);
        let larger = core.config([("name", Value::from("a")), ("size", 2.into())]);
        core.apply(&larger).await.unwrap_err();
        assert_eq!((core.state().cloned(), core.private()), (before, memory.as_slice()));
        assert!(!core.is_tainted());
        core = existing(Phase::Create, fault).await;
        assert_eq!(core.apply(&larger).await.unwrap().action, Action::Update);
        assert_eq!(core.private(), br#"{"v":1,"data":"updated"}"#);
    }
}

#[tokio::test]
async fn a_failed_read_or_delete_keeps_the_prior_state() {
    for fault in [Fault::Error, Fault::Panic] {
        let mut core = existing(Phase::Read, fault).await;
        let before = core.state().cloned();
        core.refresh().await.unwrap_err();
        assert_eq!(core.state().cloned(), before);

        let mut core = existing(Phase::Delete, fault).await;
        core.destroy().await.unwrap_err();
        assert_eq!(core.state().cloned(), before);
        assert_eq!(core.private(), br#"{"v":1,"data":"created"}"#);
    }
}

#[tokio::test]
async fn broken_rules_are_our_bug_and_name_the_attribute() {
    for (phase, fault, message) in [
        (Phase::Plan, Fault::AnotherName, "name: the value is neither the configured nor the prior one"),
        (Phase::Plan, Fault::Secret, "pin_wo: a write-only attribute must stay null"),
        (Phase::Create, Fault::AnotherName, "name: the value is not the planned one"),
        (Phase::Create, Fault::Unknown, "id: the value is still unknown"),
        (Phase::Create, Fault::Secret, "pin_wo: a write-only attribute must stay null"),
        (Phase::Create, Fault::Nothing, "succeeded without recording a state"),
    ] {
        let mut core = core(phase, fault);
        let config = config(&core);
        let problems = text(&core.apply(&config).await.unwrap_err());
        assert!(problems.contains(message), "{phase:?} {fault:?}: {problems}");
        assert!(problems.contains("test_faulty") && problems.contains("Please report it"), "{problems}");
        assert!(!problems.contains("hunter2"), "{problems}");
        if phase == Phase::Create && fault != Fault::Nothing {
            let state = core.state().unwrap_or_else(|| panic!("{phase:?} {fault:?}: the state is lost"));
            assert!(!format!("{state:?}").contains("hunter2"), "{state:?}");
        }
    }
}

#[tokio::test]
async fn a_secret_that_a_plan_leaks_does_not_leave_the_process() {
    let core = core(Phase::Plan, Fault::Secret);
    let ty = core.server().schema().resources["test_faulty"].value_type();
    let config = Dynamic::encode(&config(&core), &ty).unwrap();
    let request = PlanRequest {
        type_name: "test_faulty".to_owned(),
        proposed_new_state: config.clone(),
        config,
        ..Default::default()
    };
    let response = core.server().plan(request).await;
    assert!(response.diagnostics.has_errors());
    assert!(response.planned_state.decode(&ty).unwrap().attribute("pin_wo").unwrap().is_null());
    assert!(!String::from_utf8_lossy(&response.planned_private).contains("hunter2"));
}

#[tokio::test]
async fn what_read_finds_follows_the_rules_too() {
    for (fault, message) in
        [(Fault::Unknown, "id: the value is still unknown"), (Fault::Secret, "pin_wo: a write-only")]
    {
        let mut core = existing(Phase::Read, fault).await;
        let problems = text(&core.refresh().await.unwrap_err());
        assert!(problems.contains(message), "{problems}");
        assert!(core.state().is_some());
    }
}

#[tokio::test]
async fn a_panic_in_validation_or_plan_is_a_message() {
    let faulty = core(Phase::Validate, Fault::Panic);
    let problems = text(&faulty.validate(&config(&faulty)).await);
    assert!(
        problems.contains("Could not validate test_faulty") && problems.contains("lost count"),
        "{problems}"
    );
    let faulty = core(Phase::Plan, Fault::Panic);
    let problems = text(&faulty.plan(&config(&faulty)).await.unwrap_err());
    assert!(problems.contains("Could not plan test_faulty"), "{problems}");
}

#[tokio::test]
async fn stop_ends_running_work_with_what_it_reached() {
    let faulty = Faulty::new(Phase::Create, Fault::WaitForCancellation);
    let mut core = Harness::new(faulty.clone());
    let server = core.server().clone();
    let config = config(&core);
    let stop = async {
        faulty.started().await;
        server.stop();
    };
    let (outcome, ()) = tokio::join!(core.apply(&config), stop);
    assert!(text(&outcome.unwrap_err()).contains("stopped half-way"));
    assert!(core.is_tainted() && core.state().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_ends_work_and_says_how_to_raise_it() {
    for (fault, message) in
        [(Fault::WaitForCancellation, "stopped half-way"), (Fault::Hang, "The time limit of 5m")]
    {
        let mut core = core(Phase::Create, fault);
        let config = config(&core);
        let started = tokio::time::Instant::now();
        let problems = text(&core.apply(&config).await.unwrap_err());
        assert!(
            problems.contains(message) && problems.contains("set `create` in the `timeouts` block"),
            "{problems}"
        );
        assert!(started.elapsed() < Duration::from_secs(340), "{:?}", started.elapsed());
        assert!(core.is_tainted() && core.state().is_some(), "{fault:?}");
    }
}

#[tokio::test]
async fn warnings_arrive_with_success_and_failure() {
    let mut core = core(Phase::Create, Fault::Warning);
    let config = config(&core);
    let change = core.apply(&config).await.unwrap();
    assert_eq!(change.warnings.iter().next().unwrap().summary, "The shelf is dusty");
}
