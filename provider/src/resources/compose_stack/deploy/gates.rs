//! What an apply must pass on its way: jobs and probes.

use std::{collections::BTreeSet, time::Duration};

use compose::job::{JobError, leftovers};
use http::probe::{Outcome, ProbeError};
use remote::{Executor, Local};

use super::{Deployment, Work, start::RESERVE};
use crate::resources::compose_stack::{
    failure::{Failure, Stop},
    job::{self, When},
    probe::{self, From},
};

impl Deployment<'_> {
    /// Whether there is anything to pass.
    pub(super) fn has_gates(&self) -> bool {
        let set = |count: Option<usize>| count.unwrap_or_default() > 0;
        set(self.planned.job.known().map(Vec::len)) || set(self.planned.probe.known().map(Vec::len))
    }

    /// Runs the jobs of one side that are due, each behind the services that it needs.
    pub(super) async fn run_jobs(&self, work: &Work, when: When) -> Result<(), Failure> {
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

    async fn run_job(&self, work: &Work, one: &job::Wanted) -> Result<(), Failure> {
        let name = &self.inputs.name;
        let project = work.project(name);
        let compose =
            self.site.compose(&work.cx, &work.scrubber).naming(format!("{}/", work.layout.root()), "");
        let left = work.cx.remaining().map(|left| left.saturating_sub(RESERVE));
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
        Err(job_failed(one, error, self.site.executor().name(), run.limit < one.job.limit))
    }

    /// Removes the containers of jobs that did not end: nobody else has the lock, so none of them
    /// is in use.
    pub(super) async fn remove_leftovers(&self) -> Result<(), Failure> {
        let containers = self.engine.containers(&self.inputs.name).await?;
        for container in leftovers(&containers) {
            tracing::info!(container = container.name, "removing what a job has left");
            self.engine.remove(&container.id).await?;
        }
        Ok(())
    }

    /// Makes the probes.
    pub(super) async fn pass_probes(&self, work: &Work) -> Result<(), Failure> {
        for one in probe::wanted(self.planned) {
            let here = Local::new();
            let from: &dyn Executor = match one.from {
                From::Host => self.site.executor(),
                From::Here => &here,
            };
            let mut probe = one.probe.clone();
            if let Some(left) = work.cx.remaining() {
                probe.timeout = probe.timeout.min(left.saturating_sub(RESERVE));
            }
            match probe.pass(from, ssh::may_be_forbidden, work.cx.token()).await {
                Ok(tries) => {
                    tracing::info!(stack = self.inputs.name, probe = %probe.target, tries, "probe has passed");
                }
                Err(ProbeError::Remote(error)) => return Err(error.into()),
                Err(ProbeError::Failed { tries, took, last }) => {
                    let told = last.describe(&work.scrubber);
                    return Err(probe_failed(&one, from.name(), tries, took, &last, &told));
                }
            }
        }
        Ok(())
    }
}

/// The words for a job that did not end well.
fn job_failed(one: &job::Wanted, error: JobError, host: &str, cut: bool) -> Failure {
    let (name, service) = (&one.job.name, &one.job.service);
    // Of a block, CLIs show no line; of one of its attributes they do.
    let at = |attribute: &str| one.at.clone().attribute(attribute);
    let (what, output, at) = match error {
        JobError::Docker(error) => return error.into(),
        JobError::Failed { status, took, output } => {
            (format!("ended with status {status} after {}", seconds(took)), output, at("service"))
        }
        JobError::Late { limit, output } => (
            format!("had not ended after {} and was stopped", seconds(limit)),
            output,
            at(if cut { "service" } else { "timeout" }),
        ),
    };
    let side = match one.when {
        When::Before => {
            "It runs before the services are changed: those that it does not need are as they were."
        }
        When::After => "It runs after the services, which had all become well.",
    };
    let output =
        if output.is_empty() { "It wrote nothing.".to_owned() } else { format!("Its last lines:\n{output}") };
    let happened = format!("Job {name:?}, a run of service {service} on {host}, {what}. {side}\n\n{output}");
    let next = "Correct what its output names, then apply again: the job is still due.";
    Stop::new(happened, next, at).into()
}

