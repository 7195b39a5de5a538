//! Making what runs equal to the files.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use compose::{
    plan::{Change, Repair, repairs},
    stack::{self, LABEL_SERVICE, orphans},
    wait::{self, Pace},
};
use docker::engine::{Container, State};

use super::{Deployment, Work};
use crate::resources::compose_stack::{failure::Failure, model::Orphans};

/// Left of the time limit for finding out what runs after a wait that was too long.
pub(super) const RESERVE: Duration = Duration::from_secs(10);

impl Deployment<'_> {
    /// Removes what belongs to no service any more, and does what `up` would not do to containers
    /// that are not well.
    ///
    /// What a job needed has been seen to before.
    pub(super) async fn tidy(&self, work: &Work) -> Result<(), Failure> {
        for id in self.leaving(work) {
            self.engine.remove(&id).await?;
        }
        let needed = work.needed();
        let repaired: BTreeSet<String> =
            work.repaired().filter(|name| !needed.contains(*name)).cloned().collect();
        self.repair(work, &repaired).await
    }

    /// Does to the containers of `services` what `up` would not.
    async fn repair(&self, work: &Work, services: &BTreeSet<String>) -> Result<(), Failure> {
        for (id, repair) in repairs(&work.containers, services) {
            match repair {
                Repair::Unpause => self.engine.unpause(&id).await?,
                Repair::Restart => self.engine.restart(&id).await?,
                Repair::Remove => self.engine.remove(&id).await?,
            }
        }
        Ok(())
    }

    /// The containers that go, by id: those of services that are none any more, and those of
    /// services that are left alone from now on.
    fn leaving(&self, work: &Work) -> Vec<String> {
        let all = self.planned.orphans() == Orphans::Go;
        // What our own files still name is no stranger, but switched off.
        let switched_off =
            |name: &str| work.prediction.inactive.contains(name) && work.recorded.contains(name);
        let orphans = orphans(&work.containers, &work.services())
            .into_iter()
            .filter(|one| all || one.label(LABEL_SERVICE).is_some_and(switched_off));
        let let_go = |name: &str| {
            let alone = work.prediction.services.get(name).is_some_and(|one| one.left_alone);
            alone && work.changes.get(name).is_some_and(|change| *change != Change::Keep)
        };
        let alone = work
            .containers
            .iter()
            .filter(|one| stack::is_of_service(one) && one.label(LABEL_SERVICE).is_some_and(let_go));
        orphans.chain(alone).map(|one| one.id.clone()).collect()
    }

    /// Runs `docker compose up`.
    pub(super) async fn up(&self, work: &Work) -> Result<(), Failure> {
        if work.prediction.services.is_empty() {
            return Ok(());
        }
        self.up_of(work, None).await
    }

    /// Starts what a job needs, and waits for it.
    pub(super) async fn start_needed(&self, work: &Work, needs: &BTreeSet<String>) -> Result<(), Failure> {
        let repaired: BTreeSet<String> =
            work.repaired().filter(|name| needs.contains(*name)).cloned().collect();
        self.repair(work, &repaired).await?;
        self.up_of(work, Some(needs)).await?;
        let mut goals = work.prediction.goals();
        goals.retain(|name, _| needs.contains(name));
        Ok(self.ready(work, &goals, patience(work)).await.map(drop)?)
    }

    /// Starts those again that are to start again with what a job needed: the call that replaced it
    /// did not know them, and the one for all has found it as it should be.
    pub(super) async fn restart_followers(&self, work: &Work) -> Result<(), Failure> {
        let before = work.prediction.with_dependencies(&work.needed());
        let follows = |name: &str| match work.changes.get(name) {
            Some(Change::Restart(because)) => because.is_subset(&before) && !before.contains(name),
            _ => false,
        };
        let followers = work.containers.iter().filter(|one| one.label(LABEL_SERVICE).is_some_and(follows));
        let running = followers.filter(|one| one.state == State::Running && stack::is_of_service(one));
        for container in running {
            self.engine.restart(&container.id).await?;
        }
        Ok(())
    }

    /// Runs `docker compose up` for what is started, or for `needs` and what they depend on.
    async fn up_of(&self, work: &Work, needs: Option<&BTreeSet<String>>) -> Result<(), Failure> {
        let project = work.project(&self.inputs.name);
        let compose =
            self.site.compose(&work.cx, &work.scrubber).naming(format!("{}/", work.layout.root()), "");
        let limit = work.cx.remaining();
        let asked: Vec<String> = needs.into_iter().flatten().cloned().collect();
        let done = match (work.prediction.started(), needs) {
            // Compose knows best what depends on what, where nothing is left alone.
            (None, _) => compose.up(&project, &asked, limit).await,
            (Some(started), None) => compose.up_only(&project, &started, limit).await,
            (Some(_), Some(needs)) => {
                let services: Vec<String> = work.prediction.with_dependencies(needs).into_iter().collect();
                compose.up_only(&project, &services, limit).await
            }
        };
        match done {
            Ok(()) => Ok(()),
            Err(error) => Err(self.explained(error, work).await),
        }
    }

    /// Why `up` failed: where a container fell, what it said is worth more than Compose's words.
    async fn explained(&self, error: docker::Error, work: &Work) -> Failure {
        if !matches!(error, docker::Error::Command { .. }) {
            return error.into();
        }
        match self.ready(work, &work.prediction.goals(), Duration::ZERO).await {
            Err(failed @ wait::WaitError::Failed(_)) => failed.into(),
            _ => error.into(),
        }
    }

    /// Restarts the containers that go on although files that they use had been edited behind our
    /// back: a mounted file is replaced by a rename, and they would keep the one that was edited.
    pub(super) async fn reload(&self, work: &Work, sent: &BTreeSet<String>) -> Result<(), Failure> {
        let services = &work.prediction.services;
        let uses = |name: &str| {
            services.get(name).is_some_and(|one| !one.left_alone && !one.files.is_disjoint(sent))
        };
        let touched: BTreeSet<&str> = work
            .containers
            .iter()
            .filter(|one| one.label(LABEL_SERVICE).is_some_and(uses))
            .map(|one| one.id.as_str())
            .collect();
        if touched.is_empty() {
            return Ok(());
        }
        for container in self.engine.containers(&self.inputs.name).await? {
            let runs = container.state == State::Running && stack::is_of_service(&container);
            if runs && touched.contains(container.id.as_str()) {
                self.engine.restart(&container.id).await?;
            }
        }
        Ok(())
    }

    /// Waits until every service is well.
    pub(super) async fn wait(&self, work: &Work) -> Result<Vec<Container>, Failure> {
        Ok(self.ready(work, &work.prediction.goals(), patience(work)).await?)
    }

    async fn ready(
        &self,
        work: &Work,
        goals: &BTreeMap<String, wait::Goal>,
        limit: Duration,
    ) -> Result<Vec<Container>, wait::WaitError> {
        let pace = Pace { limit, ..Pace::default() };
        let (name, before) = (&self.inputs.name, work.before());
        wait::until_ready(&self.engine, name, goals, &before, pace, work.cx.token(), &work.scrubber).await
    }
}

/// How long may be waited.
fn patience(work: &Work) -> Duration {
    work.cx.remaining().unwrap_or(Pace::default().limit).saturating_sub(RESERVE)
}
