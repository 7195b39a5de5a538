//! Waiting until services are what they are to be.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    pin::pin,
    time::{Duration, Instant},
};

use bollard::{models::Task, query_parameters::LogsOptionsBuilder};
use futures_util::StreamExt;
use remote::{Tail, poll::Poll};
use secret::Scrubber;
use stack::Context;

use crate::{
    Error, Manager,
    spec::ApiService as Service,
    stacks::{
        StackError, SwarmLock,
        api::Api,
        converge::{Asked, Standing, complaint, has_failed, is_over, standing, state, told},
        error::ServiceFailure,
        live::LiveService,
    },
};

/// How often the swarm is asked.
const LOOK: Duration = Duration::from_millis(700);
/// How long a service that no updater watches has to stay as it is to be: what a swarm's own updater
/// takes where nobody says otherwise.
const HOLD: Duration = Duration::from_secs(5);
/// How long managers may take to elect a leader after one was lost: what they are told meanwhile is lost
/// on them, and what they run goes on.
const ELECTION: Duration = Duration::from_secs(40);
/// How many tasks a failure tells of.
const TOLD: usize = 3;
/// How many lines of a log a failure shows.
const LINES: &str = "20";
/// How long a log is waited for: a node that is gone gives none.
const LOG_LIMIT: Duration = Duration::from_secs(5);

/// The tasks that there were before: what became of them is no affair of this apply.
#[derive(Debug, Default)]
pub(super) struct Known(BTreeSet<String>);

impl Known {
    pub(super) async fn of(api: &Api, stack: &str) -> Result<Self, Error> {
        let tasks = api.tasks(stack).await?;
        Ok(Self(tasks.into_iter().filter_map(|task| task.id).collect()))
    }

    fn has(&self, task: &Task) -> bool {
        task.id.as_ref().is_some_and(|id| self.0.contains(id))
    }
}

/// What is waited for.
pub(super) struct Wait<'a> {
    pub(super) cx: &'a Context,
    pub(super) api: &'a Api,
    pub(super) lock: &'a SwarmLock,
    pub(super) name: &'a str,
    pub(super) services: BTreeSet<&'a String>,
    /// Those of them that were updated or made.
    pub(super) changed: &'a BTreeSet<String>,
    pub(super) known: &'a Known,
    pub(super) start_timeout: Duration,
    /// Whether to have gone back is what was asked for.
    pub(super) rolled_back: bool,
    pub(super) scrubber: Scrubber,
}

/// What was seen of a service so far.
#[derive(Default)]
struct Seen {
    well_since: Option<Instant>,
    failing_since: Option<Instant>,
}

