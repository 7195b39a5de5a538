//! Jobs: each is a service of its own for as long as it runs, which runs once and is removed then.
//!
//! Its restart policy is `none`, so that a swarm does not run it again by itself. It has what the
//! service has that it is a run of, but for what others find that one by: its ports, and its names on
//! networks.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use bollard::models::{Task, TaskState};
use compose::{Job, JobError};
use remote::files::random_name;
use stack::{Due, FailedJob, JobSpec, When, changed_jobs};

use super::{
    Deployment, Names, Touched,
    run::run_of,
    services::Sending,
    sweep::wait_for_end,
    wait::{Known, node_names, task_log},
};
use crate::{
    Error,
    spec::Spec,
    stacks::{
        LiveStack, NewService, StackError,
        api::Api,
        converge::{complaint, is_over, state},
    },
};

/// How often a job is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// What a swarm says of a task that has ended with a status begins with this.
const NON_ZERO: &str = "task: non-zero exit";

/// What jobs run in.
pub(super) struct Around<'a> {
    pub(super) before: &'a LiveStack,
    pub(super) names: &'a Names,
    pub(super) sending: &'a Sending<'a>,
    pub(super) known: &'a Known,
}

impl Deployment<'_> {
    /// The jobs that this apply runs.
    pub(super) fn due(&self, before: &LiveStack, sending: &Sending<'_>) -> BTreeSet<String> {
        let prior = self.prior.map(|prior| prior.jobs.as_slice()).unwrap_or_default();
        let runs = self.prior.and_then(|prior| prior.wanted.as_ref()).map(|wanted| &wanted.runs);
        let now = self.wanted.remembered(String::new()).runs;
        let wanted = self.wanted.services.keys().collect();
        let removes = self.options.orphans == stack::Orphans::Remove && !before.orphans(&wanted).is_empty();
        let due = Due {
            changed: changed_jobs(prior, &self.options.jobs),
            stack: !sending.is_empty() || removes || runs != Some(&now),
        };
        let jobs = self.options.jobs.iter().filter(|one| due.runs(one));
        jobs.map(|one| one.job.name.clone()).collect()
    }

    /// Runs the jobs of one side that are `due`, each behind the services that it needs.
    pub(super) async fn run_jobs(
        &self,
        api: &Api,
        around: &Around<'_>,
        (due, when): (&BTreeSet<String>, When),
        touched: &mut Touched,
    ) -> Result<(), StackError> {
        for (index, one) in self.options.jobs.iter().enumerate() {
            if one.when != when || !due.contains(&one.job.name) {
                continue;
            }
            if !one.needs.is_empty() {
                self.send(api, around.before, around.names, (around.sending, Some(&one.needs)), touched)
                    .await?;
                self.wait_for(api, touched, around.known, Some(&one.needs)).await?;
            }
            self.run_job(api, around, (index, one)).await?;
        }
        Ok(())
    }

    async fn run_job(
        &self,
        api: &Api,
        around: &Around<'_>,
        (index, one): (usize, &JobSpec),
    ) -> Result<(), StackError> {
        self.lock.still_held()?;
        // What jobs are runs of was resolved with them.
        let Some(service) = self.wanted.run_of(&one.job.service) else { return Ok(()) };
        let left = self.cx.time_to_work();
        let run =
            Job { limit: left.map_or(one.job.limit, |left| left.min(one.job.limit)), ..one.job.clone() };
        let id = self.start_job(api, around, service, &run).await?;
        let ended = self.until_over(api, &id, &run).await;
        let removed = async {
            api.remove_service(&id).await?;
            wait_for_end(api, self.name, &[id.clone()].into()).await
        };
        let removed = removed.await;
        let (error, host) = match ended? {
            Ended::Well => return Ok(removed?),
            Ended::Badly(error, host) => (error, host),
        };
        if let Err(error) = removed {
            tracing::warn!(job = run.name, %error, "could not remove what a job has left");
        }
        let failed = FailedJob {
            job: index,
            name: one.job.name.clone(),
            service: one.job.service.clone(),
            when: one.when,
            host,
            error,
            cut: run.limit < one.job.limit,
        };
        Err(stack::Error::Job(Box::new(failed)).into())
    }

    async fn start_job(
        &self,
        api: &Api,
        around: &Around<'_>,
        service: &NewService,
        job: &Job,
    ) -> Result<String, StackError> {
        let random = random_name().map_err(stack::Error::from)?;
        let mut spec = self.spec(&run_of(service, job, self.name, &random), around.names);
        around.sending.set_image(&job.service, &mut spec);
        Ok(api.create_service(&Spec::of(spec), self.credentials(service)).await?)
    }

    /// Looks at the job until it has ended, or may not go on.
    async fn until_over(&self, api: &Api, id: &str, job: &Job) -> Result<Ended, StackError> {
        let begun = Instant::now();
        let mut stuck: Option<Instant> = None;
        loop {
            self.lock.still_held()?;
            let tasks = api.tasks(self.name).await?;
            let task = tasks.iter().find(|task| task.service_id.as_deref() == Some(id));
            if let Some(task) = task.filter(|task| is_over(task)) {
                return Ok(self.ended(api, task, begun.elapsed()).await);
            }
            let waits = task.and_then(complaint);
            stuck = waits.as_ref().map(|_| stuck.unwrap_or_else(Instant::now));
            let late = begun.elapsed() >= job.limit;
            if let Some(said) = waits.as_deref()
                && (late || stuck.is_some_and(|since| since.elapsed() >= self.options.start_timeout))
            {
                let error = JobError::Unstarted { said: self.scrubber().scrub(said) };
                return Ok(Ended::Badly(error, self.place(api, task).await));
            }
            if late {
                let error = JobError::Late { limit: job.limit, output: self.output(api, task).await };
                return Ok(Ended::Badly(error, self.place(api, task).await));
            }
            tokio::select! {
                () = self.cx.cancelled() => {
                    if self.cx.is_interrupted() {
                        return Err(Error::Cancelled.into());
                    }
                    let error = JobError::Late { limit: begun.elapsed(), output: self.output(api, task).await };
                    return Ok(Ended::Badly(error, self.place(api, task).await));
                }
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// How a job ended whose task is over.
    async fn ended(&self, api: &Api, task: &Task, took: Duration) -> Ended {
        if state(task) == Some(TaskState::COMPLETE) {
            return Ended::Well;
        }
        let said = complaint(task).unwrap_or_default();
        let error = match exit_status(task) {
            Some(status) if said.starts_with(NON_ZERO) => {
                JobError::Failed { status, took, output: self.output(api, Some(task)).await }
            }
            _ => JobError::Unstarted { said: self.scrubber().scrub(&said) },
        };
        Ended::Badly(error, self.place(api, Some(task)).await)
    }

    /// What the job wrote last.
    async fn output(&self, api: &Api, task: Option<&Task>) -> String {
        match task.and_then(|task| task.id.as_deref()) {
            Some(id) => self.scrubber().scrub(&task_log(api, id).await),
            None => String::new(),
        }
    }

    /// Where the job ran.
    async fn place(&self, api: &Api, task: Option<&Task>) -> String {
        let node = task.and_then(|task| task.node_id.clone()).filter(|node| !node.is_empty());
        let Some(node) = node else { return "no node".to_owned() };
        node_names(api).await.remove(&node).unwrap_or(node)
    }
}

/// How a job ended.
enum Ended {
    Well,
    /// Why it did not end well, and where it was.
    Badly(JobError, String),
}

fn exit_status(task: &Task) -> Option<u32> {
    let status = task.status.as_ref()?.container_status.as_ref()?.exit_code?;
    u32::try_from(status).ok()
}
