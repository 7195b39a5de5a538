//! Keeping the images of the last good apply, so that they are there to go back to.

use super::Deployment;
use crate::{
    kept_images::{self, release_images},
    record::Record,
    release::Images,
};

impl Deployment<'_> {
    /// Gives the images of the last good apply a name that nobody else takes. One that cannot be
    /// state, because it is gone already, is missed by whoever wants to go back to it.
    pub(super) async fn keep_images(&self, images: &Images) {
        for (id, name) in kept_images::names(&self.spec.name, images) {
            if let Err(error) = self.host.engine.tag(id, &name).await {
                tracing::warn!(stack = self.spec.name, image = id, %error, "could not keep an image");
            }
        }
    }

    /// Lets go of the images that `record` knows nothing of and that are none of `images`.
    pub(super) async fn let_images_go(&self, record: &Record, images: &Images) {
        let known = record.history.kept().into_iter().chain(record.history.old.keys()).chain(images.values());
        if let Err(error) = release_images(&self.host.engine, &self.spec.name, known).await {
            tracing::warn!(stack = self.spec.name, ?error, "could not let go of images");
        }
    }
}
