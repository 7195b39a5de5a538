//! Finding out what became of a stack.

use std::collections::BTreeMap;

use docker::engine::Answer;
use framework::{Diagnostic, State};
use stack::Orphans;
use swarm::stacks::{ObservedService, ResolveImage};

use super::{
    Resource,
    model::{Service, StackModel},
};
use crate::{
    clustered::{At, OnCluster},
    failure::Failure,
    registries,
};

/// Looks at the stack.
pub(super) async fn observe(
    on: &OnCluster<'_>,
    at: &At,
    mut state: State<Resource>,
) -> Result<Option<State<Resource>>, Failure> {
    let found = at.stacks().await?.stack(state.model.name());
    if found.is_absent() {
        return Ok(None);
    }
    let instance = found.instance().unwrap_or_default();
    if !state.private.instance.is_empty() && !instance.is_empty() && state.private.instance != instance {
        on.cx.warn(taken_over(state.model.name()));
        return Ok(None);
    }
    if state.private.instance.is_empty() {
        instance.clone_into(&mut state.private.instance);
    }
    let mut observed = found.observed();
    if let (Orphans::Keep, Some(wanted)) = (state.model.orphans(), &state.private.wanted) {
        observed.retain(|name, _| wanted.services.contains_key(name));
    }
    state.private.moved = match state.model.resolve_image() {
        ResolveImage::Always => moved(on, &at.host.engine().await?, &observed).await,
        ResolveImage::Changed | ResolveImage::Never => BTreeMap::new(),
    };
    state.model.set_observed(observed);
    state.model.swarm = at.membership.cluster_id.clone().unwrap_or_default().as_str().into();
    Ok(Some(state))
}

/// The references that stand for another image by now.
async fn moved(
    on: &OnCluster<'_>,
    engine: &docker::Engine,
    observed: &BTreeMap<String, ObservedService>,
) -> BTreeMap<String, String> {
    let running = observed.values().filter(|one| !one.image.contains('@'));
    let running: BTreeMap<&String, &String> = running.map(|one| (&one.image, &one.image_digest)).collect();
    let asked = running.keys().map(|image| (*image).clone());
    let answers = engine.ask_each(&registries::known(on.clusters.hosts()), asked).await;
    let other = |(image, answer)| match answer {
        Answer::Has(digest) if running.get(&image).is_some_and(|known| **known != digest) => {
            Some((image, digest))
        }
        _ => None,
    };
    answers.into_iter().filter_map(other).collect()
}

impl StackModel {
    /// The one place where what a swarm has becomes attributes.
    pub(super) fn set_observed(&mut self, observed: BTreeMap<String, ObservedService>) {
        self.set_services(observed.into_iter().map(|(name, one)| (name, Service::of(one.into()))).collect());
        self.id = self.name.clone();
    }
}

/// The warning that what has this name by now is none of this state.
fn taken_over(name: &str) -> Diagnostic {
    Diagnostic::warning(format!("Swarm stack {name:?} is another one by now"))
        .detail(
            "The stack that runs by this name is not the one that was recorded: that is gone, and another configuration \
             has made this one.",
        )
        .detail("The recorded one is dropped from the state. Nothing was changed in the swarm.")
        .detail("Give one of the two another name, or adopt what runs there by an import.")
}
