//! Holding the images of the last good apply, so that they are there to go back to.

use compose::{hold, record::Record};
use docker::Engine;

use super::Deployment;
use crate::resources::compose_stack::{failure::Failure, generation::Images};

impl Deployment<'_> {
    /// Gives the images of the last good apply a name that nobody else takes. One that cannot be
    /// held, because it is gone already, is missed by whoever wants to go back to it.
    pub(super) async fn hold(&self, images: &Images) {
        for (id, name) in hold::wanted(&self.inputs.name, images) {
            if let Err(error) = self.engine.tag(id, &name).await {
                tracing::warn!(stack = self.inputs.name, image = id, %error, "could not hold an image");
            }
        }
    }

    /// Lets go of the images that `record` knows nothing of and that are none of `images`.
    pub(super) async fn let_go(&self, record: &Record, images: &Images) {
        let known = record.history.kept().into_iter().chain(record.history.old.keys()).chain(images.values());
        if let Err(error) = release(&self.engine, &self.inputs.name, known).await {
            tracing::warn!(stack = self.inputs.name, ?error, "could not let go of images");
        }
    }
}

/// Lets go of all that the stack `project` holds but `ids`. An image without another name goes with
/// that, unless containers use it.
pub(in super::super) async fn release<'i>(
    engine: &Engine,
    project: &str,
    ids: impl IntoIterator<Item = &'i String>,
) -> Result<(), Failure> {
    let names = engine.names_in(hold::REPOSITORY).await?;
    let ids: Vec<String> = ids.into_iter().cloned().collect();
    for name in hold::outdated(&names, project, &ids) {
        engine.remove_image(name).await?;
    }
    Ok(())
}
