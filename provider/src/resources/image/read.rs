//! Finding out what the tags of an image stand for.

use std::collections::BTreeMap;

use docker::engine::Image;
use framework::{Context, Diagnostic, Diagnostics, Field, State};

use super::{ImageResource, TYPE, failure::Failure};
use crate::hosts::Host;

/// Asks the host. The registry is not asked: an image that is gone there is for the pull to tell.
pub(super) async fn read(
    resource: &ImageResource,
    cx: &Context,
    state: State<ImageResource>,
) -> Result<Option<State<ImageResource>>, Diagnostics> {
    let (title, connection) = (state.model.title("read"), state.model.host.clone());
    let look = |host, state| async {
        refreshed(resource, host, state)
            .await
            .map_err(|failure| failure.for_read(&title, "Nothing was changed."))
    };
    resource.hosts.read(cx, &title, &connection, state, look).await
}

async fn refreshed(
    resource: &ImageResource,
    host: Host,
    mut state: State<ImageResource>,
) -> Result<Option<State<ImageResource>>, Failure> {
    let engine = resource.engines.engine(&host).await?;
    let found = engine.images(state.model.names().into_iter().collect()).await?;
    take(&mut state, &found);
    Ok(Some(state))
}

/// The one place where what a host has becomes attributes.
fn take(state: &mut State<ImageResource>, found: &BTreeMap<String, Image>) {
    let names = state.model.names();
    let built = state.private.image_id.clone();
    // A registry has it still: a host that was tidied up is no reason to build again.
    if found.is_empty() && state.model.push.is_true() && state.model.digest.is_known() {
        state.private.moved = false;
        state.model.image_id = Field::Known(built);
        return;
    }
    let id = |name: &String| found.get(name).map(|image| image.id.clone());
    state.private.moved = names.iter().any(|name| id(name).as_deref() != Some(built.as_str()));
    state.model.image_id = Field::from(names.first().and_then(id));
}

/// Why `id` cannot be imported.
pub(super) fn not_importable(id: &str) -> Diagnostic {
    Diagnostic::error(format!("Could not import {TYPE} {id:?}"))
        .detail("An image does not say what it was built from, so it would be built again anyway.")
        .detail("Nothing was changed.")
        .detail("Write the resource and apply: with BuildKit's cache on the host that is cheap, and the tags move to it.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::image::{ImageModel, ImagePrivate};

    fn state(push: bool) -> State<ImageResource> {
        let model = ImageModel {
            name: "app:1".into(),
            tags: Field::Known(["app:2".to_owned()].into()),
            push: Field::Known(push),
            digest: if push { "sha256:d".into() } else { Field::Null },
            ..ImageModel::default()
        };
        State { model, private: ImagePrivate { image_id: "sha256:1".into(), ..ImagePrivate::default() } }
    }

    fn found(images: &[(&str, &str)]) -> BTreeMap<String, Image> {
        let image = |id: &str| Image { id: id.to_owned(), ..Image::default() };
        images.iter().map(|(name, id)| ((*name).to_owned(), image(id))).collect()
    }

    fn taken(push: bool, images: &[(&str, &str)]) -> (bool, Field<String>) {
        let mut state = state(push);
        take(&mut state, &found(images));
        (state.private.moved, state.model.image_id)
    }

    #[test]
    fn a_tag_that_moved_or_went_is_seen() {
        let one: Field<String> = "sha256:1".into();
        assert_eq!(taken(false, &[("app:1", "sha256:1"), ("app:2", "sha256:1")]), (false, one.clone()));
        assert_eq!(taken(false, &[("app:1", "sha256:9"), ("app:2", "sha256:1")]), (true, "sha256:9".into()));
        assert_eq!(taken(true, &[("app:1", "sha256:1"), ("app:2", "sha256:9")]), (true, one.clone()));
        assert_eq!(taken(false, &[]), (true, Field::Null));
        assert_eq!(taken(true, &[]), (false, one), "the registry has it");
    }
}
