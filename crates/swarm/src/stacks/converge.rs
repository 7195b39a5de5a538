//! Whether a service has become what it is to be.

use std::collections::BTreeSet;

use bollard::models::{ServiceUpdateStatusStateEnum as UpdateState, Task, TaskState};
use serde_json::{Value, json};

use super::{live::LiveService, translate::is_set, wanted::ServiceMode};

/// How a service stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is what it is to be; nothing of it moves.
    Well,
    /// It is on its way.
    Moving,
    /// It does not come about: why, as the end of a sentence about the service.
    Failed(String),
}

/// What this apply has asked of a service.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// Whether it was updated or made. What a swarm says of an update is of an earlier one otherwise.
    pub(super) changed: bool,
    /// Whether to have gone back is what was asked for.
    pub(super) rolled_back: bool,
}

/// How the service stands; `tasks` are its own.
pub(super) fn standing(live: &LiveService, tasks: &[&Task], asked: Asked) -> Standing {
    // A job runs once for each change.
    if !asked.changed && live.mode().is_job() {
        return Standing::Well;
    }
    if let Some((_, message)) = live.paused() {
        return Standing::Failed(format!("stands still: {message}"));
    }
    match live.update_state() {
        Some(UpdateState::ROLLBACK_COMPLETED) if asked.changed && !asked.rolled_back => {
            return Standing::Failed(format!("was rolled back by the swarm: {}", live.update_message()));
        }
        Some(UpdateState::UPDATING | UpdateState::ROLLBACK_STARTED) => return Standing::Moving,
        _ => {}
    }
    if live.mode().is_job() { job(live, tasks) } else { replicas(live, tasks) }
}

fn replicas(live: &LiveService, tasks: &[&Task]) -> Standing {
    let wanted: Vec<&&Task> =
        tasks.iter().filter(|task| task.desired_state == Some(TaskState::RUNNING)).collect();
    let expected = match live.mode() {
        ServiceMode::Global => desired(live),
        _ => live.replicas().unwrap_or(1),
    };
    let current = wanted.iter().all(|task| state(task) == Some(TaskState::RUNNING) && runs(live, task));
    if current && wanted.len() as u64 == expected { Standing::Well } else { Standing::Moving }
}

fn job(live: &LiveService, tasks: &[&Task]) -> Standing {
    let iteration = live.service.job_status.as_ref().and_then(|status| status.job_iteration.clone());
    let current: Vec<&&Task> = tasks.iter().filter(|task| task.job_iteration == iteration).collect();
    let complete = current.iter().filter(|task| state(task) == Some(TaskState::COMPLETE)).count() as u64;
    let expected = match live.mode() {
        ServiceMode::GlobalJob => {
            let nodes: BTreeSet<_> = current.iter().filter_map(|task| task.node_id.as_ref()).collect();
            nodes.len().max(1) as u64
        }
        _ => live.replicas().unwrap_or(1),
    };
    if complete >= expected {
        return Standing::Well;
    }
    let once = live.spec.task_template.as_ref().and_then(|task| task.restart_policy.as_ref());
    let once = once
        .and_then(|policy| policy.condition)
        .is_some_and(|condition| condition == bollard::models::TaskSpecRestartPolicyConditionEnum::NONE);
    let is_live = |task: &&&Task| !is_over(task);
    if once && current.iter().any(|task| has_failed(task)) && !current.iter().any(is_live) {
        return Standing::Failed("has failed, and is not started again".to_owned());
    }
    Standing::Moving
}

/// How many tasks a swarm means a service to have.
fn desired(live: &LiveService) -> u64 {
    live.service.service_status.as_ref().and_then(|status| status.desired_tasks).unwrap_or_default()
}

/// Whether the task was made of the service as it is now. Where it may be does not count, for it is
/// there; and of a service the swarm shows defaults that it does not show of a task.
fn runs(live: &LiveService, task: &Task) -> bool {
    let of = |spec: Option<&bollard::models::TaskSpec>| {
        let mut value = json!(spec);
        for defaulted in ["Placement", "RestartPolicy", "Runtime"] {
            value.as_object_mut().and_then(|fields| fields.remove(defaulted));
        }
        said(value)
    };
    of(live.spec.task_template.as_ref()) == of(task.spec.as_ref())
        || live.update_state() == Some(UpdateState::COMPLETED)
}

/// A value without the fields that say nothing.
fn said(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, said(value)));
            Value::Object(fields.filter(|(_, value)| is_set(value)).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(said).collect()),
        other => other,
    }
}

pub(super) fn state(task: &Task) -> Option<TaskState> {
    task.status.as_ref()?.state
}

/// Whether nothing of the task is on its node any more.
pub(super) fn is_over(task: &Task) -> bool {
    matches!(
        state(task),
        Some(
            TaskState::COMPLETE
                | TaskState::SHUTDOWN
                | TaskState::FAILED
                | TaskState::REJECTED
                | TaskState::REMOVE
                | TaskState::ORPHANED
        )
    )
}

/// Whether the task came to a bad end.
pub(super) fn has_failed(task: &Task) -> bool {
    matches!(state(task), Some(TaskState::FAILED | TaskState::REJECTED))
}

/// Why it came to that, or why it does not start.
pub(super) fn complaint(task: &Task) -> Option<String> {
    let status = task.status.as_ref()?;
    status.err.clone().filter(|text| !text.is_empty())
}

