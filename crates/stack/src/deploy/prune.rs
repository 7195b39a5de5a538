//! Removing images that only older generations of the stack used.

use std::{collections::BTreeSet, mem};

use remote::files::WriteOptions;

use super::{Deployment, Work};
use crate::{
    error::Error,
    image_history::{ImageHistory, Used, names_to_remove},
    overview,
    record::Record,
};

impl Deployment<'_> {
    /// The images of the stack through time, with those of now.
    pub(super) async fn history(
        &self,
        work: &Work,
        before: Option<&Record>,
        done: bool,
    ) -> Result<ImageHistory, Error> {
        let mut history = before.map(|record| record.history.clone()).unwrap_or_default();
        let mut used = Used::new();
        for (reference, image) in self.host.engine.images(work.desired.references()).await? {
            used.entry(image.id).or_default().insert(reference);
        }
        if done {
            history.advance(used, self.options.keep_images);
        } else {
            history.attempt(used);
        }
        Ok(history)
    }

    /// Removes what `record` says is old. The stack runs well by now: what stays is for the log, and
    /// for the next apply.
    pub(super) async fn prune(&self, work: &Work, record: Record) {
        if record.history.old.is_empty() {
            return;
        }
        if let Err(error) = self.remove_old(work, record).await {
            tracing::warn!(stack = self.spec.name, ?error, "could not remove old images");
        }
    }

    async fn remove_old(&self, work: &Work, mut record: Record) -> Result<(), Error> {
        let wanted_elsewhere = self.wanted_elsewhere().await?;
        for (id, references) in mem::take(&mut record.history.old) {
            let mut stays = wanted_elsewhere.contains(&id);
            if let (false, Some(image)) = (stays, self.host.engine.image(&id).await?) {
                for name in names_to_remove(&image, &references, &self.spec.name) {
                    stays |= !self.host.engine.remove_image(&name).await?;
                }
            }
            if stays {
                record.history.old.insert(id, references);
            }
        }
        self.host.files().write(&work.layout.record(), record.to_json(), &WriteOptions::PRIVATE).await?;
        Ok(())
    }

    /// The ids of the images that other stacks on the host may still want, also where no container
    /// of theirs holds them.
    async fn wanted_elsewhere(&self) -> Result<BTreeSet<String>, Error> {
        let projects = self.host.engine.all_projects().await?;
        let directories: BTreeSet<String> = projects.iter().filter_map(overview::directory).collect();
        let mut wanted = BTreeSet::new();
        for directory in directories.iter().filter(|directory| **directory != self.directory) {
            let path = self.spec.layout(directory).record();
            let text = self.host.files().read_text(&path).await.ok().flatten().unwrap_or_default();
            if let Ok(record) = Record::parse(text.as_bytes()) {
                wanted.extend(record.history.kept().into_iter().cloned());
            }
        }
        Ok(wanted)
    }
}
