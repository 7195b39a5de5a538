//! Images of a host, and what registries say of them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use bollard::{
    auth::DockerCredentials,
    errors::Error as ApiError,
    query_parameters::{ListImagesOptionsBuilder, RemoveImageOptionsBuilder},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use secret::Scrubber;

use super::{Engine, Image, not_found, status_code};
use crate::{
    Error,
    registry::{self, Registry, for_image},
};

/// How long a registry may take to say what a reference stands for.
pub const REGISTRY_PATIENCE: Duration = Duration::from_secs(3);
/// How many answers are waited for at the same time.
const AT_ONCE: usize = 16;

/// What a registry says of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It stands for the manifest with this digest (`sha256:…`).
    Has(String),
    /// There is nothing by that name.
    Gone,
    /// It does not tell, for this reason: it cannot be reached, refuses, or takes too long.
    Silent(String),
}

impl Engine {
    /// The images behind `references` that the host has.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer.
    pub async fn images(&self, references: BTreeSet<String>) -> Result<BTreeMap<String, Image>, Error> {
        let asked = stream::iter(references).map(|reference| async move {
            let found = self.image(&reference).await?;
            Ok::<_, Error>(found.map(|image| (reference, image)))
        });
        let found: Vec<_> = asked.buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// What the references of `asked`, each with the credentials for its registry, stand for there
    /// now.
    ///
    /// The daemon asks, so a registry only has to be within the host's reach; for each of them it is
    /// waited no longer than `patience`.
    pub async fn ask_registries(
        &self,
        asked: BTreeMap<String, Option<Registry>>,
        patience: Duration,
    ) -> BTreeMap<String, Answer> {
        let scrubber = Scrubber::new(asked.values().flatten().map(|registry| registry.password.clone()));
        let scrubber = &scrubber;
        let answers = asked.into_iter().map(|(reference, registry)| async move {
            let asking = self.registry_digest(&reference, registry.as_ref());
            let answer = match tokio::time::timeout(patience, asking).await {
                Ok(Ok(digest)) => Answer::Has(digest),
                Ok(Err(source)) if not_found(&source) => Answer::Gone,
                Ok(Err(source)) => Answer::Silent(scrubber.scrub(&source.to_string())),
                Err(_) => Answer::Silent(format!("no answer within {} s", patience.as_secs())),
            };
            (reference, answer)
        });
        stream::iter(answers).buffer_unordered(AT_ONCE).collect().await
    }

    /// As [`Engine::ask_registries`], where each registry is one of `registries` if it is known, and
    /// is waited for no longer than [`REGISTRY_PATIENCE`]. That one does not tell goes to the log, and is
    /// no reason to stop: what is planned must not depend on it.
    pub async fn ask_each(
        &self,
        registries: &[Registry],
        references: impl IntoIterator<Item = String>,
    ) -> BTreeMap<String, Answer> {
        let asked = references.into_iter().map(|reference| {
            let registry = for_image(registries, &reference).cloned();
            (reference, registry)
        });
        let answers = self.ask_registries(asked.collect(), REGISTRY_PATIENCE).await;
        for (image, answer) in &answers {
            if let Answer::Silent(problem) = answer {
                tracing::warn!(image, problem, "the registry does not tell what an image stands for");
            }
        }
        answers
    }

    /// The digest (`sha256:…`) that `reference` stands for in its registry now.
    pub(super) async fn registry_digest(
        &self,
        reference: &str,
        registry: Option<&Registry>,
    ) -> Result<String, ApiError> {
        let reference = registry::with_tag(reference);
        let found = self.docker.inspect_registry_image(&reference, credentials(registry)).await?;
        Ok(found.descriptor.digest.unwrap_or_default())
    }

    /// Takes the name `tag` from the image that has it, also where a container uses that image, which
    /// then stays without a name. A name that nothing has is no error.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not do it.
    pub async fn untag(&self, tag: &str) -> Result<(), Error> {
        let options = RemoveImageOptionsBuilder::default().force(true).build();
        match self.docker.remove_image(tag, Some(options), None).await {
            Err(source) if !not_found(&source) => Err(self.error("remove the name of an image", source)),
            _ => Ok(()),
        }
    }

    /// The names (`repository:tag`) that images have in `repository`.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer.
    pub async fn names_in(&self, repository: &str) -> Result<BTreeSet<String>, Error> {
        let filters = HashMap::from([("reference", vec![repository])]);
        let options = ListImagesOptionsBuilder::default().filters(&filters).build();
        let found = self.docker.list_images(Some(options)).await;
        let found = found.map_err(|source| self.error("list images", source))?;
        let prefix = format!("{repository}:");
        // What has a name there is listed with all its names.
        let names = found.into_iter().flat_map(|image| image.repo_tags);
        Ok(names.filter(|name| name.starts_with(&prefix)).collect())
    }

    /// Removes the image `name` (a tag, of which only the tag goes while there are others, or an
    /// id); whether it did. What is in use, or goes by other names, stays.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer.
    pub async fn remove_image(&self, name: &str) -> Result<bool, Error> {
        let options = RemoveImageOptionsBuilder::default().force(false).build();
        match self.docker.remove_image(name, Some(options), None).await {
            Ok(_) => Ok(true),
            Err(source) if not_found(&source) => Ok(false),
            Err(source) if status_code(&source) == Some(409) => {
                tracing::debug!(image = name, %source, "an image stays");
                Ok(false)
            }
            Err(source) => Err(self.error("remove an image", source)),
        }
    }
}

/// Credentials as the daemon takes them with a request.
pub fn credentials(registry: Option<&Registry>) -> Option<DockerCredentials> {
    registry.map(|registry| DockerCredentials {
        username: Some(registry.username.clone()),
        password: Some(registry.password.expose().to_owned()),
        serveraddress: Some(registry.address.clone()),
        ..DockerCredentials::default()
    })
}
