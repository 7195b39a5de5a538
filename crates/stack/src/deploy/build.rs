//! Building images on the host.
//!
//! A context is never the stack's own directory: beside what was shipped there lie `.env`, secret
//! files, records of ours and whatever containers write, and `COPY . .` would take all of it into a
//! layer. What is built from is a copy of the shipped files alone, which is what the plan has hashed;
//! it is there only while it is built from.

use compose::{
    Project,
    layout::{BUILD, OURS},
};
use remote::files::WriteOptions;

use super::{Deployment, Work};
use crate::{
    error::Error, image_facts::ImageFacts, images, kept_release, options::PullPolicy, service::OPEN,
};

/// In the folder: the copy, and the Compose file that names it.
const TREE: &str = "tree";
const FILE: &str = "compose.json";

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
        let outdated = |image: &str| ids.get(image).is_none_or(|id| id == OPEN);
        let services: Vec<&str> =
            builds.into_iter().filter(|(image, _)| outdated(image)).map(|(_, service)| service).collect();
        if services.is_empty() {
            return Ok(());
        }
        let root = work.layout.root();
        // One that was cut off may have left its copy.
        kept_release::remove_all(self.host, root, &[BUILD]).await?;
        let built = self.build_services(work, &services).await;
        if let Err(error) = kept_release::remove_all(self.host, root, &[BUILD]).await {
            tracing::warn!(stack = self.spec.name, ?error, "could not remove what images were built from");
        }
        built
    }

    async fn build_services(&self, work: &Work, services: &[&str]) -> Result<(), Error> {
        let root = work.layout.root();
        let place = format!("{root}/{OURS}/{BUILD}");
        let tree = format!("{place}/{TREE}");
        let mut shipped = self.spec.source.manifest().files;
        shipped.retain(|path, _| !work.state.unknown.contains(path));
        kept_release::copy_aside(
            self.host,
            work.cx.token(),
            root,
            &format!("{BUILD}/{TREE}"),
            shipped.keys(),
        )
        .await?;
        let file = format!("{place}/{FILE}");
        self.host.files().write(&file, work.desired.built_elsewhere(&tree), &WriteOptions::PRIVATE).await?;
        let project = work.project(&self.spec.name);
        let files = project.files.iter().cloned().chain([file]).collect();
        let project = Project { files, ..project };
        let compose = self.host.compose(&work.cx, &work.scrubber).naming(format!("{tree}/"), "");
        let fresh = self.options.pull == PullPolicy::Always;
        for service in services {
            compose.build(&project, service, fresh, work.cx.remaining()).await?;
        }
        Ok(())
    }
}
