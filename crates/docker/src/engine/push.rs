//! Bringing images of the host to registries.

use std::pin::pin;

use bollard::{errors::Error as ApiError, query_parameters::PushImageOptionsBuilder};
use futures_util::StreamExt;

use super::{Engine, images::credentials};
use crate::{
    Error,
    registry::{Registry, split_tag},
};

/// The tag of a reference that names none.
const LATEST: &str = "latest";

impl Engine {
    /// Brings the image that the host has as `reference` to its registry, with credentials where
    /// that asks for them, and returns the digest of the manifest there.
    ///
    /// # Errors
    /// [`Error::Push`] when the registry or the daemon refuses, [`Error::Engine`] when the daemon
    /// does not answer.
    pub async fn push(&self, reference: &str, registry: Option<&Registry>) -> Result<String, Error> {
        let (name, tag) = split_tag(reference);
        let options = PushImageOptionsBuilder::default().tag(tag.unwrap_or(LATEST)).build();
        let mut digest = None;
        let mut progress = pin!(self.docker.push_image(name, Some(options), credentials(registry)));
        while let Some(step) = progress.next().await {
            let step = step.map_err(|source| self.push_error(reference, source))?;
            if let Some(detail) = step.error_detail {
                return Err(self.refused(reference, detail.message.unwrap_or_default()));
            }
            digest = step.status.as_deref().and_then(digest_in).or(digest);
        }
        digest.ok_or_else(|| self.refused(reference, "it told no digest of what it has taken".to_owned()))
    }

    fn push_error(&self, reference: &str, source: ApiError) -> Error {
        match source {
            ApiError::DockerResponseServerError { message, .. } => self.refused(reference, message),
            ApiError::DockerStreamError { error } => self.refused(reference, error),
            other => self.error("push an image", other),
        }
    }

    fn refused(&self, reference: &str, reason: String) -> Error {
        Error::Push { host: self.host.clone(), reference: reference.to_owned(), reason }
    }
}

/// The digest in the daemon's last word: `1.2: digest: sha256:… size: 1149`.
fn digest_in(status: &str) -> Option<String> {
    let digest = status.split_once("digest: ")?.1.split(' ').next()?;
    Some(digest.to_owned()).filter(|digest| digest.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_a_push_has_the_digest() {
        assert_eq!(digest_in("1: digest: sha256:ab size: 1149").as_deref(), Some("sha256:ab"));
        assert_eq!(digest_in("Pushed"), None);
    }
}
