//! Waiting until a stack is what it should be, or will not become it.
//!
//! Compose's own `--wait` takes a job that ended with 0 for a failure in some versions and tells
//! nothing about why something failed. Here every poll is one list of containers; [`judge`], which
//! is pure, reads it; a verdict of failure comes with the last lines of the container's log.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, TryStreamExt, stream};
use remote::poll::{Ended, Poll};
use secret::Scrubber;
use tokio_util::sync::CancellationToken;

use compose::ReadyState;
use docker::{
    Engine, Error,
    engine::{Container, Health, LogPart, Run, State},
};

use crate::containers::{LABEL_SERVICE, by_service, is_of_service};

/// How many inspections run at the same time.
const INSPECTIONS: usize = 4;
/// How many lines of log a failure carries.
const LOG_LINES: usize = 30;

/// How long a service that its restart policy starts again has until it stays, where nobody says
/// otherwise.
pub const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a container that was started again has to be up until it counts as one that stays; Docker
/// itself takes a start for a good one after this time.
const STABLE: Duration = Duration::from_secs(10);
/// What the list of containers rounds down to.
const WHOLE: Duration = Duration::from_secs(1);

/// How a wait goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Time from one look to the next, where nothing says when something will have changed.
    pub interval: Duration,
    /// A service without a health check must be up this long. Programs that cannot start tend to
    /// end within a second; whole seconds count, because the list of containers tells no less.
    pub settle: Duration,
    /// What its restart policy starts again has this long, beyond the start period of its health check,
    /// until it stays.
    pub start_timeout: Duration,
    /// The whole wait may take this long.
    pub limit: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(200),
            settle: Duration::from_secs(2),
            start_timeout: START_TIMEOUT,
            limit: Duration::from_secs(600),
        }
    }
}

/// What a service is waited for to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goal {
    /// Its ready state; [`ReadyState::Idle`] and [`ReadyState::Ignored`] are not waited for.
    pub ready: ReadyState,
    /// How many containers it has then.
    pub replicas: u32,
    /// Whether what fails is started again by its restart policy, so that one failure is not the end.
    pub retries: bool,
    /// How long its health check may fail while it starts.
    pub start_period: Duration,
}

/// How one service stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum Progress {
    /// It is what it should be.
    Reached,
    /// Not yet; what it is instead, in words.
    Pending(String),
    /// It will not be, because of the container with this id.
    Failed {
        id: String,
        /// What happened, in words.
        why: String,
        /// What kind of failure that is.
        kind: FailureKind,
    },
}

/// What may have to be done about a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailureKind {
    /// It ended with 0 although it should stay: it may be a job that nobody called one.
    EndedWell,
    /// Its restart policy started it again and again, for longer than it was given.
    Restarting,
    /// Anything else.
    #[default]
    Other,
}

/// How the services stand, from one list of containers.
///
/// `restarts` are the restarts that each container had since it was made, for the containers that
/// were made by this change, as far as they were asked for.
pub fn judge(
    goals: &BTreeMap<String, Goal>,
    containers: &[Container],
    restarts: &BTreeMap<String, i64>,
    now: Moment,
) -> BTreeMap<String, Progress> {
    let live = by_service(containers);
    let restarted = |container: &Container| restarts.get(&container.id).is_some_and(|count| *count > 0);
    goals
        .iter()
        .filter(|(_, goal)| !matches!(goal.ready, ReadyState::Idle | ReadyState::Ignored))
        .map(|(name, goal)| {
            let own = live.get(name).map(Vec::as_slice).unwrap_or_default();
            (name.clone(), service(own, *goal, &restarted, now))
        })
        .collect()
}

fn service(own: &[&Container], goal: Goal, restarted: &impl Fn(&Container) -> bool, now: Moment) -> Progress {
    let mut pending = None;
    for container in own {
        match one(container, goal, restarted(container), now) {
            Progress::Reached => {}
            Progress::Pending(words) => drop(pending.get_or_insert(words)),
            failed @ Progress::Failed { .. } => return failed,
        }
    }
    let wanted = usize::try_from(goal.replicas).unwrap_or(usize::MAX);
    match pending {
        Some(words) => Progress::Pending(words),
        None if own.len() < wanted => Progress::Pending(format!("{} of {wanted} containers", own.len())),
        None => Progress::Reached,
    }
}

