//! The tasks of a swarm's services, as far as one daemon knows them. What a swarm does with them is another crate's.

use std::collections::{BTreeSet, HashMap};

use bollard::{
    models::{LocalNodeState, Node, SwarmInfo, Task, TaskState},
    query_parameters::{ListNodesOptions, ListTasksOptionsBuilder},
};

use super::{Container, Engine, not_found};
use crate::Error;

/// What a swarm's agent writes on the container of a task: the name of the service, with its stack.
const SERVICE_LABEL: &str = "com.docker.swarm.service.name";

/// Where the tasks of a service run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceNodes {
    /// The daemon is in no swarm.
    NoSwarm,
    /// It is a worker, which knows of its own tasks alone, or no member that can tell now.
    Unknown,
    /// The names of the nodes on which one runs; none where there is no such service.
    Known(Vec<String>),
}

impl Engine {
    /// The containers on this host of tasks of a swarm's service, by its full name (`stack_service`).
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer.
    pub async fn containers_of_service(&self, service: &str) -> Result<Vec<Container>, Error> {
        let label = format!("{SERVICE_LABEL}={service}");
        self.list(HashMap::from([("label", vec![label.as_str()])])).await
    }

    /// The nodes on which tasks of a service run now.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer.
    pub async fn nodes_of_service(&self, service: &str) -> Result<ServiceNodes, Error> {
        let operation = format!("tell where the service {service} runs");
        let info = self.docker.info().await.map_err(|source| self.error(&operation, source))?;
        match part_of(info.swarm.as_ref()) {
            Some(true) => {}
            Some(false) => return Ok(ServiceNodes::Unknown),
            None => return Ok(ServiceNodes::NoSwarm),
        }
        let filters = HashMap::from([("service", vec![service]), ("desired-state", vec!["running"])]);
        let options = ListTasksOptionsBuilder::default().filters(&filters).build();
        let tasks = match self.docker.list_tasks(Some(options)).await {
            Ok(tasks) => tasks,
            Err(source) if not_found(&source) => return Ok(ServiceNodes::Known(Vec::new())),
            Err(source) => return Err(self.error(&operation, source)),
        };
        let nodes = self.docker.list_nodes(None::<ListNodesOptions>).await;
        let nodes = nodes.map_err(|source| self.error(&operation, source))?;
        Ok(ServiceNodes::Known(names(&tasks, &nodes)))
    }
}

/// Whether a daemon is a manager of its swarm; nothing where it is in none.
fn part_of(swarm: Option<&SwarmInfo>) -> Option<bool> {
    let swarm = swarm?;
    match swarm.local_node_state {
        None | Some(LocalNodeState::INACTIVE | LocalNodeState::EMPTY) => None,
        state => Some(state == Some(LocalNodeState::ACTIVE) && swarm.control_available == Some(true)),
    }
}

/// The names of the nodes on which tasks run, or their ids where they are gone.
fn names(tasks: &[Task], nodes: &[Node]) -> Vec<String> {
    let runs =
        |task: &&Task| task.status.as_ref().is_some_and(|status| status.state == Some(TaskState::RUNNING));
    let name = |id: &String| {
        let node = nodes.iter().find(|node| node.id.as_ref() == Some(id));
        let described = node.and_then(|node| node.description.as_ref());
        described.and_then(|described| described.hostname.clone()).unwrap_or_else(|| id.clone())
    };
    let ids: BTreeSet<String> =
        tasks.iter().filter(runs).filter_map(|task| task.node_id.as_ref()).map(name).collect();
    ids.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_that_run_are_told_by_their_nodes() {
        // Cut down from GET /tasks and GET /nodes of Docker 26.1.5.
        let tasks = r#"[{"NodeID":"n1","Status":{"State":"running"}},{"NodeID":"n2","Status":{"State":"preparing"}},
            {"NodeID":"n3","Status":{"State":"running"}},{"NodeID":"n1","Status":{"State":"running"}},{"Status":{"State":"pending"}}]"#;
        let nodes =
            r#"[{"ID":"n1","Description":{"Hostname":"web"}},{"ID":"n2","Description":{"Hostname":"db"}}]"#;
        let (tasks, nodes): (Vec<Task>, Vec<Node>) =
            (serde_json::from_str(tasks).unwrap(), serde_json::from_str(nodes).unwrap());
        assert_eq!(names(&tasks, &nodes), ["n3", "web"]);
    }

    #[test]
    fn only_a_manager_knows_where_tasks_run() {
        let part = |text: &str| part_of(Some(&serde_json::from_str(text).unwrap()));
        assert_eq!(part(r#"{"LocalNodeState":"active","ControlAvailable":true}"#), Some(true));
        assert_eq!(part(r#"{"LocalNodeState":"active","ControlAvailable":false}"#), Some(false));
        assert_eq!(part(r#"{"LocalNodeState":"locked","ControlAvailable":true}"#), Some(false));
        assert_eq!(part(r#"{"LocalNodeState":"inactive"}"#), None);
        assert_eq!(part_of(None), None);
    }
}
