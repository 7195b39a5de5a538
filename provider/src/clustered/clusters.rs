//! The swarms that resources are in: from the attribute `managers` to a manager that answers.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use framework::Field;
use remote::Connection;
use swarm::{
    LocalState, Manager, Member, Membership, Node,
    stacks::{StackError, Survey},
};
use tokio::{
    sync::{Mutex as Turn, OwnedMutexGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock as Roles},
    time::timeout,
};

use super::{
    ManagerList,
    attribute::{connections, is_unknown},
    sight::{Answers, Forget, Sight},
};
use crate::{
    failure::{Failure, Stop},
    hosted::{Host, Hosts},
};

/// How soon a manager answers that does, usually; another one is asked then.
const SOON: Duration = Duration::from_secs(5);

/// A host that answers, and what it says of its part in a swarm.
#[derive(Clone)]
pub(crate) struct At {
    pub(crate) host: Host,
    pub(crate) membership: Membership,
    pub(super) engine: docker::Engine,
    pub(super) sight: Arc<Sight>,
}

impl At {
    /// Asks `host`.
    ///
    /// # Errors
    /// When it or its engine does not answer.
    pub(crate) async fn ask(host: Host) -> Result<Self, Failure> {
        let engine = host.engine().await?;
        let membership = Member::of(engine.clone()).membership().await?;
        Ok(Self { host, membership, engine, sight: Arc::default() })
    }

    /// Its engine as a manager.
    pub(crate) fn manager(&self) -> Manager {
        Manager::of(self.engine.clone())
    }

    /// All nodes of its swarm, as they were when the first who reads them asked.
    ///
    /// # Errors
    /// As [`Manager::nodes`].
    pub(crate) async fn nodes(&self) -> Result<Arc<Vec<Node>>, swarm::Error> {
        self.sight.nodes(&self.engine).await
    }

    /// What runs there of all stacks, likewise.
    ///
    /// # Errors
    /// As [`Survey::of`].
    pub(crate) async fn stacks(&self) -> Result<Arc<Survey>, StackError> {
        self.sight.stacks(&self.engine).await
    }

    /// Its engine as a member.
    pub(crate) fn member(&self) -> Member {
        Member::of(self.engine.clone())
    }
}

/// What asking the managers of a list came to.
pub(crate) enum Found {
    /// This one is a manager of the swarm.
    Manager(Box<At>),
    /// This one is a manager of a swarm that has no leader.
    Leaderless(Box<At>),
    /// All answer, and none is a manager of the swarm.
    Nowhere,
    /// None of those that are known is, and not all are known yet.
    NotKnownYet,
    /// None of those that answer is, and this one did not answer.
    Silent(Field<String>, Failure),
}

/// The swarms that the process works with.
pub(crate) struct Clusters {
    hosts: Arc<Hosts>,
    /// Managers that did not answer: they are asked last.
    silent: Mutex<HashSet<Connection>>,
    /// For steps of one swarm that exclude each other.
    turns: Mutex<HashMap<String, Turns>>,
    /// What Read was told.
    answers: Answers<At>,
}

/// Whose turn it is in one swarm, among the resources of this process.
#[derive(Clone, Default)]
struct Turns {
    /// Work leaves one node at a time: what leaves two at once may find no place.
    drains: Arc<Turn<()>>,
    /// A manager that somebody works with stays one until they are done.
    roles: Arc<Roles<()>>,
}

impl Clusters {
    /// Swarms on the hosts that the provider knows.
    pub(crate) fn new(hosts: Arc<Hosts>) -> Self {
        Self { hosts, silent: Mutex::default(), turns: Mutex::default(), answers: Answers::default() }
    }

    /// The hosts.
    pub(crate) fn hosts(&self) -> &Hosts {
        &self.hosts
    }

    /// Waits until managers of the swarm `id` may be worked with: none becomes a worker before what
    /// this gives is dropped.
    pub(crate) async fn use_managers(&self, id: &str) -> OwnedRwLockReadGuard<()> {
        self.turns(id).roles.read_owned().await
    }

    /// As [`Clusters::use_managers`], once no other node is being drained.
    pub(crate) async fn drain_turn(&self, id: &str) -> (OwnedMutexGuard<()>, OwnedRwLockReadGuard<()>) {
        let Turns { drains, roles } = self.turns(id);
        (drains.lock_owned().await, roles.read_owned().await)
    }

    /// Waits until nobody works with the managers of the swarm `id`, so that one may become a worker.
    /// Whoever gets it looks for a manager afterwards.
    pub(crate) async fn change_managers(&self, id: &str) -> OwnedRwLockWriteGuard<()> {
        self.turns(id).roles.write_owned().await
    }

    fn turns(&self, id: &str) -> Turns {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(id.to_owned()).or_default().clone()
    }

    /// The first of `list` that is a manager of the swarm `id`, or of any where that is `None`; one
    /// that is not the node `but`, if there is another. Who does not answer soon is asked again only
    /// where nobody else is such a manager.
    pub(crate) async fn find(&self, list: &ManagerList, id: Option<&str>, but: Option<&str>) -> Found {
        self.search(list, Search::new(id, but), Asked::Now).await
    }

