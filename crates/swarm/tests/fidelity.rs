//! One file for both worlds: what becomes on a swarm of the projects that the fidelity tests run on one
//! host. `fidelity/projects.json` has each as `docker compose config --format json` resolves it, the
//! project's directory as `/project`, and without those that need values from beside their files. Most
//! have `network_mode: none`, because hosts of tests have few addresses; that is taken out.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use secret::Secret;
use serde_json::Value;
use swarm::stacks::{Files, Problem, translate};
use tree::{Modes, Tree};

/// The projects.
const PROJECTS: &str = include_str!("fidelity/projects.json");

/// What becomes of each: a line begins with its name.
const TABLE: &str = include_str!("fidelity/table.txt");

/// The values that the projects ask for.
fn environment() -> BTreeMap<String, String> {
    BTreeMap::from([("LEVEL".to_owned(), "info".to_owned())])
}

/// What stands for the secrets that the projects ask for.
fn secrets() -> BTreeMap<String, Secret> {
    ["PASSWORD", "TOKEN"].map(|name| (name.to_owned(), Secret::new(format!("{name}#1")))).into()
}

/// The project, with networks.
fn with_networks(mut document: Value) -> Value {
    for service in document["services"].as_object_mut().into_iter().flatten().map(|(_, service)| service) {
        if service["network_mode"] == "none" {
            service.as_object_mut().map(|fields| fields.remove("network_mode"));
        }
    }
    document
}

/// What becomes of a project.
fn verdict(name: &str, document: &Value) -> String {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/fidelity").join(name);
    let files = Files {
        name: "web",
        root: "/project",
        document,
        runs: &BTreeSet::new(),
        source: &Tree::directory(&fixture.to_string_lossy(), Modes::Git).unwrap(),
        secret_files: &BTreeMap::new(),
        environment: &environment(),
        secrets: &secrets(),
        accepted: &BTreeSet::new(),
    };
    match translate(&files) {
        Ok(wanted) if wanted.ignored.is_empty() => "deploys".to_owned(),
        Ok(wanted) => format!("warns of {}", list(wanted.ignored.into_values().flatten())),
        Err(problems) => format!("refuses {}", list(problems.iter().map(in_short))),
    }
}

/// A problem without where it is.
fn in_short(problem: &Problem) -> String {
    match problem {
        Problem::Changes { key, .. } => key.clone(),
        Problem::BesideFiles { .. } => "mounts of what is beside the files".to_owned(),
        Problem::NoImage { .. } => "services without an image".to_owned(),
        other => other.to_string(),
    }
}

fn list(words: impl Iterator<Item = String>) -> String {
    words.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
}

#[test]
fn every_project_deploys_warns_or_is_refused() {
    let projects: BTreeMap<String, Value> = serde_json::from_str(PROJECTS).unwrap();
    let lines = projects.into_iter().map(|(name, document)| {
        let verdict = verdict(&name, &with_networks(document));
        format!("{name}: {verdict}\n")
    });
    let found: String = lines.collect();
    assert_eq!(found, TABLE, "the table would be:\n{found}");
}
