//! Work leaves a node.
//!
//! Docker's own drain stops tasks and then starts others. A graceful one keeps what runs until the
//! other runs: the node gets no new tasks, each replicated service with tasks there is told not to
//! run on this node, so that exactly those tasks are replaced in the service's own way of updating
//! (`order: start-first` starts the new one first, health checks count), and only then is the node
//! drained of what is left. Measured with Docker 26.1: no other task is touched, neither then nor
//! when the constraints are taken off again.

use std::{collections::BTreeSet, time::Duration};

use remote::poll::{Ended, Poll};
use tokio_util::sync::CancellationToken;

use crate::{
    Availability, Error, Manager, Mode, Node, NodeChange, NodeState, Service, Task, placement::no_place,
};

/// The time between two looks.
const INTERVAL: Duration = Duration::from_millis(500);

/// A drain of one node.
pub struct Drain<'a> {
    /// Who is asked.
    pub manager: &'a Manager,
    /// The node.
    pub node: &'a str,
    /// Whether what runs is kept until its replacement runs.
    pub graceful: bool,
    /// How long it may take.
    pub limit: Duration,
    /// Ends it early.
    pub cancel: &'a CancellationToken,
}

/// What a swarm runs, at one moment.
struct Observed {
    nodes: Vec<Node>,
    services: Vec<Service>,
    tasks: Vec<Task>,
}

impl Drain<'_> {
    /// What runs on the node and can run nowhere else, each service with why.
    ///
    /// # Errors
    /// When the manager cannot be asked.
    pub async fn homeless(&self) -> Result<Vec<String>, Error> {
        let observed = self.observe().await?;
        let moving = on_node(&observed, self.node, Mode::Replicated);
        let reasons = moving.into_iter().filter_map(|service| {
            no_place(service, self.node, &observed.nodes, &observed.services, &observed.tasks)
        });
        Ok(reasons.collect())
    }

    /// Drains the node. It may be called again after it was interrupted.
    ///
    /// # Errors
    /// [`Error::NoPlace`] before anything was changed; [`Error::Stuck`], [`Error::Late`] and
    /// [`Error::Cancelled`] in between.
    pub async fn run(&self) -> Result<(), Error> {
        let node = self.manager.known_node(self.node).await?;
        if self.graceful && node.availability != Availability::Drain {
            let reasons = self.homeless().await?;
            if !reasons.is_empty() {
                return Err(Error::NoPlace { node: node.hostname, reasons });
            }
        }
        let poll = Poll::new(INTERVAL, self.limit, self.cancel);
        self.wait(&poll, unfinished).await?;
        if self.graceful && node.availability != Availability::Drain {
            self.available(Availability::Pause).await?;
            self.move_services(&poll).await?;
        }
        let affected = services_that_move(&self.observe().await?, self.node);
        self.available(Availability::Drain).await?;
        self.wait(&poll, left).await?;
        self.wait(&poll, |observed, _| unreplaced(observed, &affected)).await
    }

    /// Takes back what a drain has told services: none of their tasks is replaced by that.
    ///
    /// # Errors
    /// When the manager cannot be asked.
    pub async fn release(manager: &Manager, node: &str) -> Result<(), Error> {
        let name = note_name(node);
        let Some(services) = manager.noted(&name).await? else { return Ok(()) };
        for service in services.split(',').filter(|id| !id.is_empty()) {
            manager.constrain(service, |constraints| without(constraints, node)).await?;
        }
        manager.forget(&name).await
    }

    async fn move_services(&self, poll: &Poll<'_>) -> Result<(), Error> {
        let observed = self.observe().await?;
        let name = note_name(self.node);
        let noted = self.manager.noted(&name).await?;
        let moving = on_node(&observed, self.node, Mode::Replicated);
        // A constraint that somebody else has set stays when ours go.
        let ours = moving.iter().filter(|service| !service.constraints.contains(&avoid(self.node)));
        let known = noted.as_deref().unwrap_or_default().split(',').filter(|id| !id.is_empty());
        let all: BTreeSet<&str> = ours.map(|service| service.id.as_str()).chain(known).collect();
        let text = all.into_iter().collect::<Vec<_>>().join(",");
        if noted.as_deref() != Some(&text) && !text.is_empty() {
            self.manager.note(&name, &text).await?;
        }
        for service in moving {
            self.manager.constrain(&service.id, |constraints| with(constraints, self.node)).await?;
        }
        loop {
            let observed = self.observe().await?;
            let left = on_node(&observed, self.node, Mode::Replicated);
            if left.is_empty() {
                return Ok(());
            }
            if let Some((service, said)) = stuck(&left) {
                return Err(Error::Stuck { service, said });
            }
            let names: Vec<&str> = left.iter().map(|service| service.name.as_str()).collect();
            self.next(poll, || format!("the tasks of {} to move to other nodes", names.join(", "))).await?;
        }
    }

    async fn wait(
        &self,
        poll: &Poll<'_>,
        what: impl Fn(&Observed, &str) -> Option<String>,
    ) -> Result<(), Error> {
        while let Some(what) = what(&self.observe().await?, self.node) {
            self.next(poll, || what).await?;
        }
        Ok(())
    }

    async fn next(&self, poll: &Poll<'_>, what: impl FnOnce() -> String) -> Result<(), Error> {
        poll.next().await.map_err(|ended| match ended {
            Ended::Late => Error::Late { what: what(), seconds: self.limit.as_secs() },
            Ended::Cancelled => Error::Cancelled,
        })
    }

    async fn available(&self, availability: Availability) -> Result<(), Error> {
        let change = NodeChange { availability: Some(availability), ..NodeChange::default() };
        self.manager.change_node(self.node, &change).await
    }

    async fn observe(&self) -> Result<Observed, Error> {
        let (nodes, services, tasks) =
            tokio::join!(self.manager.nodes(), self.manager.services(), self.manager.tasks());
        Ok(Observed { nodes: nodes?, services: services?, tasks: tasks? })
    }
}

