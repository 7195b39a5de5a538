//! The images of a stack: what the configuration says of them, and what the host has.

use std::collections::{BTreeMap, BTreeSet};

use compose::{
    build::{self, BuildError, LABEL_CONTEXT, Shipped},
    predict::Resolved,
    resources::Values,
    stack::{LABEL_IMAGE, ORPHANED, is_of_service},
};
use docker::{
    Engine,
    engine::{Answer, Container, Image},
    registry::{digest_of, has_moved, pinned},
};
use framework::{Diagnostic, Field};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    StackResource,
    failure::Failure,
    inputs::Inputs,
    model::{Service, StackModel},
    prediction::Prediction,
};
use crate::{diagnose::sentence, registries};

/// Stands for an image that only apply knows: no registry has such a name.
pub(super) const UNKNOWN: &str = "windlass.invalid/unknown";

/// What the host has of the images of a stack, beside their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ImageFacts {
    /// Reference to what the image behind it was built from, where we built it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) contexts: BTreeMap<String, String>,
    /// Id to the references with a digest by which registries know the image.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) digests: BTreeMap<String, Vec<String>>,
    /// References that stand for another image in their registry.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) moved: BTreeSet<String>,
}

/// The images behind the references of `prediction` that can move.
pub(super) async fn look(
    engine: &Engine,
    prediction: Option<&Prediction>,
) -> Result<BTreeMap<String, Image>, docker::Error> {
    let references = prediction.map(Prediction::movable_images).unwrap_or_default();
    if references.is_empty() { Ok(BTreeMap::new()) } else { engine.images(references).await }
}

/// The ids of what was found, by reference.
pub(super) fn ids(found: &BTreeMap<String, Image>) -> BTreeMap<String, String> {
    found.iter().map(|(reference, image)| (reference.clone(), image.id.clone())).collect()
}

impl ImageFacts {
    /// What the images tell that were found behind references.
    pub(super) fn of(found: &BTreeMap<String, Image>) -> Self {
        let context = |(reference, image): (&String, &Image)| {
            Some((reference.clone(), image.labels.get(LABEL_CONTEXT)?.clone()))
        };
        Self {
            contexts: found.iter().filter_map(context).collect(),
            digests: found.values().map(|image| (image.id.clone(), image.digests.clone())).collect(),
            moved: BTreeSet::new(),
        }
    }

    /// The same, and the digests of what `containers` run where no reference leads there any more.
    pub(super) async fn with_running(
        mut self,
        engine: &Engine,
        containers: &[Container],
    ) -> Result<Self, docker::Error> {
        let id = |one: &Container| one.label(LABEL_IMAGE).unwrap_or(&one.image_id).to_owned();
        let running = containers.iter().filter(|one| is_of_service(one) && !one.image.contains('@')).map(id);
        let others = running.filter(|id| !self.digests.contains_key(id)).collect();
        for (id, image) in engine.images(others).await? {
            self.digests.insert(id, image.digests);
        }
        Ok(self)
    }
}

/// What registries say of the images of a stack.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Abroad {
    /// References that stand for another image there than on the host.
    pub(super) moved: BTreeSet<String>,
    /// References that stand for nothing there any more.
    pub(super) gone: BTreeSet<String>,
}

/// Asks the registries that the images of `prediction` come from; `found` is what the host has for
/// those that can move.
pub(super) async fn abroad(
    resource: &StackResource,
    engine: &Engine,
    prediction: Option<&Prediction>,
    found: &BTreeMap<String, Image>,
) -> Abroad {
    let fetched = prediction.map(Prediction::fetched_images).unwrap_or_default();
    let asked = fetched.into_iter().filter(|image| image.contains('@') || found.contains_key(image));
    compared(registries::ask(&resource.hosts, engine, asked).await, found)
}

fn compared(answers: BTreeMap<String, Answer>, found: &BTreeMap<String, Image>) -> Abroad {
    let mut abroad = Abroad::default();
    for (reference, answer) in answers {
        match (answer, found.get(&reference)) {
            (Answer::Has(digest), Some(image)) if has_moved(&reference, &image.digests, &digest) => {
                abroad.moved.insert(reference);
            }
            (Answer::Gone, _) => drop(abroad.gone.insert(reference)),
            _ => {}
        }
    }
    abroad
}

/// The warning about images that are `gone` from their registries.
pub(super) fn gone(name: &str, host: &str, gone: &BTreeSet<String>) -> Option<Diagnostic> {
    if gone.is_empty() {
        return None;
    }
    let list = gone.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    Some(
        Diagnostic::warning(format!("Images of compose stack {name:?} are gone from their registry"))
            .detail(format!("Asked from {host}, their registry has nothing by these names any more: {list}."))
            .detail(
                "What runs is not touched by that, as long as the host has its images; a host without them, and one \
                 whose images were removed, cannot fetch them.",
            )
            .detail("Push them again, or name others in the Compose files or in `images`."),
    )
}

