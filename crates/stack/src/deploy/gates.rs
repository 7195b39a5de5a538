//! What an apply must pass on its way: jobs and probes.

use std::collections::BTreeSet;

use compose::{JobError, leftovers};

use super::{Deployment, Work};
use crate::{
    error::{Error, FailedJob},
    options::{JobSpec, When},
    probes::pass_probes,
    step::Step,
};

impl Deployment<'_> {
    /// Whether there is anything to pass.
    pub(super) fn has_gates(&self) -> bool {
        !self.options.jobs.is_empty() || !self.options.probes.is_empty()
    }

    /// Runs the jobs of one side that are due, each behind the services that it needs.
    pub(super) async fn run_jobs(&self, work: &Work, when: When) -> Result<(), Error> {
        let mut well = BTreeSet::new();
        for one in work.jobs.iter().filter(|one| one.when == when) {
            let needs: BTreeSet<String> = one.needs.difference(&well).cloned().collect();
            if !needs.is_empty() {
                self.start_needed(work, &needs).await?;
                well.extend(needs);
            }
            self.run_job(work, one).await?;
        }
        Ok(())
    }

    async fn run_job(&self, work: &Work, one: &JobSpec) -> Result<(), Error> {
        self.steps.begin(Step::Job(one.job.name.clone())).await?;
        let name = &self.spec.name;
        let project = work.project(name);
        let compose =
            self.host.compose(&work.cx, &work.scrubber).naming(format!("{}/", work.layout.root()), "");
        let left = work.cx.time_to_work();
        let mut run = one.job.clone();
        run.limit = left.map_or(run.limit, |left| run.limit.min(left));
        let error = match compose.job(&project, &run).await {
            Ok(took) => {
                tracing::info!(stack = name, job = run.name, seconds = took.as_secs(), "job has ended well");
                return Ok(());
            }
            Err(error) => error,
        };
        // Compose lets the container go on when it is ended itself.
        if let Err(error) = self.remove_leftovers().await {
            tracing::warn!(stack = name, job = run.name, ?error, "could not remove what the job has left");
        }
        if let JobError::Docker(error) = error {
            return Err(error.into());
        }
        Err(Error::Job(Box::new(FailedJob {
            job: self
                .options
                .jobs
                .iter()
                .position(|other| other.job.name == one.job.name)
                .unwrap_or_default(),
            name: one.job.name.clone(),
            service: one.job.service.clone(),
            when: one.when,
            host: self.host.name().to_owned(),
            error,
            cut: run.limit < one.job.limit,
        })))
    }

    /// Removes the containers of jobs that did not end: nobody else has the lock, so none of them
    /// is in use.
    pub(super) async fn remove_leftovers(&self) -> Result<(), Error> {
        let containers = self.host.engine.containers(&self.spec.name).await?;
        for container in leftovers(&containers) {
            tracing::info!(container = container.name, "removing what a job has left");
            self.host.engine.remove(&container.id).await?;
        }
        Ok(())
    }

    /// Makes the probes.
    pub(super) async fn pass_probes(&self, work: &Work) -> Result<(), Error> {
        pass_probes(&work.cx, self.host.executor(), &self.options.probes, &work.scrubber).await
    }
}