/// Waits until no job of any service is unfinished: when its leader changes, Swarm may run it again.
///
/// # Errors
/// [`Error::Late`], [`Error::Cancelled`], and when the manager cannot be asked.
pub async fn jobs_are_done(
    manager: &Manager,
    limit: Duration,
    cancel: &CancellationToken,
) -> Result<(), Error> {
    let drain = Drain { manager, node: "", graceful: false, limit, cancel };
    let poll = Poll::new(INTERVAL, limit, cancel);
    drain.wait(&poll, |observed, _| unfinished_anywhere(observed)).await
}

/// The name of the config that notes which services a drain of `node` has told to go.
fn note_name(node: &str) -> String {
    format!("windlass-drain-{node}")
}

/// The constraint that keeps a service off a node.
fn avoid(node: &str) -> String {
    format!("node.id!={node}")
}

fn with(constraints: &[String], node: &str) -> Vec<String> {
    let own = avoid(node);
    let mut all = constraints.to_vec();
    if !all.contains(&own) {
        all.push(own);
    }
    all
}

fn without(constraints: &[String], node: &str) -> Vec<String> {
    let own = avoid(node);
    constraints.iter().filter(|constraint| **constraint != own).cloned().collect()
}

/// The services of this mode with tasks on `node` that are to run there.
fn on_node<'l>(observed: &'l Observed, node: &str, mode: Mode) -> Vec<&'l Service> {
    let has_task = |service: &&Service| {
        observed
            .tasks
            .iter()
            .any(|task| task.node == node && task.service == service.id && task.wanted && task.live)
    };
    observed.services.iter().filter(|service| service.mode == mode).filter(has_task).collect()
}

/// The replicated services that have a task on `node` which can run elsewhere. Where it can not, nobody
/// waits for its replacement.
fn services_that_move(observed: &Observed, node: &str) -> BTreeSet<String> {
    let has_place = |service: &&Service| {
        no_place(service, node, &observed.nodes, &observed.services, &observed.tasks).is_none()
    };
    let moving = on_node(observed, node, Mode::Replicated).into_iter().filter(has_place);
    moving.map(|service| service.id.clone()).collect()
}

/// That jobs on `node` are not finished.
fn unfinished(observed: &Observed, node: &str) -> Option<String> {
    let jobs = on_node(observed, node, Mode::Job);
    let names: Vec<&str> = jobs.iter().map(|service| service.name.as_str()).collect();
    (!names.is_empty()).then(|| format!("the jobs of {} on the node to finish", names.join(", ")))
}

/// That jobs are not finished.
fn unfinished_anywhere(observed: &Observed) -> Option<String> {
    let jobs = observed.services.iter().filter(|service| service.mode == Mode::Job);
    let open = jobs
        .filter(|job| observed.tasks.iter().any(|task| task.service == job.id && task.wanted && task.live));
    let names: Vec<&str> = open.map(|service| service.name.as_str()).collect();
    (!names.is_empty()).then(|| format!("the jobs of {} to finish", names.join(", ")))
}

/// That tasks are on `node` still. Of one that is down nobody hears that they have stopped.
fn left(observed: &Observed, node: &str) -> Option<String> {
    if observed.nodes.iter().any(|other| other.id == node && other.state == NodeState::Down) {
        return None;
    }
    // A service that is gone takes its tasks along; nobody tells when they have stopped.
    let is_known = |task: &&Task| observed.services.iter().any(|service| service.id == task.service);
    let count = observed.tasks.iter().filter(|task| task.node == node && task.live).filter(is_known).count();
    (count > 0).then(|| format!("{count} tasks to stop on the node"))
}