fn one(container: &Container, goal: Goal, restarted: bool, now: Moment) -> Progress {
    let job = goal.ready == ReadyState::Completed;
    let failed_as = |kind, why: String| Progress::Failed { id: container.id.clone(), why, kind };
    let failed = |why: &str| failed_as(FailureKind::Other, why.to_owned());
    let pending = |words: &str| Progress::Pending(words.to_owned());
    let code = container.status.exit_code.unwrap_or(-1);
    let up_for = |time: Duration| container.status.uptime.is_some_and(|uptime| uptime >= time);
    match container.state {
        State::Exited if job && code == 0 => Progress::Reached,
        State::Exited | State::Restarting if job && goal.retries => pending("trying again"),
        State::Exited if code == 0 => failed_as(FailureKind::EndedWell, "exited with status 0".to_owned()),
        State::Exited => failed(&format!("exited with status {code}")),
        State::Restarting if now.may_start(goal) => pending(&format!("restarting (status {code})")),
        State::Restarting => failed_as(
            FailureKind::Restarting,
            format!(
                "exits with status {code} and is restarted by its restart policy again and again, for {} s now",
                now.elapsed.as_secs()
            ),
        ),
        State::Dead => failed("is dead"),
        State::Removing => pending("being removed"),
        State::Created => pending("created"),
        State::Paused => failed("is paused"),
        State::Running if job => pending("running"),
        State::Running if restarted && !up_for(STABLE) => pending("running again after a restart"),
        State::Running => match container.health().filter(|_| goal.ready != ReadyState::Up) {
            Some(Health::Unhealthy) => failed("is unhealthy"),
            Some(Health::Starting) => pending("starting"),
            Some(Health::Healthy) => Progress::Reached,
            None if up_for(now.settle) => Progress::Reached,
            None => pending("running"),
        },
    }
}

/// When a look is taken.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// As in [`Pace`].
    pub settle: Duration,
    /// As in [`Pace`].
    pub start_timeout: Duration,
    /// How long has been waited.
    pub elapsed: Duration,
}

impl Moment {
    /// Whether what falls may still be started again by its restart policy.
    fn may_start(self, goal: Goal) -> bool {
        goal.retries && self.elapsed < goal.start_period + self.start_timeout
    }
}

/// A container that stands in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct ContainerFailure {
    pub service: String,
    pub container: String,
    /// What happened, in words that follow the name.
    pub why: String,
    /// What kind of failure that is.
    pub kind: FailureKind,
    /// Its last lines, scrubbed.
    pub log: Vec<String>,
}

impl fmt::Display for ContainerFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.container, self.why)
    }
}

/// Why a wait ended without success.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum WaitError {
    #[error("{}", list(.0))]
    Failed(Vec<ContainerFailure>),
    /// The time is up.
    #[error("not ready after {} s: {}", limit.as_secs(), words(pending))]
    Late {
        /// The time that was given.
        limit: Duration,
        /// What each service was at the end.
        pending: BTreeMap<String, String>,
        /// The containers of these services, with their last lines.
        containers: Vec<ContainerFailure>,
    },
    /// Cancelled from our side.
    #[error("cancelled while waiting for {}", words(.0))]
    Cancelled(BTreeMap<String, String>),
    /// The Engine could not be asked.
    #[error(transparent)]
    Engine(#[from] Error),
}

