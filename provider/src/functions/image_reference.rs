//! `image_reference(text)`: the parts of an image reference.

use async_trait::async_trait;
use docker::Reference;
use framework::{Documentation, Field, Function, FunctionError, Model};

/// The function.
pub(super) struct ImageReference;

#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(super) struct Parts {
    registry: Field<String>,
    repository: Field<String>,
    tag: Field<String>,
    digest: Field<String>,
    canonical: Field<String>,
    familiar: Field<String>,
}

#[async_trait]
impl Function for ImageReference {
    type Arguments = (String,);
    type Output = Parts;

    fn name(&self) -> &'static str {
        "image_reference"
    }

    fn documentation(&self) -> Documentation {
        Documentation::new("The parts of an image reference")
            .describe(
                "Reads an image reference as Docker reads it: `registry` (`docker.io` where none is written), \
                 `repository` (`library/nginx` for `nginx`), `tag` and `digest` (null where none is written), \
                 `canonical` (in full, with `:latest` where there is neither tag nor digest) and `familiar` (the same \
                 without `docker.io/library/`). No registry is asked.",
            )
            .argument("text", "The reference, such as `nginx:1.27` or `ghcr.io/org/app@sha256:…`.")
    }

    async fn call(&self, (text,): Self::Arguments) -> Result<Self::Output, FunctionError> {
        let reference: Reference =
            text.parse().map_err(|error| FunctionError::argument(0, format!("{error}.")))?;
        Ok(Parts {
            canonical: reference.canonical().into(),
            familiar: reference.familiar().into(),
            registry: reference.registry.into(),
            repository: reference.repository.into(),
            tag: Field::from(reference.tag),
            digest: Field::from(reference.digest),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_parts_are_reported() {
        let parts = ImageReference.call(("nginx:1".to_owned(),)).await.unwrap();
        let expected = Parts {
            registry: "docker.io".into(),
            repository: "library/nginx".into(),
            tag: "1".into(),
            digest: Field::Null,
            canonical: "docker.io/library/nginx:1".into(),
            familiar: "nginx:1".into(),
        };
        assert_eq!(parts, expected);
        let error = ImageReference.call(("Nginx".to_owned(),)).await.unwrap_err();
        assert_eq!(
            (error.argument, error.text.as_str()),
            (Some(0), "the repository \"Nginx\" must be in lower case.")
        );
    }
}