    /// As [`Clusters::find`], for Read: what one resource has just been told counts for the others.
    pub(crate) async fn inspect(&self, list: &ManagerList, id: Option<&str>) -> Found {
        self.search(list, Search::new(id, None), Asked::Lately).await
    }

    /// Something of a swarm is about to be changed: what was told before counts no more, once what this
    /// gives is dropped.
    pub(super) fn changing(&self) -> Forget<'_, At> {
        self.answers.forget_after()
    }

    async fn search(&self, list: &ManagerList, mut search: Search<'_>, when: Asked) -> Found {
        let asked = self.silent_last(connections(list));
        let mut slow = Vec::new();
        let has_others = asked.len() > 1;
        for (field, connection) in asked {
            let asking = self.asked(&field, &connection, when);
            let answer = if has_others { timeout(SOON, asking).await } else { Ok(asking.await) };
            let Ok(answer) = answer else {
                self.note_silence(connection.clone());
                slow.push((field, connection));
                continue;
            };
            if let Some(found) = self.weigh(&mut search, field, connection, answer) {
                return found;
            }
        }
        for (field, connection) in slow {
            let answer = self.ask(&field).await;
            if let Some(found) = self.weigh(&mut search, field, connection, answer) {
                return found;
            }
        }
        search.end(list)
    }

    /// Those first that have answered so far.
    fn silent_last(&self, mut asked: Vec<(Field<String>, Connection)>) -> Vec<(Field<String>, Connection)> {
        let silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        asked.sort_by_key(|(_, connection)| silent.contains(connection));
        asked
    }

    fn note_silence(&self, connection: Connection) {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner).insert(connection);
    }

    /// What an answer means for a search; `Some` where that is over.
    fn weigh(
        &self,
        search: &mut Search<'_>,
        field: Field<String>,
        connection: Connection,
        answer: Result<Option<At>, Failure>,
    ) -> Option<Found> {
        match answer {
            Ok(Some(at)) => search.weigh(field, at),
            Ok(None) => Some(Found::NotKnownYet),
            Err(failure) => {
                self.note_silence(connection);
                self.hosts.remember_denial(&field, &failure);
                search.failed.get_or_insert((field, failure));
                None
            }
        }
    }

    /// A manager of whatever swarm the managers of a data source are in.
    ///
    /// # Errors
    /// As [`Clusters::manager`], and while the settings are unknown.
    pub(crate) async fn for_data_source(&self, list: &ManagerList) -> Result<At, Failure> {
        match self.find(list, None, None).await {
            Found::Manager(at) => Ok(*at),
            Found::Leaderless(at) => Err(no_leader(at.host.name(), &at.membership.error).into()),
            Found::Nowhere => Err(Stop::new(
                "All of `managers` answer, and none of them is a manager of a swarm.",
                "Name a manager, or wait for the swarm with `depends_on`.",
            )
            .at(super::attribute::MANAGERS)
            .into()),
            Found::NotKnownYet => Err(Stop::new(
                "The provider's settings are not known before apply, so the managers cannot be asked yet.",
                "Make what the settings depend on first (`-target`), or let the data source wait for it with \
                 `depends_on`.",
            )
            .into()),
            Found::Silent(_, failure) => Err(failure),
        }
    }

    /// Every host of `list`, with what it says or why it does not.
    pub(crate) async fn survey(&self, list: &ManagerList) -> Vec<Result<At, Failure>> {
        let mut answers = Vec::new();
        for (field, _) in connections(list) {
            match self.ask(&field).await {
                Ok(Some(at)) => answers.push(Ok(at)),
                Ok(None) => {}
                Err(failure) => answers.push(Err(failure)),
            }
        }
        answers
    }

    async fn asked(
        &self,
        field: &Field<String>,
        connection: &Connection,
        when: Asked,
    ) -> Result<Option<At>, Failure> {
        match when {
            Asked::Now => self.ask(field).await,
            Asked::Lately => self.answers.get(connection, || self.ask(field)).await,
        }
    }

    async fn ask(&self, field: &Field<String>) -> Result<Option<At>, Failure> {
        let Some(host) = self.hosts.reach(field).await? else { return Ok(None) };
        At::ask(host).await.map(Some)
    }
}

/// When a host has to have said what counts.
#[derive(Clone, Copy)]
enum Asked {
    /// Now: it is asked.
    Now,
    /// Since something was changed, and not long ago.
    Lately,
}

/// A search for a manager, and what it has come by so far.
struct Search<'a> {
    id: Option<&'a str>,
    but: Option<&'a str>,
    second_best: Option<At>,
    leaderless: Option<At>,
    failed: Option<(Field<String>, Failure)>,
}

impl<'a> Search<'a> {
    fn new(id: Option<&'a str>, but: Option<&'a str>) -> Self {
        Self { id, but, second_best: None, leaderless: None, failed: None }
    }