fn list(failures: &[ContainerFailure]) -> String {
    failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn words(pending: &BTreeMap<String, String>) -> String {
    pending.iter().map(|(name, words)| format!("{name} ({words})")).collect::<Vec<_>>().join(", ")
}

/// How often each of the containers has been restarted since it was made.
async fn restarts<'c>(
    engine: &Engine,
    containers: impl IntoIterator<Item = &'c Container>,
) -> Result<BTreeMap<String, i64>, Error> {
    let ids: Vec<String> = containers.into_iter().map(|container| container.id.clone()).collect();
    let runs = stream::iter(ids).map(|id| async move {
        let run = engine.run(&id).await?;
        Ok::<_, Error>(run.map(|run| (id, run.restarts)))
    });
    let found: Vec<_> = runs.buffer_unordered(INSPECTIONS).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// Looks at `project` until every goal is reached, and returns its containers as they then are.
///
/// `before` are the ids of the containers that were there before the change: a restart that lies
/// between two looks is only looked for in new ones.
///
/// # Errors
/// [`WaitError::Failed`] as soon as one container cannot reach its goal, [`WaitError::Late`] when
/// the time is up, [`WaitError::Cancelled`] when `cancel` says so.
pub async fn until_ready(
    engine: &Engine,
    project: &str,
    goals: &BTreeMap<String, Goal>,
    before: &BTreeSet<String>,
    pace: Pace,
    cancel: &CancellationToken,
    scrubber: &Scrubber,
) -> Result<Vec<Container>, WaitError> {
    let began = Instant::now();
    let ended = observe(engine, project, goals, before, pace, cancel, scrubber).await;
    let result = ended.as_ref().map_or_else(ToString::to_string, |_| "ready".to_owned());
    let took_ms = began.elapsed().as_millis() as u64;
    tracing::debug!(project, took_ms, result = scrubber.scrub(&result), "waited for services");
    ended
}

async fn observe(
    engine: &Engine,
    project: &str,
    goals: &BTreeMap<String, Goal>,
    before: &BTreeSet<String>,
    pace: Pace,
    cancel: &CancellationToken,
    scrubber: &Scrubber,
) -> Result<Vec<Container>, WaitError> {
    let poll = Poll::new(pace.interval, pace.limit, cancel);
    let began = Instant::now();
    let mut counted = BTreeMap::new();
    loop {
        let containers = engine.containers(project).await?;
        let now = Moment { settle: pace.settle, start_timeout: pace.start_timeout, elapsed: began.elapsed() };
        let mut progress = judge(goals, &containers, &counted, now);
        if progress.values().all(|one| *one == Progress::Reached) {
            // Restarts that fell between two looks show only in the count, which costs a call
            // each: it is taken once, at what looks like the end.
            counted = restarts(engine, uncertain(&containers, goals, before)).await?;
            progress = judge(goals, &containers, &counted, now);
            if progress.values().all(|one| *one == Progress::Reached) {
                return Ok(containers);
            }
        }
        let failed = failures(&progress);
        if !failed.is_empty() {
            return Err(WaitError::Failed(explain(engine, &containers, failed, scrubber).await?));
        }
        let pause = pause(goals, &containers, &progress, pace);
        let pending = pending(&progress);
        match poll.next_after(pause).await {
            Ok(()) => {}
            Err(Ended::Cancelled) => return Err(WaitError::Cancelled(pending)),
            Err(Ended::Late) => {
                let late = of_services(&containers, &pending);
                let containers = explain(engine, &containers, late, scrubber).await?;
                return Err(WaitError::Late { limit: pace.limit, pending, containers });
            }
        }
    }
}

/// How long nothing can have come to its end: where all that is missing is that containers have been up for
/// some seconds, that is known. In their last second they are looked at often.
fn pause(
    goals: &BTreeMap<String, Goal>,
    containers: &[Container],
    progress: &BTreeMap<String, Progress>,
    pace: Pace,
) -> Duration {
    let waits = |name: &str| matches!(progress.get(name), Some(Progress::Pending(_)));
    let live = by_service(containers);
    let mut pause = Duration::ZERO;
    for (name, goal) in goals.iter().filter(|(name, _)| waits(name)) {
        let own = live.get(name).map(Vec::as_slice).unwrap_or_default();
        let settles = |one: &&&Container| {
            let unchecked = goal.ready == ReadyState::Up || one.health().is_none();
            one.state == State::Running && unchecked && goal.ready != ReadyState::Completed
        };
        let times: Vec<Duration> = own.iter().filter(settles).filter_map(|one| one.status.uptime).collect();
        let all =
            times.len() == own.len() && usize::try_from(goal.replicas).is_ok_and(|all| all <= own.len());
        let Some(least) = times.iter().min().filter(|least| all && **least < pace.settle) else {
            return pace.interval;
        };
        // Whole seconds are told, and one that has begun may be over soon.
        pause = pause.max(pace.settle.saturating_sub(*least + WHOLE));
    }
    pause.max(pace.interval / 2)
}

/// The containers that may have been restarted without a look having seen it.
fn uncertain<'c>(
    containers: &'c [Container],
    goals: &BTreeMap<String, Goal>,
    before: &BTreeSet<String>,
) -> impl Iterator<Item = &'c Container> {
    let staying: BTreeSet<String> = goals
        .iter()
        .filter(|(_, goal)| matches!(goal.ready, ReadyState::Running | ReadyState::Healthy | ReadyState::Up))
        .map(|(name, _)| name.clone())
        .collect();
    containers.iter().filter(move |container| {
        let service = container.label(LABEL_SERVICE).unwrap_or_default();
        is_of_service(container) && staying.contains(service) && !before.contains(&container.id)
    })
}

