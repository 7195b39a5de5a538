//! The images of a stack: what the configuration says of them, and what the host has.

use std::collections::{BTreeMap, BTreeSet};

use compose::{
    Resolved, Values,
    build::{self, Shipped},
};
use docker::{
    Engine, Registry,
    engine::{Answer, Image},
    registry::{digest_of, has_moved, pinned},
};
use serde_json::Value;

use crate::{
    desired::DesiredStack,
    error::Error,
    image_facts::ImageFacts,
    image_source::UNKNOWN,
    service::{ORPHANED, ObservedService, PlannedService},
    spec::StackSpec,
};

/// The images behind the references of `desired` that can move.
///
/// # Errors
/// When the daemon cannot be asked.
pub async fn inspect(
    engine: &Engine,
    desired: Option<&DesiredStack>,
) -> Result<BTreeMap<String, Image>, docker::Error> {
    let references = desired.map(DesiredStack::movable_images).unwrap_or_default();
    if references.is_empty() { Ok(BTreeMap::new()) } else { engine.images(references).await }
}

/// The ids of what was found, by reference.
pub fn ids(found: &BTreeMap<String, Image>) -> BTreeMap<String, String> {
    found.iter().map(|(reference, image)| (reference.clone(), image.id.clone())).collect()
}

/// What registries say of the images of a stack.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RegistryStatus {
    /// References that stand for another image there than on the host.
    pub moved: BTreeSet<String>,
    /// References that stand for nothing there any more.
    pub gone: BTreeSet<String>,
}

/// Asks the registries that the images of `desired` come from; `found` is what the host has for
/// those that can move.
pub async fn registry_status(
    registries: &[Registry],
    engine: &Engine,
    desired: Option<&DesiredStack>,
    found: &BTreeMap<String, Image>,
) -> RegistryStatus {
    let fetched = desired.map(DesiredStack::fetched_images).unwrap_or_default();
    let asked = fetched.into_iter().filter(|image| image.contains('@') || found.contains_key(image));
    compared(engine.ask_each(registries, asked).await, found)
}

fn compared(answers: BTreeMap<String, Answer>, found: &BTreeMap<String, Image>) -> RegistryStatus {
    let mut status = RegistryStatus::default();
    for (reference, answer) in answers {
        match (answer, found.get(&reference)) {
            (Answer::Has(digest), Some(image)) if has_moved(&reference, &image.digests, &digest) => {
                status.moved.insert(reference);
            }
            (Answer::Gone, _) => drop(status.gone.insert(reference)),
            _ => {}
        }
    }
    status
}

/// `service` to what it runs, as it can be had again. What is built is not: an engine whose images
/// are containerd's gives it a digest too, which no registry knows.
pub fn running_digests(
    services: &BTreeMap<String, ObservedService>,
    facts: &ImageFacts,
    desired: Option<&DesiredStack>,
) -> BTreeMap<String, String> {
    let is_built = |name: &str| desired.is_some_and(|desired| desired.is_built(name));
    let fetched = services.iter().filter(|(name, service)| service.status != ORPHANED && !is_built(name));
    let running = fetched.filter(|(_, service)| !service.containers.is_empty());
    let digest = |service: &ObservedService| digest(&service.image, Some(&service.image_id), facts);
    running.filter_map(|(name, service)| Some((name.clone(), digest(service)??))).collect()
}

/// The same of services as they will be; `None` as long as one of them is not known.
pub fn planned_digests(
    services: &BTreeMap<String, PlannedService>,
    facts: &ImageFacts,
    desired: &DesiredStack,
) -> Option<BTreeMap<String, String>> {
    let mut digests = BTreeMap::new();
    for (name, service) in services {
        if service.replicas == 0 || service.status == ORPHANED || desired.is_built(name) {
            continue;
        }
        if let Some(digest) = digest(service.image.as_deref()?, service.image_id.as_deref(), facts)? {
            digests.insert(name.clone(), digest);
        }
    }
    Some(digests)
}

/// The digest of an image, if it has one; `None` while that cannot be told.
fn digest(reference: &str, id: Option<&str>, facts: &ImageFacts) -> Option<Option<String>> {
    if let Some(digest) = pinned(reference) {
        return Some(Some(digest));
    }
    let known = facts.digests.get(id.filter(|id| !id.is_empty())?)?;
    Some(digest_of(reference, known).cloned())
}

/// The document of Compose with the images of the configuration, and the services of these that it
/// does not have.
pub(crate) fn overridden(
    document: Vec<u8>,
    images: &BTreeMap<String, Option<String>>,
) -> (Vec<u8>, Vec<String>) {
    if images.is_empty() {
        return (document, Vec::new());
    }
    // What is no document is told by those who read it next.
    let Ok(mut project) = serde_json::from_slice::<Value>(&document) else { return (document, Vec::new()) };
    let mut others = Vec::new();
    for (name, image) in images {
        match project.pointer_mut("/services").and_then(|services| services.get_mut(name)) {
            Some(Value::Object(service)) => {
                let image = image.as_deref().unwrap_or(UNKNOWN);
                service.insert("image".to_owned(), Value::from(image));
            }
            _ => others.push(name.clone()),
        }
    }
    (project.to_string().into_bytes(), others)
}

/// What each service of `resolved` that is to be built is built from.
pub(crate) fn contexts(
    spec: &StackSpec,
    resolved: &Resolved,
    directory: &str,
    values: Values<'_>,
) -> Result<BTreeMap<String, String>, Error> {
    let read = |path: &str| {
        let bytes = spec.source.files.get(path)?.read().ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let (files, links) = (spec.source.manifest().files, spec.source.links());
    let shipped = Shipped { directory, files: &files, links: &links, read: &read };
    let services = resolved.config.services.keys().filter(|name| !spec.images.contains_key(*name));
    let services: BTreeSet<String> = services.cloned().collect();
    build::contexts(&resolved.config.document, &services, shipped, values).map_err(Error::from)
}

/// Refuses services of `projects` that build the same image from different things.
pub(crate) fn agree(projects: &[&Resolved], contexts: &BTreeMap<String, String>) -> Result<(), Error> {
    let services = projects.iter().flat_map(|resolved| &resolved.config.services);
    let built = services.filter_map(|(name, service)| {
        Some((name.as_str(), service.image.as_str(), contexts.get(name)?.as_str()))
    });
    build::agree(built).map_err(Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_registries_say_is_compared_with_what_the_host_has() {
        let image = |digest: &str| Image { digests: vec![format!("r.io/app@{digest}")], ..Image::default() };
        let found =
            ["same", "other", "gone", "silent"].map(|tag| (format!("r.io/app:{tag}"), image("sha256:1")));
        let answers = [
            ("r.io/app:same", Answer::Has("sha256:1".into())),
            ("r.io/app:other", Answer::Has("sha256:2".into())),
            ("r.io/app:gone", Answer::Gone),
            ("r.io/app:silent", Answer::Silent("no".into())),
            ("r.io/app@sha256:3", Answer::Gone),
            ("r.io/app@sha256:4", Answer::Has("sha256:4".into())),
        ];
        let answers = answers.map(|(reference, answer)| (reference.to_owned(), answer)).into();
        let set = |references: &[&str]| references.iter().map(|one| (*one).to_owned()).collect();
        let expected = RegistryStatus {
            moved: set(&["r.io/app:other"]),
            gone: set(&["r.io/app:gone", "r.io/app@sha256:3"]),
        };
        assert_eq!(compared(answers, &found.into()), expected);
    }
}