    /// Takes the answer of `field` in; `Some` where there is no better one.
    fn weigh(&mut self, field: Field<String>, at: At) -> Option<Found> {
        let membership = &at.membership;
        if membership.is_leaderless() {
            self.leaderless.get_or_insert(at);
        } else if membership.manages && (self.id.is_none() || membership.cluster_id.as_deref() == self.id) {
            if self.but != Some(membership.node_id.as_str()) {
                return Some(Found::Manager(Box::new(at)));
            }
            self.second_best.get_or_insert(at);
        } else if let Some(failure) = unable(at.host.name(), membership) {
            self.failed.get_or_insert((field, failure));
        }
        None
    }

    /// What it comes to, once all have been asked.
    fn end(self, list: &ManagerList) -> Found {
        match (self.second_best, self.leaderless, self.failed) {
            (Some(at), ..) => Found::Manager(Box::new(at)),
            (None, Some(at), _) => Found::Leaderless(Box::new(at)),
            (None, None, _) if is_unknown(list) => Found::NotKnownYet,
            (None, None, Some((field, failure))) => Found::Silent(field, failure),
            (None, None, None) => Found::Nowhere,
        }
    }
}

/// Why an engine that is in some swarm cannot tell of it now. It is no sign that a swarm is gone.
fn unable(host: &str, membership: &Membership) -> Option<Failure> {
    match membership.state {
        LocalState::Locked => Some(swarm::Error::Locked { host: host.to_owned() }.into()),
        LocalState::Pending | LocalState::Error if !membership.node_id.is_empty() => Some(
            Stop::new(
                format!("Docker on {host} cannot take part in its swarm now: {}", membership.error),
                "Wait a little if it has just started; else look at its log (journalctl -u docker).",
            )
            .into(),
        ),
        _ => None,
    }
}

/// That too few managers are up.
pub(super) fn no_leader(host: &str, said: &str) -> Stop {
    Stop::new(
        format!("The swarm has no leader: too few of its managers are up. {host} says: {said}"),
        "Bring managers back until more than half of them are up. Where they are gone for good, `force_new_cluster` of \
         `windlass_swarm` goes on with one of those that are left.",
    )
}

/// That none of the managers that answer is in the swarm `id`.
pub(super) fn nowhere(id: &str) -> Stop {
    Stop::new(
        format!("All of `managers` answer, and none of them is a manager of the swarm {id}."),
        "Name managers that are in the swarm, or make it first (`windlass_swarm`).",
    )
    .at(super::attribute::MANAGERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_settings_nobody_is_asked() {
        let clusters = Clusters::new(Arc::default());
        let list = Field::Known(vec![Field::Known("local://".to_owned())]);
        assert!(matches!(clusters.find(&list, None, None).await, Found::NotKnownYet));
    }

    #[tokio::test]
    async fn a_manager_that_cannot_be_reached_is_named() {
        let clusters = Clusters::new(Arc::default());
        clusters.hosts.configure(Some(crate::settings::Settings::default()));
        let list = Field::Known(vec![Field::Known("local:///nowhere/docker.sock".to_owned())]);
        let Found::Silent(field, _) = clusters.find(&list, Some("c1"), None).await else {
            panic!("it answers")
        };
        assert_eq!(field.as_str(), Some("local:///nowhere/docker.sock"));
        let some = Field::Known(vec![list.known().unwrap()[0].clone(), Field::Unknown]);
        assert!(matches!(clusters.find(&some, Some("c1"), None).await, Found::NotKnownYet));
    }

    #[test]
    fn a_manager_that_is_locked_or_starting_is_no_sign_that_its_swarm_is_gone() {
        let membership = |state, node_id: &str| Membership {
            state,
            node_id: node_id.to_owned(),
            cluster_id: None,
            manages: false,
            address: String::new(),
            managers: Vec::new(),
            error: "context deadline exceeded".to_owned(),
            obstacle: None,
        };
        for (state, node, is_unable) in [
            (LocalState::Locked, "", true),
            (LocalState::Pending, "n1", true),
            (LocalState::Error, "n1", true),
            // A join that came to nothing.
            (LocalState::Pending, "", false),
            (LocalState::Inactive, "", false),
            (LocalState::Active, "n1", false),
        ] {
            assert_eq!(unable("web", &membership(state, node)).is_some(), is_unable, "{state:?} {node:?}");
        }
        let told = unable("web", &membership(LocalState::Locked, "")).unwrap().into_diagnostics("t", "w");
        assert!(told.to_string().contains("docker swarm unlock"), "{told}");
    }

    #[tokio::test]
    async fn a_manager_that_is_worked_with_stays_one() {
        let clusters = Clusters::new(Arc::default());
        let (used, also) = (clusters.use_managers("c1").await, clusters.drain_turn("c1").await);
        let _another_swarm = clusters.change_managers("c2").await;
        let waits = |future| tokio::time::timeout(std::time::Duration::from_millis(20), future);
        let mut change = Box::pin(clusters.change_managers("c1"));
        assert!(waits(&mut change).await.is_err());
        drop((used, also));
        drop(change.await);
        let _first = clusters.drain_turn("c1").await;
        let second = Box::pin(clusters.drain_turn("c1"));
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), second).await.is_err());
    }
}
