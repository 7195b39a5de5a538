//! `compose_services(text)`: the services of a Compose file.

use std::collections::BTreeMap;

use async_trait::async_trait;
use compose::outline::{Outline, services};
use framework::{Documentation, Field, Function, FunctionError, Model};

/// The function.
pub(super) struct ComposeServices;

/// A service as it stands in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(super) struct Service {
    image: Field<String>,
    build: Field<bool>,
    profiles: Field<Vec<String>>,
}

impl Service {
    fn of(outline: Outline) -> Self {
        Self {
            image: Field::from(outline.image),
            build: Field::Known(outline.build),
            profiles: Field::Known(outline.profiles),
        }
    }
}

#[async_trait]
impl Function for ComposeServices {
    type Arguments = (String,);
    type Output = BTreeMap<String, Service>;

    fn name(&self) -> &'static str {
        "compose_services"
    }

    fn documentation(&self) -> Documentation {
        Documentation::new("The services of a Compose file")
            .describe(
                "The services that stand in the text of a Compose file, by name, each with its `image` (null where \
                 there is none), whether it has a `build` section, and its `profiles`. For a `for_each` over services \
                 or a check of their images.\n\nNo host is asked: anchors, aliases and `<<` count, but values are as \
                 they are written (`${TAG}` stays `${TAG}`), and what `include:`, `extends:` or another file would \
                 add is not there. What really runs is in `services` of a `windlass_compose_stack`.",
            )
            .argument("text", "The text of a Compose file, for example `file(\"compose.yaml\")`.")
    }

    async fn call(&self, (text,): Self::Arguments) -> Result<Self::Output, FunctionError> {
        let found = services(&text).map_err(|error| FunctionError::argument(0, format!("{error}.")))?;
        Ok(found.into_iter().map(|(name, outline)| (name, Service::of(outline))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn services_have_what_stands_in_the_file() {
        let text = "services: {web: {image: a, profiles: [p]}, job: {build: .}}";
        let found = ComposeServices.call((text.to_owned(),)).await.unwrap();
        assert_eq!(found["web"].image, "a".into());
        assert_eq!(found["web"].profiles, Field::Known(vec!["p".to_owned()]));
        assert_eq!((&found["job"].image, &found["job"].build), (&Field::Null, &Field::Known(true)));
    }

    #[tokio::test]
    async fn a_text_that_is_no_compose_file_is_the_argument_s_fault() {
        let error = ComposeServices.call(("services: 3".to_owned(),)).await.unwrap_err();
        assert_eq!(error.argument, Some(0));
        assert!(error.text.starts_with("the text is not a valid Compose file: "), "{error}");
    }
}
