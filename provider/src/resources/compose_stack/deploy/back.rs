//! Going back to the last good state after a failure.

use std::{collections::BTreeSet, time::Duration};

use compose::{layout::given_values, stack};
use docker::engine::Container;
use framework::{Context, Diagnostic};
use secret::{Scrubber, Secret};

use super::{
    After, Deployment, Stopped, Work,
    aftermath::Reason,
    good::{Good, NoneKept},
    hold::release,
};
use crate::resources::compose_stack::{
    destroy,
    failure::Failure,
    generation::Restoration,
    held::{self, Held},
};

/// How long going back may take where the operation has no limit of its own.
const LIMIT: Duration = Duration::from_secs(600);

/// How far an apply came that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    /// Not all files are there, and no container was touched.
    Files,
    /// Containers may have been touched.
    Containers,
}

impl Deployment<'_> {
    /// Takes back what an apply did that failed, as far as that is wanted and can be done: to the
    /// last good state, or, where there was nothing before, to nothing.
    pub(super) async fn take_back(&self, work: &Work, failure: Failure, reached: Reached) -> Stopped {
        let found = work.held.is_ours() || !work.containers.is_empty();
        if let Some(reason) = self.obstacle(work, &failure, found).await {
            return Stopped { failure, after: After::Stays(reason), found };
        }
        let cx = self.cx.overtime(self.cx.timeout(self.cx.operation()).unwrap_or(LIMIT));
        tracing::info!(stack = self.inputs.name, ?failure, "taking back what a failed apply did");
        let after = match &work.good {
            Ok(good) => match self.go_back(&cx, work, good, reached).await {
                Ok((held, containers)) => After::Returned(Box::new(held), containers),
                Err(second) => After::stuck(self.no_way_back(), second),
            },
            Err(_) => match self.clear(&cx).await {
                Ok(volumes) => After::Cleared(volumes),
                Err(second) => {
                    let title = format!("Could not take compose stack {:?} down again", self.inputs.name);
                    After::stuck(title, second)
                }
            },
        };
        Stopped { failure, after, found }
    }

    fn no_way_back(&self) -> String {
        format!("Could not roll back compose stack {:?}", self.inputs.name)
    }

    /// Why nothing is taken back.
    async fn obstacle(&self, work: &Work, failure: &Failure, found: bool) -> Option<Reason> {
        if self.planned.on_failure.as_str() == Some("keep") {
            return Some(Reason::Wanted);
        }
        if self.cx.is_interrupted() {
            return Some(Reason::Interrupted);
        }
        if failure.is_lost() {
            return Some(Reason::Lost);
        }
        match &work.good {
            Ok(good) if self.is_the_same(work, good).await => Some(Reason::Same),
            Ok(_) => None,
            Err(_) if self.fresh && !found => None,
            Err(_) if self.fresh => Some(Reason::Earlier),
            Err(none) => Some(Reason::Nothing(none.clone())),
        }
    }

    /// Whether the last good state is what this apply wanted as well.
    async fn is_the_same(&self, work: &Work, good: &Good) -> bool {
        let same = good.generation.prediction.digest == work.prediction.digest;
        same && self.moved_tags(good).await.is_ok_and(|moved| moved.is_empty())
    }

    /// The references that mean something else now than they did, with the ids that they meant.
    async fn moved_tags(&self, good: &Good) -> Result<Vec<(String, String)>, Failure> {
        let mut moved = Vec::new();
        for (reference, id) in good.generation.images.iter().filter(|(reference, _)| !reference.contains('@'))
        {
            let now = self.engine.image(reference).await?;
            if now.is_none_or(|now| now.id != *id) {
                moved.push((reference.clone(), id.clone()));
            }
        }
        Ok(moved)
    }

    /// Makes files, tags and containers what they were, and waits until they are well. Nothing is
    /// touched before it is clear that all of it is there.
    async fn go_back(
        &self,
        cx: &Context,
        failed: &Work,
        good: &Good,
        reached: Reached,
    ) -> Result<(Held, Vec<Container>), Failure> {
        let executor = self.site.executor();
        let (layout, name) = (good.layout(), &self.inputs.name);
        let place = layout.good();
        let (held, kept) =
            tokio::try_join!(held::look(executor, layout.root()), held::look(executor, &place))?;
        let restoration = Restoration::of(&held, &kept).map_err(|damaged| self.damaged(&place, &damaged))?;
        let moved = self.moved_tags(good).await?;
        self.all_there(&moved).await?;
        for (reference, id) in &moved {
            self.engine.tag(id, reference).await?;
        }
        let (from, to) = (place.as_str(), layout.root());
        restoration.carry_out(self.site, cx.token(), (to, from), (&held, &kept)).await?;
        let containers = self.engine.containers(name).await?;
        let untouched = reached == Reached::Files && failed.held.is_settled();
        let back = if untouched {
            self.unmark(failed).await?;
            (held::look(executor, to).await?, containers)
        } else {
            let scrubber = self.with_secrets(cx, &kept, &place).await?;
            let back = self.way_back(cx, scrubber, (good, failed), containers).await?;
            self.start_again(good, &back, failed, &edited(failed, &kept)).await?
        };
        if self.old_directory().is_some() {
            destroy::remove_files(self.site, &self.directory).await?;
        }
        Ok(back)
    }

    /// Makes the containers what they were.
    async fn start_again(
        &self,
        good: &Good,
        back: &Work,
        failed: &Work,
        edited: &BTreeSet<String>,
    ) -> Result<(Held, Vec<Container>), Failure> {
        self.remove_newcomers(back, failed).await?;
        self.tidy(back).await?;
        self.up(back).await?;
        self.reload(back, edited).await?;
        let containers = self.wait(back).await?;
        self.remove_new_networks(good).await;
        if back.by_hand.is_none() {
            return self.seal(back, containers).await;
        }
        // What we did not make, no record of ours vouches for.
        destroy::forget(self.site, &good.root).await?;
        release(&self.engine, &self.inputs.name, []).await?;
        Ok((held::look(self.site.executor(), &good.root).await?, containers))
    }

    /// The work that makes containers what they were.
    async fn way_back(
        &self,
        cx: &Context,
        scrubber: Scrubber,
        (good, failed): (&Good, &Work),
        containers: Vec<Container>,
    ) -> Result<Work, Failure> {
        let held = held::look(self.site.executor(), &good.root).await?;
        let generation = &good.generation;
        let prediction = generation.prediction.clone();
        let key = held.key.clone().map_or_else(super::new_key, Ok)?;
        let live = stack::read(&containers, Some(&generation.record), Some(&key), Some(&held.seen()));
        // The Compose of now does it, whichever did it then.
        let changes = prediction.changes(&live, &generation.images, &failed.compose, self.planned.orphans());
        Ok(Work {
            cx: cx.clone(),
            scrubber,
            layout: good.layout(),
            profiles: generation.profiles.clone(),
            prediction,
            compose: generation.record.compose.clone(),
            key,
            held,
            containers,
            changes,
            recorded: generation.record.names().cloned().collect(),
            jobs: Vec::new(),
            good: Err(NoneKept::Never),
            by_hand: generation.by_hand.clone(),
        })
    }

    /// The scrubber, knowing the secrets of what is gone back to as well.
    async fn with_secrets(&self, cx: &Context, kept: &Held, place: &str) -> Result<Scrubber, Failure> {
        let mut scrubber = self.scrubber.clone();
        let Some(sent) = &kept.sent else { return Ok(scrubber) };
        let files = self.site.files().cancelled_by(cx.token());
        for path in sent.secret_files.keys() {
            let text = files.read_text(&format!("{place}/{path}")).await?;
            text.into_iter().for_each(|text| scrubber.add(Secret::new(text)));
        }
        if sent.secrets.is_empty() {
            return Ok(scrubber);
        }
        let text = files.read_text(&format!("{place}/{}", sent.env_path)).await?;
        let text = Secret::new(text.unwrap_or_default());
        for (_, value) in given_values(text.expose(), &sent.secrets) {
            scrubber.add(value);
        }
        Ok(scrubber)
    }

    /// Takes down what a first apply has made; the volumes that stay.
    async fn clear(&self, cx: &Context) -> Result<Vec<String>, Failure> {
        let name = &self.inputs.name;
        let compose = self.site.compose(cx, &self.scrubber);
        compose.down(name, false, cx.remaining()).await?;
        destroy::remove_files(self.site, &self.directory).await?;
        Ok(self.engine.volumes(name).await?)
    }

    /// Fails unless the host has all of these images.
    async fn all_there(&self, moved: &[(String, String)]) -> Result<(), Failure> {
        let mut missing = Vec::new();
        for (reference, id) in moved {
            if self.engine.image(id).await?.is_none() {
                missing.push(format!("{reference} ({id})"));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let words =
            format!("The host does not have the images any more that it ran with: {}.", missing.join(", "));
        Err(self.impossible(words))
    }

    fn damaged(&self, place: &str, files: &BTreeSet<String>) -> Failure {
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let words = format!(
            "What is kept of the last good state in {place} on {} was changed: {}.",
            self.site.executor().name(),
            files.join(", ")
        );
        self.impossible(words)
    }

    fn impossible(&self, words: String) -> Failure {
        Diagnostic::error(self.no_way_back())
            .detail(words)
            .detail("Nothing was put back: what the failed apply left is still there.")
            .detail("Correct the configuration, or return to the last one that was good, then apply again.")
            .into()
    }
}

/// The files that somebody had edited before the failed apply shipped the right ones.
fn edited(failed: &Work, kept: &Held) -> BTreeSet<String> {
    let then = kept.manifest.iter().flat_map(|manifest| &manifest.files);
    let was = &failed.held.found;
    then.filter(|(path, file)| was.get(*path).is_some_and(|was| was != *file))
        .map(|(path, _)| path.clone())
        .collect()
}
