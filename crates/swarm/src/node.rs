//! A node, as a manager knows it.

use std::{collections::BTreeMap, fmt};

use bollard::models::{
    Node as Api, NodeSpec, NodeSpecAvailabilityEnum, NodeSpecRoleEnum, NodeState as ApiState,
    Reachability as ApiReachability,
};

/// Whether a node decides with others, or only works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Decides and, unless it is drained, works.
    Manager,
    /// Works.
    Worker,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manager => "manager",
            Self::Worker => "worker",
        })
    }
}

/// Whether a node gets tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// It does.
    Active,
    /// It keeps those that it has and gets no others.
    Pause,
    /// It loses those that it has.
    Drain,
}

impl fmt::Display for Availability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Pause => "pause",
            Self::Drain => "drain",
        })
    }
}

/// Whether the managers hear from a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what their names say")]
pub enum NodeState {
    Unknown,
    Down,
    Ready,
    Disconnected,
}

impl fmt::Display for NodeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::Down => "down",
            Self::Ready => "ready",
            Self::Disconnected => "disconnected",
        })
    }
}

/// Whether other managers hear from a manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are what their names say")]
pub enum Reachability {
    Unknown,
    Unreachable,
    Reachable,
}

impl fmt::Display for Reachability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::Unreachable => "unreachable",
            Self::Reachable => "reachable",
        })
    }
}

/// What a manager is to the other managers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct ManagerStatus {
    pub leader: bool,
    pub reachability: Reachability,
    /// Where the others reach it: `10.0.0.1:2377`.
    pub address: String,
}

/// A node.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct Node {
    pub id: String,
    pub hostname: String,
    pub role: Role,
    pub availability: Availability,
    pub labels: BTreeMap<String, String>,
    pub state: NodeState,
    /// What is said about the state.
    pub message: String,
    pub address: String,
    pub engine_version: String,
    pub engine_labels: BTreeMap<String, String>,
    /// `linux`
    pub os: String,
    /// `x86_64`
    pub architecture: String,
    pub nano_cpus: i64,
    pub memory_bytes: i64,
    /// Of a manager.
    pub manager: Option<ManagerStatus>,
    /// The version of the object, for changes.
    pub(crate) version: u64,
    /// What it is asked to be, in full: a change replaces all of it.
    pub(crate) spec: NodeSpec,
}

impl Node {
    pub(crate) fn from_api(node: Api) -> Self {
        let spec = node.spec.clone().unwrap_or_default();
        let described = node.description.unwrap_or_default();
        let engine = described.engine.unwrap_or_default();
        let platform = described.platform.unwrap_or_default();
        let resources = described.resources.unwrap_or_default();
        let status = node.status.unwrap_or_default();
        Self {
            id: node.id.unwrap_or_default(),
            hostname: described.hostname.unwrap_or_default(),
            role: match spec.role {
                Some(NodeSpecRoleEnum::MANAGER) => Role::Manager,
                _ => Role::Worker,
            },
            availability: match spec.availability {
                Some(NodeSpecAvailabilityEnum::PAUSE) => Availability::Pause,
                Some(NodeSpecAvailabilityEnum::DRAIN) => Availability::Drain,
                _ => Availability::Active,
            },
            labels: spec.labels.clone().unwrap_or_default().into_iter().collect(),
            state: match status.state {
                Some(ApiState::READY) => NodeState::Ready,
                Some(ApiState::DOWN) => NodeState::Down,
                Some(ApiState::DISCONNECTED) => NodeState::Disconnected,
                _ => NodeState::Unknown,
            },
            message: status.message.unwrap_or_default(),
            address: status.addr.unwrap_or_default(),
            engine_version: engine.engine_version.unwrap_or_default(),
            engine_labels: engine.labels.unwrap_or_default().into_iter().collect(),
            os: platform.os.unwrap_or_default(),
            architecture: platform.architecture.unwrap_or_default(),
            nano_cpus: resources.nano_cpus.unwrap_or_default(),
            memory_bytes: resources.memory_bytes.unwrap_or_default(),
            manager: node.manager_status.map(|status| ManagerStatus {
                leader: status.leader == Some(true),
                reachability: match status.reachability {
                    Some(ApiReachability::REACHABLE) => Reachability::Reachable,
                    Some(ApiReachability::UNREACHABLE) => Reachability::Unreachable,
                    _ => Reachability::Unknown,
                },
                address: status.addr.unwrap_or_default(),
            }),
            version: node.version.and_then(|version| version.index).unwrap_or_default(),
            spec,
        }
    }

