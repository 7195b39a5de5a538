//! Building images on the host.

use super::{Deployment, Work};
use crate::resources::compose_stack::{
    failure::Failure,
    images::{self, ImageFacts},
    prediction::OPEN,
};

impl Deployment<'_> {
    /// Builds what is not there as the files want it, one image after the other, so that it is clear
    /// which of them failed.
    pub(super) async fn build(&self, work: &Work) -> Result<(), Failure> {
        let builds = work.prediction.builds();
        if builds.is_empty() {
            return Ok(());
        }
        let found = images::look(&self.engine, Some(&work.prediction)).await?;
        let ids = work.prediction.image_ids(&images::ids(&found), &ImageFacts::of(&found));
        let project = work.project(&self.inputs.name);
        let compose =
            self.site.compose(&work.cx, &work.scrubber).naming(format!("{}/", work.layout.root()), "");
        let fresh = self.planned.pull.as_str() == Some("always");
        let outdated = |image: &str| ids.get(image).is_none_or(|id| id == OPEN);
        for (_, service) in builds.into_iter().filter(|(image, _)| outdated(image)) {
            compose.build(&project, service, fresh, work.cx.remaining()).await?;
        }
        Ok(())
    }
}
