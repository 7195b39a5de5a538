//! What a manager does for the whole swarm.
//!
//! Objects are replaced as a whole and carry a version: whoever changes one reads it, changes what
//! is to change and sends all of it. Where somebody else was faster, it is read and tried once more.

use std::collections::HashMap;

use bollard::{
    errors::Error as ApiError,
    models::{ConfigSpec, NodeSpec},
    query_parameters::{
        DeleteNodeOptionsBuilder, ListNodesOptions, ListTasksOptionsBuilder, UpdateNodeOptionsBuilder,
        UpdateSwarmOptionsBuilder,
    },
};
use docker::Engine;
use secret::Secret;
use serde::de::IgnoredAny;

use crate::{
    Cluster, Error, Member, Node, NodeChange, Role, Service, Settings, Task,
    error::{CALL, failed, is_conflict, is_leaderless, said},
    spec::{ApiService, Spec, update_call},
};

/// The label of the notes that we leave in a swarm, of what a drain has begun.
const NOTE: &str = "windlass.drain";
/// A config has to hold something: `windlass` in base64.
const NOTE_DATA: &str = "d2luZGxhc3M=";

/// An engine that is a manager.
#[derive(Clone, Debug)]
pub struct Manager {
    engine: Engine,
}

impl Manager {
    /// This engine.
    pub fn of(engine: Engine) -> Self {
        Self { engine: engine.within(CALL) }
    }

    /// The same engine as a member.
    pub fn member(&self) -> Member {
        Member::of(self.engine.clone())
    }

    /// The engine itself.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The swarm as a whole.
    ///
    /// # Errors
    /// [`Error::NoLeader`] and [`Error::Docker`], as all calls here.
    pub async fn cluster(&self) -> Result<Cluster, Error> {
        let found = self.engine.api().inspect_swarm().await;
        Ok(Cluster::from_api(found.map_err(|source| self.error("inspect the swarm", source))?))
    }

    /// What lets a host in as `role`.
    ///
    /// # Errors
    /// As [`Manager::cluster`].
    pub async fn token(&self, role: Role) -> Result<Secret, Error> {
        let tokens = self.cluster().await?.tokens;
        Ok(match role {
            Role::Manager => tokens.manager,
            Role::Worker => tokens.worker,
        })
    }

    /// Changes settings, and makes new tokens for these roles: the old ones let nobody in any more.
    ///
    /// # Errors
    /// As [`Manager::cluster`].
    pub async fn change(&self, settings: &Settings, rotate: &[Role]) -> Result<(), Error> {
        let mut cluster = self.cluster().await?;
        for last in [false, true] {
            let spec = settings.apply(&cluster.spec);
            if spec == cluster.spec && rotate.is_empty() {
                return Ok(());
            }
            let options = UpdateSwarmOptionsBuilder::default()
                .version(number(cluster.version))
                .rotate_worker_token(rotate.contains(&Role::Worker))
                .rotate_manager_token(rotate.contains(&Role::Manager))
                .build();
            match self.engine.api().update_swarm(spec, options).await {
                Err(source) if !last && is_conflict(&source) => cluster = self.cluster().await?,
                done => return done.map_err(|source| self.error("change the swarm", source)),
            }
        }
        Ok(())
    }

    /// All nodes.
    ///
    /// # Errors
    /// As [`Manager::cluster`].
    pub async fn nodes(&self) -> Result<Vec<Node>, Error> {
        let found = self.engine.api().list_nodes(None::<ListNodesOptions>).await;
        let found = found.map_err(|source| self.error("list the nodes of the swarm", source))?;
        let mut nodes: Vec<_> = found.into_iter().map(Node::from_api).collect();
        nodes.sort_by(|a, b| (&a.hostname, &a.id).cmp(&(&b.hostname, &b.id)));
        Ok(nodes)
    }

