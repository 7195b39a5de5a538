//! Making what runs equal to the files.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use docker::engine::{Container, State};

use super::{Deployment, Work};
use crate::{
    changes::{Change, Repair, repairs},
    containers::{LABEL_SERVICE, by_service, is_of_service, orphans},
    context::RESERVE,
    error::Error,
    options::Orphans,
    service::DesiredService,
    step::Step,
    wait::{self, Pace},
};

impl Deployment<'_> {
    /// Removes what belongs to no service any more, and does what `up` would not do to containers
    /// that are not well.
    ///
    /// What a job needed has been seen to before.
    pub(super) async fn remove_leaving(&self, work: &Work) -> Result<(), Error> {
        for id in self.leaving(work) {
            self.host.engine.remove(&id).await?;
        }
        let needed = work.needed();
        let repaired: BTreeSet<String> =
            work.repaired().filter(|name| !needed.contains(*name)).cloned().collect();
        self.repair(work, &repaired).await
    }

    /// Does to the containers of `services` what `up` would not.
    async fn repair(&self, work: &Work, services: &BTreeSet<String>) -> Result<(), Error> {
        for (id, repair) in repairs(&work.containers, services) {
            match repair {
                Repair::Unpause => self.host.engine.unpause(&id).await?,
                Repair::Restart => self.host.engine.restart(&id).await?,
                Repair::Remove => self.host.engine.remove(&id).await?,
            }
        }
        Ok(())
    }

    /// The containers that go, by id: those of services that are none any more, and those of
    /// services that are left alone from now on.
    fn leaving(&self, work: &Work) -> Vec<String> {
        let all = self.options.orphans == Orphans::Remove;
        // What our own files still name is no stranger, but switched off.
        let switched_off = |name: &str| work.desired.inactive.contains(name) && work.recorded.contains(name);
        let orphans = orphans(&work.containers, &work.services())
            .into_iter()
            .filter(|one| all || one.label(LABEL_SERVICE).is_some_and(switched_off));
        let let_go = |name: &str| {
            let alone = work.desired.services.get(name).is_some_and(|one| one.unmanaged);
            alone && work.changes.get(name).is_some_and(|change| *change != Change::Keep)
        };
        let alone = work
            .containers
            .iter()
            .filter(|one| is_of_service(one) && one.label(LABEL_SERVICE).is_some_and(let_go));
        orphans.chain(alone).map(|one| one.id.clone()).collect()
    }

    /// Runs `docker compose up`.
    pub(super) async fn up(&self, work: &Work) -> Result<(), Error> {
        if work.desired.services.is_empty() {
            return Ok(());
        }
        self.up_of(work, None).await
    }

    /// Replaces what has to be, and what Compose sees no reason to replace.
    pub(super) async fn replace_unseen(&self, work: &Work) -> Result<(), Error> {
        if work.unseen.is_empty() {
            return Ok(());
        }
        let before: BTreeSet<&str> = work.containers.iter().map(|one| one.id.as_str()).collect();
        let now = self.host.engine.containers(&self.spec.name).await?;
        let kept = by_service(&now).into_iter().filter(|(name, own)| {
            work.unseen.contains(name) && own.iter().any(|one| before.contains(one.id.as_str()))
        });
        let kept: Vec<String> = kept.map(|(name, _)| name).collect();
        if kept.is_empty() {
            return Ok(());
        }
        let compose = self.host.compose(&work.cx, &work.scrubber);
        Ok(compose.recreate(&work.project(&self.spec.name), &kept, work.cx.remaining()).await?)
    }

    /// Starts what a job needs, and waits for it.
    pub(super) async fn start_needed(&self, work: &Work, needs: &BTreeSet<String>) -> Result<(), Error> {
        self.steps.begin(Step::Start).await?;
        let repaired: BTreeSet<String> =
            work.repaired().filter(|name| needs.contains(*name)).cloned().collect();
        self.repair(work, &repaired).await?;
        self.up_of(work, Some(needs)).await?;
        let mut goals = work.desired.goals();
        goals.retain(|name, _| needs.contains(name));
        Ok(self.ready(work, &goals, patience(work)).await.map(drop)?)
    }

    /// Starts those again that are to start again with what a job needed: the call that replaced it
    /// did not know them, and the one for all has found it as it should be.
    pub(super) async fn restart_followers(&self, work: &Work) -> Result<(), Error> {
        let before = work.desired.with_dependencies(&work.needed());
        let follows = |name: &str| match work.changes.get(name) {
            Some(Change::Restart(because)) => because.is_subset(&before) && !before.contains(name),
            _ => false,
        };
        let followers = work.containers.iter().filter(|one| one.label(LABEL_SERVICE).is_some_and(follows));
        let running = followers.filter(|one| one.state == State::Running && is_of_service(one));
        for container in running {
            self.host.engine.restart(&container.id).await?;
        }
        Ok(())
    }

    /// Runs `docker compose up` for what is started, or for `needs` and what they depend on.
    async fn up_of(&self, work: &Work, needs: Option<&BTreeSet<String>>) -> Result<(), Error> {
        let project = work.project(&self.spec.name);
        let compose =
            self.host.compose(&work.cx, &work.scrubber).naming(format!("{}/", work.layout.root()), "");
        let limit = work.cx.remaining();
        let asked: Vec<String> = needs.into_iter().flatten().cloned().collect();
        let done = match (work.desired.started(), needs) {
            // Compose knows best what depends on what, where nothing is left alone.
            (None, _) => compose.up(&project, &asked, limit).await,
            (Some(started), None) => compose.up_only(&project, &started, limit).await,
            (Some(_), Some(needs)) => {
                let services: Vec<String> = work.desired.with_dependencies(needs).into_iter().collect();
                compose.up_only(&project, &services, limit).await
            }
        };
        match done {
            Ok(()) => Ok(()),
            Err(error) => Err(self.explained(error, work).await),
        }
    }

    /// Why `up` failed: where a container fell, what it said is worth more than Compose's words.
    async fn explained(&self, error: docker::Error, work: &Work) -> Error {
        if !matches!(error, docker::Error::Command { .. }) {
            return error.into();
        }
        match self.ready(work, &work.desired.goals(), Duration::ZERO).await {
            Err(failed @ wait::WaitError::Failed(_)) => failed.into(),
            _ => error.into(),
        }
    }

    /// Restarts the containers that go on although files that they use had been edited behind our
    /// back: a mounted file is replaced by a rename, and they would keep the one that was edited. What
    /// they take in by a command is no reason.
    pub(super) async fn restart_users(&self, work: &Work, sent: &BTreeSet<String>) -> Result<(), Error> {
        let services = &work.desired.services;
        let restarts = |one: &DesiredService| {
            let by_command = |path: &String| one.reload.as_ref().is_some_and(|all| all.files.contains(path));
            !one.unmanaged && one.files.intersection(sent).any(|path| !by_command(path))
        };
        let uses = |name: &str| services.get(name).is_some_and(restarts);
        let touched: BTreeSet<&str> = work
            .containers
            .iter()
            .filter(|one| one.label(LABEL_SERVICE).is_some_and(uses))
            .map(|one| one.id.as_str())
            .collect();
        if touched.is_empty() {
            return Ok(());
        }
        for container in self.host.engine.containers(&self.spec.name).await? {
            let runs = container.state == State::Running && is_of_service(&container);
            if runs && touched.contains(container.id.as_str()) {
                self.host.engine.restart(&container.id).await?;
            }
        }
        Ok(())
    }

    /// Waits until every service is well.
    pub(super) async fn wait(&self, work: &Work) -> Result<Vec<Container>, Error> {
        Ok(self.ready(work, &work.desired.goals(), patience(work)).await?)
    }

    async fn ready(
        &self,
        work: &Work,
        goals: &BTreeMap<String, wait::Goal>,
        limit: Duration,
    ) -> Result<Vec<Container>, wait::WaitError> {
        let pace = Pace { limit, start_timeout: self.options.start_timeout, ..Pace::default() };
        let (name, before) = (&self.spec.name, work.before());
        wait::until_ready(&self.host.engine, name, goals, &before, pace, work.cx.token(), &work.scrubber)
            .await
    }
}

/// How long may be waited.
fn patience(work: &Work) -> Duration {
    work.cx.remaining().unwrap_or(Pace::default().limit).saturating_sub(RESERVE)
}
