//! Going back to the last good state after a failure.

use std::collections::BTreeSet;

use compose::layout::{OWN_ENV, given_values};
use docker::engine::Container;
use secret::{Scrubber, Secret};
use tokio_util::sync::CancellationToken;

use super::{Deployment, Work, release::KeptRelease};
use crate::{
    context::Context,
    destroy,
    error::{Error, RollbackError},
    host_env,
    host_state::{self, HostState},
    image_facts::relabelled,
    kept_images::release_images,
    kept_release::Restoration,
    observe::observe,
    options::OnFailure,
    outcome::{Failed, KeptBecause, NoRelease, Outcome, Undo},
    step::Step,
};

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
    pub(super) async fn take_back(&self, work: &Work, error: Error, reached: Reached) -> Failed {
        let found = work.state.is_ours() || !work.containers.is_empty();
        if let Some(reason) = self.obstacle(work, &error, found).await {
            return Failed { error, outcome: Outcome::Kept(reason), found };
        }
        let cx = self.cx.rollback();
        tracing::info!(stack = self.spec.name, ?error, "taking back what a failed apply did");
        let outcome = match &work.release {
            Ok(good) => match self.go_back(&cx, work, good, reached).await {
                Ok((state, containers)) => Outcome::RolledBack(Box::new(state), containers),
                Err(second) => Outcome::stuck(Undo::Rollback, second),
            },
            Err(_) => match self.clear(&cx).await {
                Ok(volumes) => Outcome::TakenDown(volumes),
                Err(second) => Outcome::stuck(Undo::TakeDown, second),
            },
        };
        Failed { error, outcome, found }
    }

    /// Why nothing is taken back.
    async fn obstacle(&self, work: &Work, error: &Error, found: bool) -> Option<KeptBecause> {
        if self.options.on_failure == OnFailure::Keep {
            return Some(KeptBecause::Wanted);
        }
        if self.cx.is_interrupted() {
            return Some(KeptBecause::Interrupted);
        }
        if error.is_lost() {
            return Some(KeptBecause::Lost);
        }
        if self.steps.are_over().await {
            return Some(KeptBecause::Unlocked);
        }
        match &work.release {
            Ok(good) if self.is_the_same(work, good).await => Some(KeptBecause::Same),
            Ok(_) => None,
            Err(_) if self.fresh && !found => None,
            Err(_) if self.fresh => Some(KeptBecause::Earlier),
            Err(none) => Some(KeptBecause::NoRelease(none.clone())),
        }
    }

    /// Whether the last good state is what this apply wanted as well.
    async fn is_the_same(&self, work: &Work, good: &KeptRelease) -> bool {
        let same = good.release.desired.digest == work.desired.digest;
        same && self.moved_tags(good).await.is_ok_and(|moved| moved.is_empty())
    }

    /// The references that mean something else now than they did, with the ids that they meant.
    async fn moved_tags(&self, good: &KeptRelease) -> Result<Vec<(String, String)>, Error> {
        let mut moved = Vec::new();
        for (reference, id) in good.release.images.iter().filter(|(reference, _)| !reference.contains('@')) {
            let now = self.host.engine.image(reference).await?;
            if now.is_none_or(|now| now.id != *id) {
                moved.push((reference.clone(), id.clone()));
            }
        }
        Ok(moved)
    }

    /// Makes files, tags and containers what they were, and waits until they are well. Nothing is
    /// touched before it is clear that all of it is there.
    pub(super) async fn go_back(
        &self,
        cx: &Context,
        failed: &Work,
        good: &KeptRelease,
        reached: Reached,
    ) -> Result<(HostState, Vec<Container>), Error> {
        let executor = self.host.executor();
        let (layout, name) = (good.layout(), &self.spec.name);
        let place = layout.good();
        let (state, kept) = tokio::try_join!(
            host_state::inspect(executor, cx.token(), layout.root()),
            host_state::inspect(executor, cx.token(), &place)
        )?;
        let restoration = Restoration::of(&state, &kept).map_err(|files| self.damaged(&place, files))?;
        let moved = self.moved_tags(good).await?;
        self.all_there(&moved).await?;
        self.steps.begin(Step::Return).await?;
        for (reference, id) in &moved {
            self.host.engine.tag(id, reference).await?;
        }
        restoration.carry_out(self.host, cx.token(), layout.root(), (&state, &kept)).await?;
        let containers = self.host.engine.containers(name).await?;
        let untouched = reached == Reached::Files && failed.state.is_settled();
        let back = if untouched {
            self.unmark(failed).await?;
            (host_state::inspect(executor, cx.token(), layout.root()).await?, containers)
        } else {
            let scrubber = self.with_secrets(cx, &kept, &place).await?;
            let back = self.way_back(cx, scrubber, (good, failed), containers).await?;
            self.start_again(good, &back, failed, &edited(failed, &kept)).await?
        };
        if self.old_directory().is_some() {
            drop(destroy::remove_files(self.host, &CancellationToken::new(), &self.directory, None).await?);
        }
        Ok(back)
    }

    /// Makes the containers what they were.
    async fn start_again(
        &self,
        good: &KeptRelease,
        back: &Work,
        failed: &Work,
        edited: &BTreeSet<String>,
    ) -> Result<(HostState, Vec<Container>), Error> {
        self.steps.begin(Step::Clear).await?;
        self.remove_newcomers(back, failed).await?;
        self.remove_leaving(back).await?;
        self.steps.begin(Step::Start).await?;
        self.up(back).await?;
        self.steps.begin(Step::Restart).await?;
        self.restart_users(back, edited).await?;
        self.reload(back).await?;
        let containers = self.wait(back).await?;
        self.steps.begin(Step::Record).await?;
        self.remove_new_networks(good).await;
        if back.adopted.is_none() {
            return self.seal(back, containers).await;
        }
        // What we did not make, no record of ours vouches for.
        destroy::forget(self.host, &good.root).await?;
        release_images(&self.host.engine, &self.spec.name, []).await?;
        Ok((host_state::inspect(self.host.executor(), back.cx.token(), &good.root).await?, containers))
    }

    /// The work that makes containers what they were.
    async fn way_back(
        &self,
        cx: &Context,
        scrubber: Scrubber,
        (good, failed): (&KeptRelease, &Work),
        containers: Vec<Container>,
    ) -> Result<Work, Error> {
        let state = host_state::inspect(self.host.executor(), cx.token(), &good.root).await?;
        let release = &good.release;
        let desired = release.desired.clone();
        let key = state.key.clone().map_or_else(super::new_key, Ok)?;
        let live = observe(&containers, Some(&release.record), Some(&key), Some(&state.seen()));
        // The Compose of now does it, whichever did it then.
        let relabelled = relabelled(&containers);
        let images = (&release.images, Some(&relabelled));
        let changes = desired.changes(&live, images, &failed.compose, self.options.orphans);
        Ok(Work {
            cx: cx.clone(),
            scrubber,
            layout: good.layout().with_values_apart(state.has_values_apart()),
            profiles: release.profiles.clone(),
            desired,
            compose: release.record.compose.clone(),
            key,
            state,
            containers,
            changes,
            unseen: BTreeSet::new(),
            unlabelled: BTreeSet::new(),
            recorded: release.record.names().cloned().collect(),
            // Whether the failed apply came to it or not: they take in what is there now.
            reloads: failed.reloads.clone(),
            jobs: Vec::new(),
            release: Err(NoRelease::Never),
            adopted: release.adopted.clone(),
        })
    }

    /// The scrubber, knowing the secrets of what is gone back to as well.
    async fn with_secrets(&self, cx: &Context, kept: &HostState, place: &str) -> Result<Scrubber, Error> {
        let mut scrubber = self.scrubber.clone();
        let Some(sent) = &kept.sent else { return Ok(scrubber) };
        let files = self.host.files().cancelled_by(cx.token());
        for path in sent.secret_files.keys().filter(|path| *path != OWN_ENV) {
            let text = files.read_text(&format!("{place}/{path}")).await?;
            text.into_iter().for_each(|text| scrubber.add(Secret::new(text)));
        }
        if sent.host_env.is_some() {
            let text = files.read_text(&format!("{place}/{OWN_ENV}")).await?;
            host_env::values(&text.unwrap_or_default()).for_each(|value| scrubber.add(value));
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
    async fn clear(&self, cx: &Context) -> Result<Vec<String>, Error> {
        let name = &self.spec.name;
        let compose = self.host.compose(cx, &self.scrubber);
        self.steps.begin(Step::Stop).await?;
        compose.down(name, false, cx.remaining()).await?;
        self.steps.begin(Step::Remove).await?;
        drop(destroy::remove_files(self.host, &CancellationToken::new(), &self.directory, None).await?);
        Ok(self.host.engine.volumes(name).await?)
    }

    /// Fails unless the host has all of these images.
    async fn all_there(&self, moved: &[(String, String)]) -> Result<(), Error> {
        let mut missing = Vec::new();
        for (reference, id) in moved {
            if self.host.engine.image(id).await?.is_none() {
                missing.push(format!("{reference} ({id})"));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(RollbackError::ImagesGone(missing).into())
    }

    fn damaged(&self, place: &str, files: BTreeSet<String>) -> RollbackError {
        RollbackError::Damaged { host: self.host.name().to_owned(), place: place.to_owned(), files }
    }
}

/// The files that somebody had edited before the failed apply shipped the right ones.
pub(super) fn edited(failed: &Work, kept: &HostState) -> BTreeSet<String> {
    let then = kept.manifest.iter().flat_map(|manifest| &manifest.files);
    let was = &failed.state.found;
    then.filter(|(path, file)| was.get(*path).is_some_and(|was| was != *file))
        .map(|(path, _)| path.clone())
        .collect()
}