/// A task in words: `1 on node n2: task: non-zero exit (1)`.
pub(super) fn told(task: &Task, node: impl Fn(&str) -> Option<String>) -> String {
    let slot = task.slot.map(|slot| slot.to_string()).unwrap_or_default();
    let node = task.node_id.as_deref().map(|id| node(id).unwrap_or_else(|| id.to_owned()));
    let place = node.filter(|node| !node.is_empty()).map(|node| format!(" on {node}")).unwrap_or_default();
    format!("task {slot}{place}: {}", complaint(task).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(mode: &str, update: Option<(&str, &str)>) -> LiveService {
        let mut service = json!({"ID": "s", "Spec": {"Name": "web_api", "Mode": serde_json::from_str::<Value>(mode).unwrap(),
            "TaskTemplate": {"ContainerSpec": {"Image": "a:2", "DNSConfig": {}}, "Resources": {},
                "RestartPolicy": {"Condition": "any"}, "Runtime": "container"}}, "ServiceStatus": {"DesiredTasks": 2},
            "JobStatus": {"JobIteration": {"Index": 7}}});
        if let Some((state, message)) = update {
            service["UpdateStatus"] = json!({"State": state, "Message": message});
        }
        LiveService::named("web", serde_json::from_value(service).unwrap()).1
    }

    fn task(image: &str, desired: &str, state: &str) -> Task {
        let task = json!({"ID": "t", "Slot": 1, "NodeID": "n", "DesiredState": desired,
            "Status": {"State": state, "Err": "task: non-zero exit (1)"}, "JobIteration": {"Index": 7},
            "Spec": {"ContainerSpec": {"Image": image}, "Placement": {"Constraints": ["a"]}}});
        serde_json::from_value(task).unwrap()
    }

    const UPDATED: Asked = Asked { changed: true, rolled_back: false };

    fn stands(live: &LiveService, tasks: &[Task]) -> Standing {
        standing(live, &tasks.iter().collect::<Vec<_>>(), UPDATED)
    }

    const TWO: &str = r#"{"Replicated":{"Replicas":2}}"#;

    #[test]
    fn all_tasks_have_to_run_what_is_wanted_now() {
        let new = || task("a:2", "running", "running");
        assert_eq!(stands(&live(TWO, None), &[new(), new()]), Standing::Well);
        assert_eq!(stands(&live(TWO, None), &[new()]), Standing::Moving);
        assert_eq!(stands(&live(TWO, None), &[new(), task("a:1", "running", "running")]), Standing::Moving);
        assert_eq!(stands(&live(TWO, None), &[new(), task("a:2", "running", "starting")]), Standing::Moving);
        let old = task("a:1", "shutdown", "shutdown");
        assert_eq!(stands(&live(TWO, None), &[new(), new(), old]), Standing::Well);
        assert_eq!(stands(&live(TWO, Some(("updating", ""))), &[new(), new()]), Standing::Moving);
        assert_eq!(stands(&live(r#"{"Global":{}}"#, None), &[new(), new()]), Standing::Well);
        assert_eq!(stands(&live(r#"{"Replicated":{"Replicas":0}}"#, None), &[]), Standing::Well);
    }

    #[test]
    fn an_update_that_stands_still_has_failed() {
        let failed = |state| stands(&live(TWO, Some((state, "why"))), &[]);
        assert_eq!(failed("paused"), Standing::Failed("stands still: why".into()));
        assert_eq!(failed("rollback_paused"), Standing::Failed("stands still: why".into()));
        assert_eq!(
            failed("rollback_completed"),
            Standing::Failed("was rolled back by the swarm: why".into())
        );
        let back = live(TWO, Some(("rollback_completed", "why")));
        let tasks = [task("a:2", "running", "running"), task("a:2", "running", "running")];
        let tasks: Vec<&Task> = tasks.iter().collect();
        // Asked for; and long ago, of a service that this apply has left as it is.
        for fine in [Asked { rolled_back: true, ..UPDATED }, Asked { changed: false, ..UPDATED }] {
            assert_eq!(standing(&back, &tasks, fine), Standing::Well, "{fine:?}");
        }
        let stuck = live(TWO, Some(("rollback_paused", "why")));
        let unchanged = Asked { changed: false, ..UPDATED };
        assert_eq!(standing(&stuck, &tasks, unchanged), Standing::Failed("stands still: why".into()));
    }

    #[test]
    fn a_job_that_was_not_asked_for_anything_is_well() {
        let job = live(r#"{"ReplicatedJob":{"TotalCompletions":1}}"#, None);
        let failed = task("a:2", "complete", "failed");
        assert_eq!(standing(&job, &[&failed], Asked { changed: false, ..UPDATED }), Standing::Well);
    }

    #[test]
    fn a_job_is_well_once_it_has_run() {
        let job = |restart: &str| {
            let mut live = live(r#"{"ReplicatedJob":{"TotalCompletions":1}}"#, None);
            let policy = json!({"Condition": restart});
            live.spec = live.spec.with(|whole| whole["TaskTemplate"]["RestartPolicy"] = policy);
            live
        };
        assert_eq!(stands(&job("none"), &[task("a:2", "complete", "complete")]), Standing::Well);
        assert_eq!(stands(&job("none"), &[task("a:2", "complete", "running")]), Standing::Moving);
        let failed = [task("a:2", "complete", "failed")];
        assert_eq!(
            stands(&job("none"), &failed),
            Standing::Failed("has failed, and is not started again".into())
        );
        assert_eq!(stands(&job("on-failure"), &failed), Standing::Moving);
        let mut before = task("a:2", "complete", "complete");
        before.job_iteration = None;
        assert_eq!(stands(&job("none"), &[before]), Standing::Moving);
    }

    #[test]
    fn a_task_is_told_with_its_place() {
        let text = told(&task("a", "running", "failed"), |_| Some("n2".to_owned()));
        assert_eq!(text, "task 1 on n2: task: non-zero exit (1)");
    }
}