    /// The node with this id; `None` when there is none.
    ///
    /// # Errors
    /// As [`Manager::cluster`].
    pub async fn node(&self, id: &str) -> Result<Option<Node>, Error> {
        match self.engine.api().inspect_node(id).await {
            // The beginning of an id, and a host name, would do for the engine.
            Ok(found) => Ok(Some(Node::from_api(found)).filter(|node| node.id == id)),
            Err(source) if is_absent(&source) => Ok(None),
            Err(source) => Err(self.error(&format!("inspect the node {id}"), source)),
        }
    }

    /// The node with this id, which has to be there.
    ///
    /// # Errors
    /// As [`Manager::cluster`], and [`Error::NoNode`].
    pub async fn known_node(&self, id: &str) -> Result<Node, Error> {
        self.node(id).await?.ok_or_else(|| Error::NoNode { id: id.to_owned() })
    }

    /// Changes a node.
    ///
    /// # Errors
    /// As [`Manager::known_node`].
    pub async fn change_node(&self, id: &str, change: &NodeChange) -> Result<(), Error> {
        for last in [false, true] {
            let node = self.known_node(id).await?;
            let Some(spec) = change.of(&node) else { return Ok(()) };
            match self.send_node(id, node.version, spec).await {
                Err(source) if !last && is_conflict(&source) => {}
                done => return done.map_err(|source| self.error(&format!("change the node {id}"), source)),
            }
        }
        Ok(())
    }

    async fn send_node(&self, id: &str, version: u64, spec: NodeSpec) -> Result<(), ApiError> {
        let options = UpdateNodeOptionsBuilder::default().version(number(version)).build();
        self.engine.api().update_node(id, spec, options).await
    }

    /// Takes a node off the list; one that is up only where `force` says so. One that is not on it is
    /// no error.
    ///
    /// # Errors
    /// As [`Manager::cluster`].
    pub async fn remove_node(&self, id: &str, force: bool) -> Result<(), Error> {
        let options = DeleteNodeOptionsBuilder::default().force(force).build();
        match self.engine.api().delete_node(id, Some(options)).await {
            Err(source) if is_absent(&source) => Ok(()),
            done => done.map_err(|source| self.error(&format!("remove the node {id}"), source)),
        }
    }

    /// All services.
    ///
    /// # Errors
    /// As [`Manager::cluster`].
    pub async fn services(&self) -> Result<Vec<Service>, Error> {
        let found: Result<Vec<ApiService>, _> = self.engine.ask("/services").await;
        let found = found.map_err(|source| self.error("list the services of the swarm", source))?;
        Ok(found.into_iter().map(Service::from_api).collect())
    }

    /// All tasks that the swarm remembers.
    ///
    /// # Errors
    /// As [`Manager::cluster`].
    pub async fn tasks(&self) -> Result<Vec<Task>, Error> {
        let options = ListTasksOptionsBuilder::default().build();
        let found = self.engine.api().list_tasks(Some(options)).await;
        let found = found.map_err(|source| self.error("list the tasks of the swarm", source))?;
        Ok(found.into_iter().map(Task::from_api).collect())
    }

    /// Gives a service the constraints that `change` makes of its own. Only tasks that may not stay
    /// where they are then are replaced, in the service's own way of updating. A service that is gone
    /// is no error.
    ///
    /// # Errors
    /// As [`Manager::cluster`].
    pub(crate) async fn constrain(
        &self,
        id: &str,
        change: impl Fn(&[String]) -> Vec<String> + Send + Sync,
    ) -> Result<(), Error> {
        for last in [false, true] {
            let Some(service) = self.services().await?.into_iter().find(|service| service.id == id) else {
                return Ok(());
            };
            let Some(spec) = service.constrained(change(&service.constraints)) else { return Ok(()) };
            match self.send_service(&service, &spec).await {
                Err(source) if !last && is_conflict(&source) => {}
                Err(source) if is_absent(&source) => return Ok(()),
                done => {
                    return done.map_err(|source| {
                        self.error(&format!("update the service {}", service.name), source)
                    });
                }
            }
        }
        Ok(())
    }

