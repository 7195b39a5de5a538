//! A swarm as a whole, and what can be set of it.

use std::time::Duration;

use bollard::models::{Swarm, SwarmSpec, SwarmSpecCaConfig, SwarmSpecOrchestration, SwarmSpecRaft};
use secret::Secret;

/// What can be set of a swarm while it lives; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How many old tasks are kept of each replica.
    pub task_history_limit: Option<i64>,
    /// After how many log entries the managers write a snapshot.
    pub snapshot_interval: Option<u64>,
    /// How long the certificate of a node is good.
    pub cert_expiry: Option<Duration>,
}

/// What lets a host in.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "they are what their names say")]
pub struct Tokens {
    pub worker: Secret,
    pub manager: Secret,
}

/// A swarm, as a manager knows it.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct Cluster {
    pub id: String,
    /// RFC 3339.
    pub created_at: String,
    pub settings: Settings,
    /// The ranges that overlay networks get theirs from.
    pub address_pools: Vec<String>,
    /// The size of such a network, as the length of its prefix.
    pub subnet_size: u32,
    /// Whether a manager that restarts needs a key.
    pub autolock: bool,
    pub tokens: Tokens,
    pub(crate) version: u64,
    pub(crate) spec: SwarmSpec,
}

impl Cluster {
    pub(crate) fn from_api(swarm: Swarm) -> Self {
        let spec = swarm.spec.clone().unwrap_or_default();
        let tokens = swarm.join_tokens.unwrap_or_default();
        let expiry = spec.ca_config.as_ref().and_then(|ca| ca.node_cert_expiry);
        Self {
            id: swarm.id.unwrap_or_default(),
            created_at: swarm.created_at.unwrap_or_default(),
            settings: Settings {
                task_history_limit: spec.orchestration.as_ref().and_then(|o| o.task_history_retention_limit),
                snapshot_interval: spec.raft.as_ref().and_then(|raft| raft.snapshot_interval),
                cert_expiry: expiry.and_then(|nanos| u64::try_from(nanos).ok()).map(Duration::from_nanos),
            },
            address_pools: swarm.default_addr_pool.unwrap_or_default(),
            subnet_size: swarm.subnet_size.unwrap_or_default(),
            autolock: spec.encryption_config.as_ref().is_some_and(|e| e.auto_lock_managers == Some(true)),
            tokens: Tokens {
                worker: tokens.worker.unwrap_or_default().into(),
                manager: tokens.manager.unwrap_or_default().into(),
            },
            version: swarm.version.and_then(|version| version.index).unwrap_or_default(),
            spec,
        }
    }
}

impl Settings {
    /// The spec of a swarm with these settings, where it was `spec`.
    pub(crate) fn apply(&self, spec: &SwarmSpec) -> SwarmSpec {
        let mut spec = spec.clone();
        if let Some(limit) = self.task_history_limit {
            spec.orchestration = Some(SwarmSpecOrchestration { task_history_retention_limit: Some(limit) });
        }
        if let Some(interval) = self.snapshot_interval {
            let old = spec.raft.unwrap_or_default();
            spec.raft = Some(SwarmSpecRaft { snapshot_interval: Some(interval), ..old });
        }
        if let Some(expiry) = self.cert_expiry {
            let nanos = i64::try_from(expiry.as_nanos()).unwrap_or(i64::MAX);
            let old = spec.ca_config.unwrap_or_default();
            spec.ca_config = Some(SwarmSpecCaConfig { node_cert_expiry: Some(nanos), ..old });
        }
        spec
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cut down from GET /swarm of Docker 26.1.5.
    const JSON: &str = r#"{"ID":"c1","Version":{"Index":11},"CreatedAt":"2026-11-29T09:00:00Z",
        "Spec":{"Name":"default","Labels":{},"Orchestration":{"TaskHistoryRetentionLimit":5},
        "Raft":{"SnapshotInterval":10000,"KeepOldSnapshots":0,"LogEntriesForSlowFollowers":500,"ElectionTick":10,
        "HeartbeatTick":1},"Dispatcher":{"HeartbeatPeriod":5000000000},"CAConfig":{"NodeCertExpiry":7776000000000000},
        "TaskDefaults":{},"EncryptionConfig":{"AutoLockManagers":true}},"RootRotationInProgress":false,
        "DataPathPort":4789,"DefaultAddrPool":["10.0.0.0/8"],"SubnetSize":24,
        "JoinTokens":{"Worker":"SWMTKN-1-w","Manager":"SWMTKN-1-m"}}"#;

    #[test]
    fn reads_a_swarm_and_hides_its_tokens() {
        let cluster = Cluster::from_api(serde_json::from_str(JSON).unwrap());
        assert_eq!((cluster.id.as_str(), cluster.version, cluster.autolock), ("c1", 11, true));
        let expected = Settings {
            task_history_limit: Some(5),
            snapshot_interval: Some(10_000),
            cert_expiry: Some(Duration::from_secs(90 * 24 * 3600)),
        };
        assert_eq!(cluster.settings, expected);
        assert_eq!(cluster.tokens.worker.expose(), "SWMTKN-1-w");
        assert!(!format!("{cluster:?}").contains("SWMTKN"));
    }

    #[test]
    fn a_setting_changes_and_all_others_stay() {
        let cluster = Cluster::from_api(serde_json::from_str(JSON).unwrap());
        let settings = Settings { task_history_limit: Some(2), ..Settings::default() };
        let mut expected = serde_json::to_value(&cluster.spec).unwrap();
        expected["Orchestration"]["TaskHistoryRetentionLimit"] = 2.into();
        assert_eq!(serde_json::to_value(settings.apply(&cluster.spec)).unwrap(), expected);
        assert_eq!(Settings::default().apply(&cluster.spec), cluster.spec);
    }
}
