//! Making what runs equal to the files.

use std::{collections::BTreeSet, time::Duration};

use docker::{
    compose::{
        plan::{Change, Repair, repairs},
        stack::{self, LABEL_SERVICE, orphans},
        wait::{self, Pace},
    },
    engine::{Container, State},
};

use super::{Deployment, Work};
use crate::resources::compose_stack::failure::Failure;

/// Left of the time limit for finding out what runs after a wait that was too long.
const RESERVE: Duration = Duration::from_secs(10);

impl Deployment<'_> {
    /// Removes what belongs to no service any more, and does what `up` would not do to containers
    /// that are not well.
    pub(super) async fn tidy(&self, work: &Work) -> Result<(), Failure> {
        for id in self.leaving(work) {
            self.engine.remove(&id).await?;
        }
        let repaired = work.changes.iter().filter(|(_, change)| **change == Change::Repair);
        let repaired = repaired.map(|(name, _)| name.clone()).collect();
        for (id, repair) in repairs(&work.containers, &repaired) {
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
        let all = self.planned.remove_orphans.known() != Some(&false);
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
        let layout = &work.layout;
        let project = layout.project(&self.inputs.name, &work.profiles, true, layout);
        let compose = self.site.compose(&work.cx, &work.scrubber).naming(format!("{}/", layout.root()), "");
        let limit = work.cx.remaining();
        let done = match work.prediction.started() {
            Some(started) => compose.up_only(&project, &started, limit).await,
            None => compose.up(&project, &[], limit).await,
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
        match self.ready(work, Duration::ZERO).await {
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
        let remaining = work.cx.remaining().unwrap_or(Pace::default().limit);
        Ok(self.ready(work, remaining.saturating_sub(RESERVE)).await?)
    }

    async fn ready(&self, work: &Work, limit: Duration) -> Result<Vec<Container>, wait::WaitError> {
        let pace = Pace { limit, ..Pace::default() };
        let (name, goals, before) = (&self.inputs.name, work.prediction.goals(), work.before());
        wait::until_ready(&self.engine, name, &goals, &before, pace, work.cx.token(), &work.scrubber).await
    }
}