/// `image_digests`: what runs, as it can be had again. What is built is not: an engine whose images
/// are containerd's gives it a digest too, which no registry knows.
pub(super) fn digests(
    model: &StackModel,
    facts: &ImageFacts,
    prediction: Option<&Prediction>,
) -> Field<BTreeMap<String, String>> {
    let services = model.services.known().into_iter().flatten();
    let is_built = |name: &str| prediction.is_some_and(|prediction| prediction.is_built(name));
    let services = services.filter(|(name, service)| !is_orphan(service) && !is_built(name));
    let running =
        services.filter(|(_, service)| service.containers.known().is_some_and(|all| !all.is_empty()));
    let digest = |service: &Service| digest(service, facts).unwrap_or_default();
    Field::Known(running.filter_map(|(name, service)| Some((name.clone(), digest(service)?))).collect())
}

/// Whether it has left the files: then it is nothing that another stack could run.
fn is_orphan(service: &Service) -> bool {
    service.status.as_str() == Some(ORPHANED)
}

/// `image_digests` as they will be; unknown as long as one of them is.
pub(super) fn planned_digests(
    services: &BTreeMap<String, Service>,
    facts: &ImageFacts,
    prediction: &Prediction,
) -> Field<BTreeMap<String, String>> {
    let mut digests = BTreeMap::new();
    for (name, service) in services {
        if service.replicas.known() == Some(&0) || is_orphan(service) || prediction.is_built(name) {
            continue;
        }
        match digest(service, facts) {
            Some(Some(digest)) => drop(digests.insert(name.clone(), digest)),
            Some(None) => {}
            None => return Field::Unknown,
        }
    }
    Field::Known(digests)
}

/// The digest of a service, if it has one; `None` while that cannot be told.
fn digest(service: &Service, facts: &ImageFacts) -> Option<Option<String>> {
    let reference = service.image.as_str()?;
    if let Some(digest) = pinned(reference) {
        return Some(Some(digest));
    }
    let known = facts.digests.get(service.image_id.as_str()?)?;
    Some(digest_of(reference, known).cloned())
}

/// The document of Compose with the images of the configuration, and the services of these that it
/// does not have.
pub(super) fn overridden(
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

/// What services of the configuration are not in the files.
pub(super) fn strangers(names: &[String]) -> Failure {
    let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    Failure::Files {
        words: format!("`images` names services that the Compose files do not have: {}.", names.join(", ")),
        next: "Take them out of `images`, or correct their names.".to_owned(),
        at: "images",
    }
}

/// What each service of `resolved` that is to be built is built from.
pub(super) fn contexts(
    inputs: &Inputs,
    resolved: &Resolved,
    directory: &str,
    values: Values<'_>,
) -> Result<BTreeMap<String, String>, Failure> {
    let read = |path: &str| {
        let bytes = inputs.source.files.get(path)?.read().ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let (files, links) = (inputs.source.manifest().files, inputs.source.links());
    let shipped = Shipped { directory, files: &files, links: &links, read: &read };
    let services = resolved.config.services.keys().filter(|name| !inputs.images.contains_key(*name));
    let services: BTreeSet<String> = services.cloned().collect();
    build::contexts(&resolved.config.document, &services, shipped, values).map_err(unbuildable)
}

/// Refuses services of `projects` that build the same image from different things.
pub(super) fn agree(projects: &[&Resolved], contexts: &BTreeMap<String, String>) -> Result<(), Failure> {
    let services = projects.iter().flat_map(|resolved| &resolved.config.services);
    let built = services.filter_map(|(name, service)| {
        Some((name.as_str(), service.image.as_str(), contexts.get(name)?.as_str()))
    });
    build::agree(built).map_err(unbuildable)
}

fn unbuildable(error: BuildError) -> Failure {
    let next = match &error {
        BuildError::Outside { .. } | BuildError::Local { .. } => {
            "Only what is shipped can be built: move the context into `source_dir`, use the URL of a git repository, \
             or name an image for the service in `images`."
        }
        BuildError::Empty { .. } | BuildError::NoDockerfile { .. } => {
            "Correct the path, and see that no .windlassignore leaves it out."
        }
        BuildError::Ignore { .. } => "Correct the pattern.",
        BuildError::Clash(..) => "Give one of them another `image`.",
    };
    Failure::Files { words: sentence(&error.to_string()), next: next.to_owned(), at: "build" }
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
        let expected =
            Abroad { moved: set(&["r.io/app:other"]), gone: set(&["r.io/app:gone", "r.io/app@sha256:3"]) };
        assert_eq!(compared(answers, &found.into()), expected);
    }

    #[test]
    fn what_is_gone_is_told_with_what_follows_from_it() {
        assert_eq!(gone("web", "root@web", &BTreeSet::new()), None);
        let two = ["a.io/a:1", "b.io/b@sha256:1"].map(str::to_owned).into();
        assert_eq!(
            gone("web", "root@web", &two).unwrap().to_string(),
            "Images of compose stack \"web\" are gone from their registry\n\
             Asked from root@web, their registry has nothing by these names any more: a.io/a:1, b.io/b@sha256:1.\n\n\
             What runs is not touched by that, as long as the host has its images; a host without them, and one whose \
             images were removed, cannot fetch them.\n\n\
             Push them again, or name others in the Compose files or in `images`."
        );
    }
}
