//! What a host has of the images of a stack.

use std::collections::{BTreeMap, BTreeSet};

use compose::build::LABEL_CONTEXT;
use docker::{
    Engine,
    engine::{Container, Image},
};
use serde::{Deserialize, Serialize};

use crate::containers::{LABEL_IMAGE, by_service, is_of_service};

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
    /// Services to the image that Compose's label says, where their containers run another one: some other
    /// tool has made them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub relabelled: BTreeMap<String, String>,
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
            ..Self::default()
        }
    }

    /// The same, and what `containers` tell: the digests of what they run where no reference leads there any
    /// more.
    ///
    /// # Errors
    /// When the daemon cannot be asked.
    pub async fn with_running(
        mut self,
        engine: &Engine,
        containers: &[Container],
    ) -> Result<Self, docker::Error> {
        self.relabelled = relabelled(containers);
        let id = |one: &Container| one.image_id.clone();
        let running = containers.iter().filter(|one| is_of_service(one) && !one.image.contains('@')).map(id);
        let others = running.filter(|id| !self.digests.contains_key(id)).collect();
        for (id, image) in engine.images(others).await? {
            self.digests.insert(id, image.digests);
        }
        Ok(self)
    }
}

/// As in [`ImageFacts`].
pub(crate) fn relabelled(containers: &[Container]) -> BTreeMap<String, String> {
    let other =
        |one: &&Container| one.label(LABEL_IMAGE).filter(|label| *label != one.image_id).map(str::to_owned);
    let services = by_service(containers).into_iter();
    services.filter_map(|(name, own)| Some((name, own.iter().find_map(other)?))).collect()
}

#[cfg(test)]
mod tests {
    use docker::engine::{State, StatusText};

    use super::*;
    use crate::containers::LABEL_SERVICE;

    #[test]
    fn what_another_tool_has_made_is_known_by_the_label() {
        let container = |service: &str, label: &str| Container {
            id: service.into(),
            name: service.into(),
            image: "app:1".into(),
            image_id: "sha256:2".into(),
            created: 0,
            state: State::Running,
            status: StatusText::default(),
            labels: [(LABEL_SERVICE, service), (LABEL_IMAGE, label)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ports: vec![],
            networks: BTreeSet::new(),
        };
        let all = [container("same", "sha256:2"), container("updated", "sha256:1")];
        assert_eq!(relabelled(&all), BTreeMap::from([("updated".to_owned(), "sha256:1".to_owned())]));
    }
}
