//! Building images on the host.

use std::collections::BTreeMap;

use super::{Deployment, Work};
use crate::resources::compose_stack::{
    failure::Failure,
    images::{self, ImageFacts},
    prediction::{OPEN, Prediction},
};

impl Deployment<'_> {
    /// Builds what is not there as the files want it, one image after the other, so that it is clear
    /// which of them failed.
    pub(super) async fn build(&self, work: &Work) -> Result<(), Failure> {
        if work.prediction.services.values().all(|one| one.context.is_none()) {
            return Ok(());
        }
        let found = images::look(&self.engine, Some(&work.prediction)).await?;
        let ids = work.prediction.image_ids(&images::ids(&found), &ImageFacts::of(&found));
        let layout = &work.layout;
        let project = layout.project(&self.inputs.name, &work.profiles, true, layout);
        let compose = self.site.compose(&work.cx, &work.scrubber).naming(format!("{}/", layout.root()), "");
        let fresh = self.planned.pull.as_str() == Some("always");
        for service in outdated(&work.prediction, &ids).into_values() {
            compose.build(&project, service, fresh, work.cx.remaining()).await?;
        }
        Ok(())
    }
}

/// The images that have to be built, each with one of its services.
fn outdated<'p>(prediction: &'p Prediction, ids: &BTreeMap<String, String>) -> BTreeMap<&'p str, &'p str> {
    let built = prediction.services.iter().filter(|(_, one)| one.context.is_some());
    let outdated = built.filter(|(_, one)| ids.get(&one.image).is_none_or(|id| id == OPEN));
    outdated.map(|(name, one)| (one.image.as_str(), name.as_str())).collect()
}
