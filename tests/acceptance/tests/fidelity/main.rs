//! Plan fidelity: what a plan says about the containers of a stack is what happens to them.
//!
//! More than forty small Compose projects live on one host, one stack each. Round by round every one of
//! them is changed (a value, a file, an image, a service, or nothing that matters) and all are
//! planned, applied and planned again. For every service three things are compared: what the plan
//! said (from the fields of `services`), what happened (from the ids of the containers and their
//! starts, asked past Windlass), and what the author of the step says must happen. The second plan must be empty.
//!
//! What Compose does that cannot be told exactly beforehand is in [`OVER_REPORTED`]; a change that
//! the plan did not tell always fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod case;
mod cases;
mod dotenv;
mod fate;
mod harness;
mod project;
mod verdict;

use acceptance_tests::{CurrentCompose, is_full_run};
use lab::{Host, Lab, Variant};

use crate::{
    case::{Case, Compose},
    harness::Harness,
    verdict::{OverReport, table},
};

/// Why a plan tells more of secrets than happens.
const VERSION_ONLY: &str = "a plan sees the version of a secret, never its value";

/// Where the plan says that something happens to a service's containers and nothing does.
const OVER_REPORTED: &[OverReport] = &[
    OverReport {
        project: "moved-tag-pull",
        step: "another service changed, same image",
        service: "moving",
        reason: "with pull = \"always\" only the pull tells whether the tag stands for another image",
    },
    OverReport {
        project: "secret-values",
        step: "another version with the same value",
        service: "app",
        reason: VERSION_ONLY,
    },
    OverReport {
        project: "secret-values",
        step: "another version with the same value",
        service: "mounted",
        reason: VERSION_ONLY,
    },
    of_version("another version with another key", "listed"),
    of_version("another version with another key", "bound"),
    of_version("another version with other values of the others", "mounted"),
    of_version("another version with the same values", "mounted"),
    of_version("another version with the same values", "listed"),
    of_version("another version with the same values", "bound"),
];

const fn of_version(step: &'static str, service: &'static str) -> OverReport {
    OverReport { project: "secret-files", step, service, reason: VERSION_ONLY }
}

/// Names that a current Compose does not take: a volume whose path has a colon.
const REFUSED_NOW: &str = "odd-names";

#[test]
fn what_the_plan_says_is_what_happens() {
    let lab = Lab::current().expect("a lab runs");
    let host = lab.add_host(Variant::Root).expect("the lab has room for a host");
    let cases = if is_full_run() { cases::all() } else { cases::of_short_run() };
    holds_on((&lab, &host, Compose::Packaged), cases);
}

/// The same with a Compose that is years younger.
#[test]
fn what_the_plan_says_is_what_a_current_compose_does() {
    let Some(compose) = CurrentCompose::of_run() else { return };
    let lab = Lab::current().expect("a lab runs");
    let host = lab.add_host(Variant::Root).expect("the lab has room for a host");
    eprintln!("Compose {}", compose.install(&lab, &host));
    let cases = cases::all().into_iter().filter(|case| case.name != REFUSED_NOW).collect();
    holds_on((&lab, &host, Compose::Current), cases);
}

fn holds_on(place: (&Lab, &Host, Compose), cases: Vec<Case>) {
    let cli = acceptance_tests::test_cli();
    let steps: usize = cases.iter().map(|case| case.steps.len()).sum();
    eprintln!("{} projects, {steps} steps, {}", cases.len(), cli.name);
    for one in OVER_REPORTED {
        eprintln!("over-reported: {}, {}, {}: {}", one.project, one.step, one.service, one.reason);
    }
    let findings = Harness::new(&cli, place, cases, OVER_REPORTED.to_vec()).run();
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), table(&findings));
}
