//! What an engine says of its own part in a swarm, manager or not.

use bollard::models::{LocalNodeState, SystemInfo};

/// How far an engine is into a swarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalState {
    /// Of no swarm.
    Inactive,
    /// On its way into one; also after a join that failed, until it leaves.
    Pending,
    /// In one.
    Active,
    /// In one that needs its unlock key after a restart.
    Locked,
    /// In one, and unable to take part.
    Error,
}

/// What an engine says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// How far it is in.
    pub state: LocalState,
    /// The id of its node; empty outside of a swarm.
    pub node_id: String,
    /// The id of its swarm, which only managers tell, and only while there is a leader.
    pub cluster_id: Option<String>,
    /// Whether it is a manager.
    pub manages: bool,
    /// The address that others reach it by.
    pub address: String,
    /// The addresses (`10.0.0.1:2377`) of the managers that it knows.
    pub managers: Vec<String>,
    /// What is wrong; empty when nothing is.
    pub error: String,
    /// What keeps this engine out of any swarm.
    pub obstacle: Option<Obstacle>,
}

/// A setting of an engine that excludes swarms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// `live-restore`.
    LiveRestore,
    /// `firewall-backend: nftables`.
    Nftables,
}

impl Membership {
    /// What `GET /info` says.
    pub(crate) fn from_info(info: SystemInfo) -> Self {
        let firewall = info.firewall_backend.and_then(|backend| backend.driver).unwrap_or_default();
        let obstacle = if info.live_restore_enabled == Some(true) {
            Some(Obstacle::LiveRestore)
        } else {
            firewall.starts_with("nftables").then_some(Obstacle::Nftables)
        };
        let swarm = info.swarm.unwrap_or_default();
        let text = |field: Option<String>| field.unwrap_or_default();
        let managers = swarm.remote_managers.unwrap_or_default();
        Self {
            state: match swarm.local_node_state {
                Some(LocalNodeState::ACTIVE) => LocalState::Active,
                Some(LocalNodeState::PENDING) => LocalState::Pending,
                Some(LocalNodeState::LOCKED) => LocalState::Locked,
                Some(LocalNodeState::ERROR) => LocalState::Error,
                Some(LocalNodeState::INACTIVE | LocalNodeState::EMPTY) | None => LocalState::Inactive,
            },
            node_id: text(swarm.node_id),
            cluster_id: swarm.cluster.and_then(|cluster| cluster.id).filter(|id| !id.is_empty()),
            manages: swarm.control_available == Some(true),
            address: text(swarm.node_addr),
            managers: managers.into_iter().filter_map(|manager| manager.addr).collect(),
            error: text(swarm.error),
            obstacle,
        }
    }

    /// Whether it is of no swarm at all.
    pub fn is_free(&self) -> bool {
        self.state == LocalState::Inactive
    }

    /// Whether it is a manager of a swarm that has no leader.
    pub fn is_leaderless(&self) -> bool {
        self.manages && self.cluster_id.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Membership {
        Membership::from_info(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn an_engine_says_what_it_is() {
        // Cut down from GET /info of Docker 26.1.5.
        let free = read(
            r#"{"LiveRestoreEnabled":false,"Swarm":{"NodeID":"","NodeAddr":"","LocalNodeState":"inactive",
                "ControlAvailable":false,"Error":"","RemoteManagers":null}}"#,
        );
        assert!(free.is_free() && !free.manages && free.obstacle.is_none());
        let manager = read(
            r#"{"Swarm":{"NodeID":"n1","NodeAddr":"10.0.0.1","LocalNodeState":"active","ControlAvailable":true,
                "Error":"","RemoteManagers":[{"NodeID":"n1","Addr":"10.0.0.1:2377"}],"Nodes":1,"Managers":1,
                "Cluster":{"ID":"c1"}}}"#,
        );
        assert_eq!((manager.state, manager.cluster_id.as_deref()), (LocalState::Active, Some("c1")));
        assert_eq!(manager.managers, ["10.0.0.1:2377"]);
        assert!(!manager.is_leaderless());
        let alone = read(
            r#"{"Swarm":{"NodeID":"n1","LocalNodeState":"active","ControlAvailable":true,
                "Error":"rpc error: code = Unknown desc = The swarm does not have a leader."}}"#,
        );
        assert!(alone.is_leaderless());
    }

    #[test]
    fn settings_that_exclude_a_swarm_are_seen() {
        assert_eq!(read(r#"{"LiveRestoreEnabled":true}"#).obstacle, Some(Obstacle::LiveRestore));
        let nftables = r#"{"FirewallBackend":{"Driver":"nftables"}}"#;
        assert_eq!(read(nftables).obstacle, Some(Obstacle::Nftables));
        assert_eq!(read(r#"{"FirewallBackend":{"Driver":"iptables"}}"#).obstacle, None);
    }
}