    /// Whether it is a manager that the others hear from.
    pub fn is_reachable_manager(&self) -> bool {
        self.manager.as_ref().is_some_and(|manager| manager.reachability == Reachability::Reachable)
    }

    /// Whether it is the leader.
    pub fn is_leader(&self) -> bool {
        self.manager.as_ref().is_some_and(|manager| manager.leader)
    }
}

/// What to change of a node; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeChange {
    /// Promotes or demotes it.
    pub role: Option<Role>,
    /// Whether it gets tasks.
    pub availability: Option<Availability>,
    /// All labels that it has then.
    pub labels: Option<BTreeMap<String, String>>,
}

impl NodeChange {
    /// What the node is asked to be after this change; `None` where it is so already.
    pub(crate) fn of(&self, node: &Node) -> Option<NodeSpec> {
        let role = self.role.filter(|role| *role != node.role);
        let availability = self.availability.filter(|availability| *availability != node.availability);
        let labels = self.labels.as_ref().filter(|labels| **labels != node.labels);
        if role.is_none() && availability.is_none() && labels.is_none() {
            return None;
        }
        let mut spec = node.spec.clone();
        if let Some(role) = role {
            spec.role = Some(match role {
                Role::Manager => NodeSpecRoleEnum::MANAGER,
                Role::Worker => NodeSpecRoleEnum::WORKER,
            });
        }
        if let Some(availability) = availability {
            spec.availability = Some(match availability {
                Availability::Active => NodeSpecAvailabilityEnum::ACTIVE,
                Availability::Pause => NodeSpecAvailabilityEnum::PAUSE,
                Availability::Drain => NodeSpecAvailabilityEnum::DRAIN,
            });
        }
        if let Some(labels) = labels {
            spec.labels = Some(labels.clone().into_iter().collect());
        }
        Some(spec)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Cut down from GET /nodes of Docker 26.1.5.
    pub(crate) const JSON: &str = r#"{"ID":"n1","Version":{"Index":9},"CreatedAt":"2026-11-29T09:00:00Z",
        "UpdatedAt":"2026-11-29T09:00:00Z","Spec":{"Labels":{"tier":"stateful"},"Role":"manager","Availability":"active"},
        "Description":{"Hostname":"web","Platform":{"Architecture":"x86_64","OS":"linux"},
        "Resources":{"NanoCPUs":2000000000,"MemoryBytes":4000000000},"Engine":{"EngineVersion":"26.1.5+dfsg1"}},
        "Status":{"State":"ready","Addr":"10.0.0.1"},
        "ManagerStatus":{"Leader":true,"Reachability":"reachable","Addr":"10.0.0.1:2377"}}"#;

    pub(crate) fn node() -> Node {
        Node::from_api(serde_json::from_str(JSON).unwrap())
    }

    #[test]
    fn reads_a_node() {
        let node = node();
        assert_eq!((node.id.as_str(), node.hostname.as_str(), node.version), ("n1", "web", 9));
        assert_eq!(
            (node.role, node.availability, node.state),
            (Role::Manager, Availability::Active, NodeState::Ready)
        );
        assert_eq!(node.labels["tier"], "stateful");
        assert!(node.is_leader() && node.is_reachable_manager());
        assert_eq!((node.nano_cpus, node.engine_version.as_str()), (2_000_000_000, "26.1.5+dfsg1"));
    }

    #[test]
    fn a_change_keeps_what_it_does_not_name() {
        let node = node();
        let change = NodeChange { availability: Some(Availability::Drain), ..NodeChange::default() };
        let json = serde_json::to_value(change.of(&node).unwrap()).unwrap();
        let expected =
            serde_json::json!({"Labels": {"tier": "stateful"}, "Role": "manager", "Availability": "drain"});
        assert_eq!(json, expected);
        let none = NodeChange {
            role: Some(Role::Manager),
            labels: Some(node.labels.clone()),
            ..NodeChange::default()
        };
        assert_eq!(none.of(&node), None);
        let emptied = NodeChange { labels: Some(BTreeMap::new()), ..NodeChange::default() };
        assert_eq!(emptied.of(&node).unwrap().labels.unwrap().len(), 0);
    }
}
