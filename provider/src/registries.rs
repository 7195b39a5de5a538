//! The registries that images come from and go to.

use std::{collections::BTreeMap, time::Duration};

use docker::{Engine, Registry, engine::Answer, registry::for_image};

use crate::hosts::Hosts;

/// How long a registry may take to say what a reference stands for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Those that the provider can log in to.
pub(crate) fn known(hosts: &Hosts) -> Vec<Registry> {
    hosts.settings().map(|settings| settings.registries.clone()).unwrap_or_default()
}

/// What `references` stand for in their registries now, asked by the host's daemon. That one does not
/// tell goes to the log, and is no reason to stop: a plan must not depend on it.
pub(crate) async fn ask(
    hosts: &Hosts,
    engine: &Engine,
    references: impl IntoIterator<Item = String>,
) -> BTreeMap<String, Answer> {
    let registries = known(hosts);
    let asked = references.into_iter().map(|reference| {
        let registry = for_image(&registries, &reference).cloned();
        (reference, registry)
    });
    let answers = engine.ask_registries(asked.collect(), PATIENCE).await;
    for (image, answer) in &answers {
        if let Answer::Silent(problem) = answer {
            tracing::warn!(image, problem, "the registry does not tell what an image stands for");
        }
    }
    answers
}
