//! Images of a host, and what registries say of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error as _,
    time::Duration,
};

use bollard::{auth::DockerCredentials, query_parameters::RemoveImageOptionsBuilder};
use futures_util::{StreamExt, TryStreamExt, stream};
use secret::Scrubber;

use super::{Engine, Image, not_found, status_code};
use crate::{
    Error,
    registry::{self, Registry},
};

/// How many answers are waited for at the same time.
const AT_ONCE: usize = 16;

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

    /// Which of `asked` (a reference, the digests of the image that the host has for it, the
    /// credentials for its registry) stand for another image in their registry by now.
    ///
    /// The daemon asks, so a registry only has to be within the host's reach. One that refuses or
    /// does not answer within `patience` is taken to have nothing new, and the log says so.
    pub async fn moved(
        &self,
        asked: Vec<(String, Vec<String>, Option<Registry>)>,
        patience: Duration,
    ) -> BTreeSet<String> {
        let known = asked.iter().filter_map(|(_, _, registry)| Some(registry.as_ref()?.password.clone()));
        let scrubber = Scrubber::new(known);
        let scrubber = &scrubber;
        let answers = asked.into_iter().map(|(reference, digests, registry)| async move {
            let answer =
                tokio::time::timeout(patience, self.registry_digest(&reference, registry.as_ref())).await;
            let problem = match answer {
                Ok(Ok(digest)) => {
                    return registry::has_moved(&reference, &digests, &digest).then_some(reference);
                }
                Ok(Err(error)) => error.source().map_or_else(|| error.to_string(), ToString::to_string),
                Err(_) => format!("no answer within {} s", patience.as_secs()),
            };
            let problem = scrubber.scrub(&problem);
            tracing::warn!(image = reference, problem, "the registry does not tell what a tag stands for");
            None
        });
        let answers: Vec<_> = stream::iter(answers).buffer_unordered(AT_ONCE).collect().await;
        answers.into_iter().flatten().collect()
    }

    /// The digest (`sha256:…`) that `reference` stands for in its registry now.
    async fn registry_digest(&self, reference: &str, registry: Option<&Registry>) -> Result<String, Error> {
        let reference = registry::with_tag(reference);
        let found = self.docker.inspect_registry_image(&reference, credentials(registry)).await;
        let found = found.map_err(|source| self.error("ask a registry for an image", source))?;
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
pub(super) fn credentials(registry: Option<&Registry>) -> Option<DockerCredentials> {
    registry.map(|registry| DockerCredentials {
        username: Some(registry.username.clone()),
        password: Some(registry.password.expose().to_owned()),
        serveraddress: Some(registry.address.clone()),
        ..DockerCredentials::default()
    })
}
