//! Building images on the host.

use super::{Deployment, Work};
use crate::{desired::OPEN, error::Error, image_facts::ImageFacts, images, options::PullPolicy};

impl Deployment<'_> {
    /// Builds what is not there as the files want it, one image after the other, so that it is clear
    /// which of them failed.
    pub(super) async fn build(&self, work: &Work) -> Result<(), Error> {
        let builds = work.desired.builds();
        if builds.is_empty() {
            return Ok(());
        }
        let found = images::inspect(&self.host.engine, Some(&work.desired)).await?;
        let ids = work.desired.image_ids(&images::ids(&found), &ImageFacts::of(&found));
        let project = work.project(&self.spec.name);
        let compose =
            self.host.compose(&work.cx, &work.scrubber).naming(format!("{}/", work.layout.root()), "");
        let fresh = self.options.pull == PullPolicy::Always;
        let outdated = |image: &str| ids.get(image).is_none_or(|id| id == OPEN);
        for (_, service) in builds.into_iter().filter(|(image, _)| outdated(image)) {
            compose.build(&project, service, fresh, work.cx.remaining()).await?;
        }
        Ok(())
    }
}
