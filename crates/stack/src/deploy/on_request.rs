//! Going back to the last good apply because a person asks for it, without the files of any configuration.

use std::collections::{BTreeMap, BTreeSet};

use docker::engine::Container;

use super::{
    Deployment, Work,
    release::KeptRelease,
    rollback::{Reached, edited},
};
use crate::{
    containers::LABEL_SERVICE,
    context::Context,
    error::Error,
    host::Host,
    host_state::{self, HostState},
    kept_release::{Location, is_good, location},
    options::{DeployOptions, KEEP_IMAGES, Orphans},
    outcome::NoRelease,
    overview::is_managed,
    ownership::check_no_link,
    record::Record,
    release::Release,
    spec::StackSpec,
    step::Step,
    wait::START_TIMEOUT,
};

/// What came of a wish to go back.
#[derive(Debug)]
pub enum RolledBack {
    /// Files and containers are what the last good apply made of them, and the host's record says so.
    Done(Box<HostState>, Vec<Container>),
    /// They were already.
    Needless,
    /// There is no stack of this name.
    NoStack,
    /// Nothing is kept of a good apply of it.
    NoRelease,
}

/// Makes the stack `name` in `directory` what its last good apply made: after an apply that failed and
/// was to stay, that was cut off, or after changes by hand. Its probes and jobs are not on the host, so
/// they do not run. Until all of it is done, the record says that it is unfinished.
///
/// # Errors
/// When the host cannot be asked; when what is kept is not whole, and nothing was changed then; and when
/// the services do not become well.
pub async fn roll_back(cx: &Context, host: &Host, name: &str, directory: &str) -> Result<RolledBack, Error> {
    let lock = host.lock(cx, name).await?;
    let spec = StackSpec { name: name.to_owned(), ..StackSpec::default() };
    let options = DeployOptions {
        orphans: Orphans::Keep,
        keep_images: KEEP_IMAGES,
        start_timeout: START_TIMEOUT,
        ..DeployOptions::default()
    };
    let deployment = Deployment::new(cx, (host, &lock), &spec, options, directory.to_owned(), None);
    let done = deployment.return_to_good().await;
    drop(deployment);
    lock.release().await;
    done
}

impl Deployment<'_> {
    async fn return_to_good(&self) -> Result<RolledBack, Error> {
        let (state, containers) = tokio::join!(
            host_state::inspect(self.host.executor(), self.cx.token(), &self.directory),
            self.host.engine.containers(&self.spec.name)
        );
        let (state, containers) = (state?, containers?);
        check_no_link(&self.directory, self.host, &state)?;
        if !state.is_ours() || state.record.as_ref().is_some_and(|record| record.project != self.spec.name) {
            return Ok(RolledBack::NoStack);
        }
        let release = match (location(&state, &containers), &state.release) {
            (Location::Here, _) => return Ok(RolledBack::Needless),
            (Location::Kept, Some(_)) if is_good(&state, &containers) => return Ok(RolledBack::Needless),
            (Location::Kept, Some(release)) => release.clone(),
            _ => return Ok(RolledBack::NoRelease),
        };
        let good = KeptRelease { root: self.directory.clone(), release };
        let left = self.left_behind(&good, state, containers).await?;
        self.steps.begin(Step::Mark).await?;
        self.record_going_back(&left, true).await?;
        match self.go_back(self.cx, &left, &good, Reached::Containers).await {
            Ok((state, containers)) => Ok(RolledBack::Done(Box::new(state), containers)),
            Err(error) => {
                if matches!(error, Error::Rollback(_)) {
                    self.record_going_back(&left, false).await?;
                }
                Err(error)
            }
        }
    }

    /// Has the record say whether going back has begun, which only its end takes back otherwise.
    async fn record_going_back(&self, left: &Work, begun: bool) -> Result<(), Error> {
        match &left.state.record {
            Some(record) if !record.unfinished => {
                self.write(left, &Record { unfinished: begun, ..record.clone() }).await
            }
            _ => Ok(()),
        }
    }

    /// What is there now, in the terms of an apply that failed.
    async fn left_behind(
        &self,
        good: &KeptRelease,
        state: HostState,
        containers: Vec<Container>,
    ) -> Result<Work, Error> {
        let (release, layout) = (&good.release, good.layout());
        let kept = host_state::inspect(self.host.executor(), self.cx.token(), &layout.good()).await?;
        let key = state.key.clone().map_or_else(super::new_key, Ok)?;
        let mut work = Work {
            cx: self.cx.clone(),
            scrubber: self.scrubber.clone(),
            layout,
            profiles: release.profiles.clone(),
            desired: release.desired.clone(),
            compose: self.host.compose_version().await?,
            key,
            containers: containers.into_iter().filter(|one| stays(one, release)).collect(),
            state,
            changes: BTreeMap::new(),
            unseen: BTreeSet::new(),
            unlabelled: BTreeSet::new(),
            recorded: BTreeSet::new(),
            reloads: BTreeSet::new(),
            jobs: Vec::new(),
            release: Err(NoRelease::Never),
            adopted: None,
        };
        work.reloads = taking_in(release, &edited(&work, &kept));
        Ok(work)
    }
}

/// Whether a container of a service that the release does not start is to stay: it is not of ours, or was
/// kept then.
fn stays(container: &Container, release: &Release) -> bool {
    let kept = |name| release.record.orphans.contains_key(name);
    !is_managed(container) || container.label(LABEL_SERVICE).is_some_and(kept)
}

/// The services whose containers take in some of these files by a command.
fn taking_in(release: &Release, files: &BTreeSet<String>) -> BTreeSet<String> {
    let services = release.desired.services.iter();
    let takes = services.filter(|(_, one)| {
        one.replicas > 0 && one.reload.as_ref().is_some_and(|reload| !reload.files.is_disjoint(files))
    });
    takes.map(|(name, _)| name.clone()).collect()
}
