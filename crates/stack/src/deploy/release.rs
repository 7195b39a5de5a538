//! The last good apply: finding what is kept of it, and keeping this one.

use compose::Layout;
use docker::engine::Container;

use super::{Deployment, Work};
use crate::{
    context::{Context, Warning},
    desired::DesiredStack,
    error::Error,
    host_state::{self, HostState},
    kept_release::{self, Location, NotMade, location},
    outcome::NoRelease,
    prior::Prior,
    record::Record,
    release::{Release, images_of},
};

/// What a failure goes back to.
#[derive(Clone, Debug)]
pub(super) struct KeptRelease {
    /// The stack's directory then.
    pub(super) root: String,
    pub(super) release: Release,
}

impl KeptRelease {
    /// Where everything was.
    pub(super) fn layout(&self) -> Layout {
        Layout::new(&self.root, &self.release.files)
    }
}

impl Deployment<'_> {
    /// What is kept of the last good apply. Where it lies on the host but is not kept yet, it is
    /// kept now; so is what was started by hand.
    async fn last_release(
        &self,
        state: &HostState,
        containers: &[Container],
    ) -> Result<Result<KeptRelease, NoRelease>, Error> {
        let elsewhere = self.old_directory();
        let looked = match elsewhere {
            Some(directory) => {
                Some(host_state::inspect(self.host.executor(), self.cx.token(), directory).await?)
            }
            None => None,
        };
        let (root, state) = (elsewhere.unwrap_or(&self.directory), looked.as_ref().unwrap_or(state));
        let release = match location(state, containers) {
            Location::Kept => state.release.clone(),
            Location::Here => self.adopted(root, state, containers).await,
            Location::Nowhere if self.is_adopted(state, containers) => {
                return Ok(self.keep_adopted(containers).await);
            }
            Location::Nowhere => None,
        };
        let kept = release.map(|release| KeptRelease { root: root.to_owned(), release });
        Ok(kept.ok_or(NoRelease::Never))
    }

    /// As [`Self::last_release`], with its images kept: what is done from now on cannot take them away.
    pub(super) async fn release_with_images(
        &self,
        state: &HostState,
        containers: &[Container],
    ) -> Result<Result<KeptRelease, NoRelease>, Error> {
        let kept = self.last_release(state, containers).await?;
        if let Ok(kept) = &kept {
            self.keep_images(&kept.release.images).await;
        }
        Ok(kept)
    }

    /// Where the stack was on this machine before this apply moves it to another directory.
    pub(super) fn old_directory(&self) -> Option<&str> {
        let old = self.prior.filter(|_| !self.fresh)?.directory.as_deref()?;
        Some(old).filter(|old| *old != self.directory)
    }

    /// Keeps what lies in `root`, as the state knows it.
    async fn adopted(&self, root: &str, state: &HostState, containers: &[Container]) -> Option<Release> {
        let release = self.prior.and_then(|prior| recorded(prior, state, containers))?;
        match self.put_away(self.cx, root, (release, None), state).await {
            Ok(release) => Some(release),
            Err(NotMade { error, .. }) => {
                tracing::warn!(stack = self.spec.name, ?error, "could not keep what is there");
                None
            }
        }
    }

    /// Keeps what lies in `root`, and knows the networks that it has; the record is left before that.
    async fn put_away(
        &self,
        cx: &Context,
        root: &str,
        (release, record): (Release, Option<&Record>),
        state: &HostState,
    ) -> Result<Release, NotMade> {
        let networks = self.host.engine.networks(&self.spec.name).await;
        let networks = networks.map_err(|error| NotMade { recorded: false, error: error.into() })?;
        let release = release.with_networks(networks);
        kept_release::keep(self.host, cx.token(), root, (&release, record), state).await?;
        Ok(release)
    }

    /// Leaves the record, and keeps what this apply made. That it cannot be kept is no reason to fail.
    ///
    /// # Errors
    /// When the record could not be left.
    pub(super) async fn keep_release(
        &self,
        work: &Work,
        state: &HostState,
        record: &Record,
        containers: &[Container],
    ) -> Result<(), Error> {
        let images = images_of(&work.desired, containers);
        self.keep_images(&images).await;
        self.let_images_go(record, &images).await;
        let layout = &work.layout;
        let release = Release::new(layout.files(), &work.profiles, &work.desired, record, images);
        let kept = self.put_away(&work.cx, layout.root(), (release, Some(record)), state).await;
        if let Err(NotMade { recorded, error }) = kept {
            if !recorded {
                self.write(work, record).await?;
            }
            self.cx.warn(Warning::ReleaseNotKept { stack: self.spec.name.clone(), error });
        }
        Ok(())
    }
}

/// The release of the last apply that is known, if that is what the host has.
fn recorded(prior: &Prior, state: &HostState, containers: &[Container]) -> Option<Release> {
    let desired = prior.desired.as_ref()?;
    let record = state.record.as_ref().filter(|record| fits(desired, record))?;
    let images = images_of(desired, containers);
    Some(Release::new(&prior.files, &prior.profiles, desired, record, images))
}

/// Whether the record is of an apply of what was desired.
fn fits(desired: &DesiredStack, record: &Record) -> bool {
    let hashes = desired.services.iter().map(|(name, one)| (name, &one.config_hash));
    hashes.eq(record.services.iter().map(|(name, one)| (name, &one.config_hash)))
}
