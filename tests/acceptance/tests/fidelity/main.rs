//! Plan fidelity: what a plan says about the containers of a stack is what happens to them.
//!
//! More than forty small Compose projects live on one host, one stack each. Round by round every one of
//! them is changed (a value, a file, an image, a service, or nothing that matters) and all are
//! planned, applied and planned again. For every service three things are compared: what the plan
//! said (from the fields of `services`), what happened (from the ids of the containers, asked past
//! Windlass), and what the author of the step says must happen. The second plan must be empty.
//!
//! What Compose does that cannot be told exactly beforehand is in [`OVER_REPORTED`]; a change that
//! the plan did not tell always fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod case;
mod cases;
mod fate;
mod harness;
mod project;
mod verdict;

use acceptance_tests::{current_compose, install_compose};
use lab::{Host, Lab, Variant};

use crate::{
    harness::Harness,
    verdict::{OverReport, table},
};

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
        reason: "a plan sees the version of a secret, never its value",
    },
    OverReport {
        project: "shares",
        step: "one that shares",
        service: "vol",
        reason: "Compose 2.26 drops the mode of volumes_from before it compares",
    },
    OverReport {
        project: "orphans",
        step: "a service leaves the files",
        service: "old",
        reason: "it leaves `services`; that remove_orphans = false keeps its containers is not shown there",
    },
    OverReport {
        project: "orphans",
        step: "both come back",
        service: "old",
        reason: "containers that remove_orphans = false has kept are taken up again",
    },
];

#[test]
fn what_the_plan_says_is_what_happens() {
    let lab = Lab::current().expect("a lab runs");
    let host = lab.add_host(Variant::Root).expect("the lab has room for a host");
    holds_on(&lab, &host);
}

/// The same with a Compose that is years younger.
#[test]
fn what_the_plan_says_is_what_a_current_compose_does() {
    let Some(plugin) = current_compose() else { return };
    let lab = Lab::current().expect("a lab runs");
    let host = lab.add_host(Variant::Root).expect("the lab has room for a host");
    eprintln!("Compose {}", install_compose(&lab, &host, &plugin));
    holds_on(&lab, &host);
}

fn holds_on(lab: &Lab, host: &Host) {
    let cli = acceptance_tests::clis().remove(0);
    let cases = cases::all();
    let steps: usize = cases.iter().map(|case| case.steps.len()).sum();
    eprintln!("{} projects, {steps} steps, {}", cases.len(), cli.name);
    for one in OVER_REPORTED {
        eprintln!("over-reported: {}, {}, {}: {}", one.project, one.step, one.service, one.reason);
    }
    let findings = Harness::new(&cli, lab, host, cases, OVER_REPORTED).run();
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), table(&findings));
}
