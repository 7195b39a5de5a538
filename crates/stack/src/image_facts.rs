//! What a host has of the images of a stack.

use std::collections::{BTreeMap, BTreeSet};

use compose::build::LABEL_CONTEXT;
use docker::{
    Engine,
    engine::{Container, Image},
};
use serde::{Deserialize, Serialize};

use crate::containers::{LABEL_IMAGE, is_of_service};

/// What the host has of the images of a stack, beside their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageFacts {
    /// Reference to what the image behind it was built from, where we built it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub contexts: BTreeMap<String, String>,
    /// Id to the references with a digest by which registries know the image.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub digests: BTreeMap<String, Vec<String>>,
    /// References that stand for another image in their registry.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub moved: BTreeSet<String>,
}

impl ImageFacts {
    /// What the images tell that were found behind references.
    pub fn of(found: &BTreeMap<String, Image>) -> Self {
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
    ///
    /// # Errors
    /// When the daemon cannot be asked.
    pub async fn with_running(
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