/// That replacements do not run yet.
fn unreplaced(observed: &Observed, services: &BTreeSet<String>) -> Option<String> {
    let waiting: Vec<&str> = observed
        .services
        .iter()
        .filter(|service| services.contains(&service.id))
        .filter(|service| {
            observed
                .tasks
                .iter()
                .any(|task| task.service == service.id && task.wanted && task.live && !task.running)
        })
        .map(|service| service.name.as_str())
        .collect();
    (!waiting.is_empty()).then(|| format!("the tasks of {} to run on other nodes", waiting.join(", ")))
}

/// A service whose update stands still, and why.
fn stuck(services: &[&Service]) -> Option<(String, String)> {
    services.iter().find_map(|service| Some((service.name.clone(), service.paused.clone()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{node::tests::node, work::tests::service};

    fn task(service: &str, node: &str, (wanted, live, running): (bool, bool, bool)) -> Task {
        let (id, service, node) = ("t".into(), service.into(), node.into());
        Task { id, service, node, wanted, live, running, error: String::new() }
    }

    const RUNS: (bool, bool, bool) = (true, true, true);
    const STOPS: (bool, bool, bool) = (false, true, true);

    fn observed(tasks: Vec<Task>) -> Observed {
        let web = Service { constraints: Vec::new(), ..service() };
        let job = Service { id: "j".into(), name: "migrate".into(), mode: Mode::Job, ..service() };
        let global = Service { id: "g".into(), name: "agent".into(), mode: Mode::Global, ..service() };
        let nodes = ["n1", "n2"].map(|id| Node { id: id.into(), ..node() }).into();
        Observed { nodes, services: vec![web, job, global], tasks }
    }

    #[test]
    fn constraints_come_and_go_and_others_stay() {
        let own = vec!["node.role==worker".to_owned()];
        let more = with(&own, "n1");
        assert_eq!(more, ["node.role==worker", "node.id!=n1"]);
        assert_eq!(with(&more, "n1"), more);
        assert_eq!(without(&more, "n1"), own);
        assert_eq!(without(&more, "n2"), more);
    }

    #[test]
    fn a_drain_waits_for_jobs_tasks_and_replacements() {
        let there = observed(vec![task("s1", "n1", RUNS), task("j", "n1", RUNS), task("g", "n1", RUNS)]);
        assert_eq!(services_that_move(&there, "n1"), BTreeSet::from(["s1".to_owned()]));
        assert_eq!(unfinished(&there, "n1").unwrap(), "the jobs of migrate on the node to finish");
        assert_eq!(unfinished(&there, "n2"), None);
        assert_eq!(unfinished_anywhere(&there).unwrap(), "the jobs of migrate to finish");
        assert_eq!(unfinished_anywhere(&observed(vec![task("s1", "n1", RUNS)])), None);
        assert_eq!(left(&there, "n1").unwrap(), "3 tasks to stop on the node");

        let stopping = observed(vec![task("s1", "n1", STOPS), task("s1", "n2", (true, true, false))]);
        assert!(on_node(&stopping, "n1", Mode::Replicated).is_empty());
        assert_eq!(left(&stopping, "n1").unwrap(), "1 tasks to stop on the node");
        let all = BTreeSet::from(["s1".to_owned()]);
        assert_eq!(unreplaced(&stopping, &all).unwrap(), "the tasks of web to run on other nodes");

        let done = observed(vec![task("s1", "n1", (false, false, false)), task("s1", "n2", RUNS)]);
        assert_eq!((left(&done, "n1"), unreplaced(&done, &all)), (None, None));
        // A task of a service that is gone is nobody's.
        assert_eq!(left(&observed(vec![task("gone", "n1", STOPS)]), "n1"), None);
    }

    #[test]
    fn nobody_waits_for_what_can_run_nowhere_else() {
        let mut only = observed(vec![task("s1", "n1", RUNS)]);
        only.services[0].constraints = vec!["node.id==n1".to_owned()];
        assert_eq!(services_that_move(&only, "n1"), BTreeSet::new());
    }

    #[test]
    fn an_update_that_stands_still_is_no_move() {
        let paused = service();
        let (name, said) = stuck(&[&paused]).unwrap();
        assert_eq!((name.as_str(), said.as_str()), ("web", "update paused due to failure"));
        assert_eq!(stuck(&[&Service { paused: None, ..service() }]), None);
    }
}