impl Wait<'_> {
    /// Returns when every service is well.
    pub(super) async fn until_well(&self) -> Result<(), StackError> {
        let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
        loop {
            self.lock.still_held()?;
            let (services, tasks) = self.state().await?;
            let services: BTreeMap<_, _> =
                services.into_iter().map(|service| LiveService::named(self.name, service)).collect();
            let (mut failed, mut moving) = (Vec::new(), Vec::new());
            for name in &self.services {
                let Some(live) = services.get(*name) else {
                    failed.push(failure(name, "is gone: somebody has removed it", &[]));
                    continue;
                };
                let own: Vec<&Task> =
                    tasks.iter().filter(|task| task.service_id.as_ref() == Some(&live.id)).collect();
                match self.observe(name, live, &own, seen.entry((*name).clone()).or_default()) {
                    Standing::Well => {}
                    Standing::Moving => moving.push((*name, own)),
                    Standing::Failed(said) => failed.push(self.failure(name, &said, &own).await),
                }
            }
            if !failed.is_empty() {
                return Err(StackError::NotWell(failed));
            }
            if moving.is_empty() {
                return Ok(());
            }
            tokio::select! {
                () = self.cx.cancelled() => {
                    if self.cx.is_interrupted() {
                        return Err(Error::Cancelled.into());
                    }
                    let mut late = Vec::new();
                    for (name, own) in moving {
                        late.push(self.failure(name, "is not up when the time is up", &own).await);
                    }
                    return Err(StackError::NotWell(late));
                }
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// The services and tasks of the stack. While managers elect a leader, they are waited for.
    async fn state(&self) -> Result<(Vec<Service>, Vec<Task>), StackError> {
        let poll = Poll::new(LOOK, ELECTION, self.cx.token());
        loop {
            let looked = tokio::join!(self.api.services(Some(self.name)), self.api.tasks(self.name));
            let error = match looked {
                (Ok(services), Ok(tasks)) => return Ok((services, tasks)),
                (Err(error), _) | (_, Err(error)) => error,
            };
            if !matches!(error, Error::NoLeader { .. }) || poll.next().await.is_err() {
                return Err(error.into());
            }
            tracing::info!(stack = self.name, %error, "waiting for the managers to elect a leader");
        }
    }

    /// How a service stands, now that some time has passed.
    fn observe(&self, name: &str, live: &LiveService, own: &[&Task], seen: &mut Seen) -> Standing {
        let changed = self.changed.contains(name);
        match standing(live, own, Asked { changed, rolled_back: self.rolled_back }) {
            Standing::Well => {
                let since = *seen.well_since.get_or_insert_with(Instant::now);
                // An updater has watched the tasks already, and a job has ended.
                let watched = !changed || live.update_state().is_some() || live.mode().is_job();
                if watched || since.elapsed() >= HOLD { Standing::Well } else { Standing::Moving }
            }
            Standing::Moving => {
                seen.well_since = None;
                let is_bad = |task: &&&Task| {
                    !self.known.has(task) && complaint(task).is_some() && (has_failed(task) || !is_over(task))
                };
                if !own.iter().any(|task| is_bad(&task)) {
                    return Standing::Moving;
                }
                let since = *seen.failing_since.get_or_insert_with(Instant::now);
                if since.elapsed() < self.start_timeout {
                    return Standing::Moving;
                }
                Standing::Failed(format!("does not come up within {} s", self.start_timeout.as_secs()))
            }
            failed @ Standing::Failed(_) => failed,
        }
    }

    /// What the service's own tasks say of the failure.
    async fn failure(&self, name: &str, said: &str, own: &[&Task]) -> ServiceFailure {
        let nodes = node_names(self.api).await;
        let mut bad: Vec<&&Task> =
            own.iter().filter(|task| !self.known.has(task) && complaint(task).is_some()).collect();
        bad.sort_by(|one, other| other.created_at.cmp(&one.created_at));
        let tasks: Vec<String> = bad
            .iter()
            .take(TOLD)
            .map(|task| self.scrubber.scrub(&told(task, |id| nodes.get(id).cloned())))
            .collect();
        let ran =
            |task: &&&&Task| state(task).is_some_and(|state| state != bollard::models::TaskState::PENDING);
        let log = match bad.iter().find(ran).and_then(|task| task.id.as_deref()) {
            Some(id) => self.scrubber.scrub(&task_log(self.api, id).await),
            None => String::new(),
        };
        ServiceFailure { log, ..failure(name, &self.scrubber.scrub(said), &tasks) }
    }
}

/// Node to host name.
pub(super) async fn node_names(api: &Api) -> HashMap<String, String> {
    let nodes = Manager::of(api.engine().clone()).nodes().await.unwrap_or_default();
    nodes.into_iter().map(|node| (node.id, node.hostname)).collect()
}

/// The last lines that a task wrote.
pub(super) async fn task_log(api: &Api, task: &str) -> String {
    let options = LogsOptionsBuilder::default().stdout(true).stderr(true).tail(LINES).build();
    let mut written = Tail::of(16 << 10);
    let mut chunks = pin!(api.engine().api().task_logs(task, Some(options)));
    let read = async {
        while let Some(Ok(chunk)) = chunks.next().await {
            written.push(chunk.as_ref());
        }
    };
    let _ = tokio::time::timeout(LOG_LIMIT, read).await;
    written.text().trim_end().to_owned()
}

fn failure(name: &str, said: &str, tasks: &[String]) -> ServiceFailure {
    ServiceFailure {
        service: name.to_owned(),
        said: said.to_owned(),
        tasks: tasks.to_vec(),
        log: String::new(),
    }
}