fn failures(progress: &BTreeMap<String, Progress>) -> Vec<(String, String, FailureKind)> {
    let failed = |one: &Progress| match one {
        Progress::Failed { id, why, kind } => Some((id.clone(), why.clone(), *kind)),
        _ => None,
    };
    progress.values().filter_map(failed).collect()
}

fn pending(progress: &BTreeMap<String, Progress>) -> BTreeMap<String, String> {
    let words = |one: &Progress| match one {
        Progress::Pending(words) => Some(words.clone()),
        _ => None,
    };
    progress.iter().filter_map(|(name, one)| Some((name.clone(), words(one)?))).collect()
}

fn of_services(
    containers: &[Container],
    services: &BTreeMap<String, String>,
) -> Vec<(String, String, FailureKind)> {
    let live = by_service(containers);
    services
        .iter()
        .flat_map(|(name, words)| {
            let own = live.get(name).map(Vec::as_slice).unwrap_or_default();
            own.iter().map(move |container| (container.id.clone(), format!("is {words}"), FailureKind::Other))
        })
        .collect()
}

/// Adds to each container what its inspection and its log tell.
async fn explain(
    engine: &Engine,
    containers: &[Container],
    failed: Vec<(String, String, FailureKind)>,
    scrubber: &Scrubber,
) -> Result<Vec<ContainerFailure>, Error> {
    let mut all = Vec::new();
    for (id, why, kind) in failed {
        let Some(container) = containers.iter().find(|container| container.id == id) else { continue };
        let run = engine.run(&id).await?.unwrap_or_default();
        let log = engine.logs(&id, &LogPart::last(LOG_LINES)).await?;
        all.push(ContainerFailure {
            service: container.label(LABEL_SERVICE).unwrap_or_default().to_owned(),
            container: container.name.clone(),
            why: scrubber.scrub(&details(&why, &run)),
            kind,
            log: log.iter().map(|line| scrubber.scrub(line)).collect(),
        });
    }
    Ok(all)
}

/// The failure in words, with what only the inspection knows.
fn details(why: &str, run: &Run) -> String {
    let mut text = why.to_owned();
    if run.out_of_memory {
        text.push_str(" (it ran out of memory)");
    }
    if !run.error.is_empty() {
        text.push_str(&format!(" ({})", run.error));
    }
    if why.contains("unhealthy") && !run.health_output.is_empty() {
        text.push_str(&format!("; its health check says: {}", run.health_output));
    }
    text
}

#[cfg(test)]
#[path = "wait_tests.rs"]
mod tests;
