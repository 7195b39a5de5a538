//! Services and tasks, as far as nodes are concerned.

use bollard::models::{ServiceUpdateStatusStateEnum as UpdateState, Task as ApiTask, TaskState};
use serde_json::json;

use crate::spec::{ApiService, Spec};

/// How a service runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A number of replicas.
    Replicated,
    /// One on each node.
    Global,
    /// Until it has run to its end.
    Job,
}

/// A service.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct Service {
    pub id: String,
    pub name: String,
    pub mode: Mode,
    /// Why its last update stands still; nothing moves before another update comes.
    pub paused: Option<String>,
    /// Where its tasks may run.
    pub constraints: Vec<String>,
    pub nano_cpus: i64,
    pub memory_bytes: i64,
    /// How many of its replicas one node may have; 0 for any number.
    pub max_replicas: i64,
    pub(crate) version: u64,
    pub(crate) spec: Spec,
}

impl Service {
    pub(crate) fn from_api(service: ApiService) -> Self {
        let spec = service.spec.unwrap_or_default();
        let mode = spec.mode.clone().unwrap_or_default();
        let task = spec.task_template.clone().unwrap_or_default();
        let placement = task.placement.unwrap_or_default();
        let reserved = task.resources.and_then(|resources| resources.reservations).unwrap_or_default();
        let status = service.update_status.unwrap_or_default();
        let paused = matches!(status.state, Some(UpdateState::PAUSED | UpdateState::ROLLBACK_PAUSED));
        Self {
            id: service.id.unwrap_or_default(),
            name: spec.name.clone().unwrap_or_default(),
            mode: if mode.global.is_some() {
                Mode::Global
            } else if mode.replicated_job.is_some() || mode.global_job.is_some() {
                Mode::Job
            } else {
                Mode::Replicated
            },
            paused: paused.then(|| status.message.unwrap_or_default()),
            constraints: placement.constraints.unwrap_or_default(),
            nano_cpus: reserved.nano_cpus.unwrap_or_default(),
            memory_bytes: reserved.memory_bytes.unwrap_or_default(),
            max_replicas: placement.max_replicas.unwrap_or_default(),
            version: service.version.and_then(|version| version.index).unwrap_or_default(),
            spec,
        }
    }

    /// The same service with these constraints and everything else as it is; `None` where it has them.
    pub(crate) fn constrained(&self, constraints: Vec<String>) -> Option<Spec> {
        if constraints == self.constraints {
            return None;
        }
        Some(self.spec.with(|whole| whole["TaskTemplate"]["Placement"]["Constraints"] = json!(constraints)))
    }
}

/// A task: one run of a service on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct Task {
    pub id: String,
    pub service: String,
    pub node: String,
    /// Whether it shall run, or run to its end.
    pub wanted: bool,
    /// Whether it holds anything on its node still.
    pub live: bool,
    pub running: bool,
    /// What went wrong.
    pub error: String,
}

impl Task {
    pub(crate) fn from_api(task: ApiTask) -> Self {
        let status = task.status.unwrap_or_default();
        let over = matches!(
            status.state,
            Some(
                TaskState::COMPLETE
                    | TaskState::SHUTDOWN
                    | TaskState::FAILED
                    | TaskState::REJECTED
                    | TaskState::REMOVE
                    | TaskState::ORPHANED
            )
        );
        Self {
            id: task.id.unwrap_or_default(),
            service: task.service_id.unwrap_or_default(),
            node: task.node_id.unwrap_or_default(),
            wanted: matches!(
                task.desired_state,
                Some(TaskState::RUNNING | TaskState::READY | TaskState::COMPLETE)
            ),
            live: !over,
            running: status.state == Some(TaskState::RUNNING),
            error: status.err.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Cut down from GET /services of Docker 26.1.5.
    const JSON: &str = r#"{"ID":"s1","Version":{"Index":30},"Spec":{"Name":"web","Labels":{"a":"b"},
        "TaskTemplate":{"ContainerSpec":{"Image":"busybox:1@sha256:0","Args":["httpd"],"Isolation":"default",
        "Healthcheck":{"Test":["CMD","true"],"Interval":1000000000}},
        "Resources":{"Limits":{},"Reservations":{"NanoCPUs":500000000}},
        "Placement":{"Constraints":["node.role==worker"],"Platforms":[{"Architecture":"amd64","OS":"linux"}]},
        "Networks":[{"Target":"net1","Aliases":["web"]}],"ForceUpdate":0,"Runtime":"container"},
        "Mode":{"Replicated":{"Replicas":2}},"UpdateConfig":{"Parallelism":1,"FailureAction":"pause",
        "MaxFailureRatio":0,"Order":"start-first"},"EndpointSpec":{"Mode":"dnsrr"}},
        "UpdateStatus":{"State":"paused","Message":"update paused due to failure"}}"#;

    pub(crate) fn service() -> Service {
        Service::from_api(serde_json::from_str(JSON).unwrap())
    }

    #[test]
    fn reads_a_service() {
        let service = service();
        assert_eq!((service.mode, service.version, service.nano_cpus), (Mode::Replicated, 30, 500_000_000));
        assert_eq!(service.constraints, ["node.role==worker"]);
        assert_eq!(service.paused.as_deref(), Some("update paused due to failure"));
        for (mode, expected) in [(r#"{"Global":{}}"#, Mode::Global), (r#"{"ReplicatedJob":{}}"#, Mode::Job)] {
            let json = format!(r#"{{"Spec":{{"Mode":{mode}}}}}"#);
            assert_eq!(Service::from_api(serde_json::from_str(&json).unwrap()).mode, expected);
        }
    }

    #[test]
    fn a_constraint_changes_nothing_else_of_a_service() {
        let service = service();
        let mut expected =
            serde_json::to_value(serde_json::from_str::<serde_json::Value>(JSON).unwrap()["Spec"].clone())
                .unwrap();
        expected["TaskTemplate"]["Placement"]["Constraints"] = serde_json::json!(["node.id!=n1"]);
        let spec = service.constrained(vec!["node.id!=n1".into()]).unwrap();
        assert_eq!(serde_json::to_value(spec).unwrap(), expected);
        assert_eq!(service.constrained(service.constraints.clone()), None);
    }

    #[test]
    fn a_task_is_over_or_not() {
        let task = |desired: &str, state: &str| {
            let json = format!(
                r#"{{"ID":"t","ServiceID":"s","NodeID":"n","DesiredState":"{desired}","Status":{{"State":"{state}"}}}}"#
            );
            let task = Task::from_api(serde_json::from_str(&json).unwrap());
            (task.wanted, task.live, task.running)
        };
        assert_eq!(task("running", "running"), (true, true, true));
        assert_eq!(task("shutdown", "running"), (false, true, true));
        assert_eq!(task("shutdown", "shutdown"), (false, false, false));
        assert_eq!(task("complete", "complete"), (true, false, false));
        assert_eq!(task("running", "preparing"), (true, true, false));
    }
}