/// The words for a probe that did not pass.
fn probe_failed(
    one: &probe::Wanted,
    from: &str,
    tries: u32,
    took: Duration,
    last: &Outcome,
    told: &str,
) -> Failure {
    let target = &one.probe.target;
    let times = if tries == 1 { "once".to_owned() } else { format!("{tries} times") };
    let happened = format!(
        "The probe of {target}, made from {from}, did not pass: tried {times} in {}. The last time: {told}.",
        seconds(took)
    );
    let forbidden = matches!(last, Outcome::NotReached(error) if ssh::may_be_forbidden(error));
    let next = if forbidden {
        "Probes are made through the SSH connection. Let the SSH server forward TCP for this user \
         (`AllowTcpForwarding local` or `yes` in sshd_config, and no `PermitOpen` against it), or make the probe \
         from the machine that runs tofu by `from = \"here\"`."
    } else {
        "Correct what keeps it from answering so, or what the probe expects, then apply again. If it only needs \
         longer, give the probe a longer `timeout`."
    };
    Stop::new(happened, next, one.at.clone()).into()
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use framework::{Field, Path};

    use super::*;
    use crate::resources::compose_stack::model::{JobBlock, ProbeBlock, StackModel};

    const TITLE: &str = "Could not update compose stack \"web\"";

    fn job() -> job::Wanted {
        let block = JobBlock { name: "migrate".into(), service: "app".into(), ..JobBlock::default() };
        job::wanted(&StackModel { job: Field::Known(vec![block]), ..StackModel::default() }).remove(0)
    }

    fn text(failure: Failure) -> String {
        failure.diagnostics(TITLE, "Its containers now: none.").to_string()
    }

    #[test]
    fn a_job_that_failed_tells_its_status_and_its_last_lines() {
        let error =
            JobError::Failed { status: 7, took: Duration::from_millis(1200), output: "no such table".into() };
        assert_eq!(
            text(job_failed(&job(), error, "root@web", false)),
            "Could not update compose stack \"web\" (at job[0].service)\n\
             Job \"migrate\", a run of service app on root@web, ended with status 7 after 1.2 s. It runs before the \
             services are changed: those that it does not need are as they were.\n\n\
             Its last lines:\nno such table\n\n\
             Its containers now: none.\n\n\
             Correct what its output names, then apply again: the job is still due."
        );
    }

    #[test]
    fn a_job_that_took_too_long_blames_its_timeout() {
        let late = || JobError::Late { limit: Duration::from_secs(5), output: String::new() };
        let own = text(job_failed(&job(), late(), "root@web", false));
        assert!(
            own.contains("(at job[0].timeout)") && own.contains("had not ended after 5.0 s and was stopped"),
            "{own}"
        );
        assert!(own.contains("It wrote nothing."), "{own}");
        assert!(text(job_failed(&job(), late(), "root@web", true)).contains("(at job[0].service)"));
    }

    #[test]
    fn a_probe_that_failed_tells_from_where_how_often_and_what_came() {
        let block = ProbeBlock { url: "http://127.0.0.1:80/health".into(), ..ProbeBlock::default() };
        let model = StackModel { probe: Field::Known(vec![block]), ..StackModel::default() };
        let one = probe::wanted(&model).remove(0);
        assert_eq!(one.at, Path::root().attribute("probe").index(0).attribute("url"));
        let last = Outcome::Status { status: 503, body: "starting".into() };
        let told = last.describe(&secret::Scrubber::default());
        let said = text(probe_failed(&one, "root@web", 61, Duration::from_secs(60), &last, &told));
        assert_eq!(
            said,
            "Could not update compose stack \"web\" (at probe[0].url)\n\
             The probe of http://127.0.0.1:80/health, made from root@web, did not pass: tried 61 times in 60.0 s. \
             The last time: the status was 503: starting.\n\n\
             Its containers now: none.\n\n\
             Correct what keeps it from answering so, or what the probe expects, then apply again. If it only needs \
             longer, give the probe a longer `timeout`."
        );
    }
}