    /// Updates a service without credentials: with them, its tasks would count as changed and all of
    /// them be replaced.
    async fn send_service(&self, service: &Service, spec: &Spec) -> Result<(), ApiError> {
        let call = update_call(&service.id, service.version, true);
        self.engine.tell::<IgnoredAny>(&call, spec.whole(), None).await.map(drop)
    }

    /// What was noted by [`Manager::note`] under this name.
    pub(crate) async fn noted(&self, name: &str) -> Result<Option<String>, Error> {
        match self.engine.api().inspect_config(name).await {
            Ok(found) => {
                let labels = found.spec.and_then(|spec| spec.labels).unwrap_or_default();
                Ok(Some(labels.get(NOTE).cloned().unwrap_or_default()))
            }
            Err(source) if is_absent(&source) => Ok(None),
            Err(source) => Err(self.error("read a note of a drain", source)),
        }
    }

    /// Notes in the swarm itself what whoever comes next has to know: as a config, because a change of
    /// a service's labels may strand a task.
    pub(crate) async fn note(&self, name: &str, text: &str) -> Result<(), Error> {
        self.forget(name).await?;
        let spec = ConfigSpec {
            name: Some(name.to_owned()),
            labels: Some(HashMap::from([(NOTE.to_owned(), text.to_owned())])),
            data: Some(NOTE_DATA.to_owned()),
            ..ConfigSpec::default()
        };
        let made = self.engine.api().create_config(spec).await;
        made.map(drop).map_err(|source| self.error("note what a drain does", source))
    }

    /// Removes a note; one that is not there is no error.
    pub(crate) async fn forget(&self, name: &str) -> Result<(), Error> {
        match self.engine.api().delete_config(name).await {
            Err(source) if is_absent(&source) => Ok(()),
            done => done.map_err(|source| self.error("remove the note of a drain", source)),
        }
    }

    fn error(&self, operation: &str, source: ApiError) -> Error {
        match said(&source) {
            Some((_, text)) if is_leaderless(text) => {
                Error::NoLeader { host: self.engine.host().to_owned(), said: text.to_owned() }
            }
            _ => failed(&self.engine, operation, source),
        }
    }
}

/// Versions of objects, as the client has them.
fn number(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

fn is_absent(error: &ApiError) -> bool {
    said(error).is_some_and(|(status, _)| status == 404)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::Scripted;

    const CONFLICT: &str = r#"{"message":"rpc error: code = Unknown desc = update out of sequence"}"#;

    #[tokio::test]
    async fn who_was_slower_reads_again_and_tries_once_more() {
        let swarm = |version: &str, limit: u8| -> &'static str {
            format!(
                r#"{{"ID":"c1","Version":{{"Index":{version}}},"Spec":{{"Name":"default",
                "Orchestration":{{"TaskHistoryRetentionLimit":5}},"Raft":{{"SnapshotInterval":{limit}}}}}}}"#
            )
            .leak()
        };
        let script = [
            ("GET /swarm", 200, swarm("7", 1)),
            ("POST /swarm/update?version=7&", 500, CONFLICT),
            ("GET /swarm", 200, swarm("8", 2)),
            ("POST /swarm/update?version=8&", 200, ""),
        ];
        let settings = Settings { task_history_limit: Some(3), ..Settings::default() };
        let one = Scripted::new("m1", &script).await;
        Manager::of(one.engine.clone()).change(&settings, &[]).await.unwrap();
        // What the other has changed stays as the other wants it.
        let sent = &one.asked()[3];
        assert!(sent.contains(r#""SnapshotInterval":2"#), "{sent}");
        assert!(sent.contains(r#""TaskHistoryRetentionLimit":3"#), "{sent}");

        // Once, and no more.
        let mut twice = script;
        twice[3] = ("POST /swarm/update?version=8&", 500, CONFLICT);
        let one = Scripted::new("m1", &twice).await;
        let error = Manager::of(one.engine.clone()).change(&settings, &[]).await.unwrap_err();
        assert_eq!(error.to_string(), "docker on m1 could not change the swarm");
        assert_eq!(one.asked().len(), 4);
    }
}
