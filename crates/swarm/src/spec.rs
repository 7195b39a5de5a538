//! What a service is told to be, whole.
//!
//! A service is replaced as a whole: whoever changes one thing sends all the others back. A type that
//! leaves out what it does not know takes that away from the service (bollard's calls the health check
//! `HealthCheck`, the engine `Healthcheck`, and newer engines know more than either). So a [`Spec`]
//! keeps what the engine said, and lets its parts be read.

use std::ops::Deref;

use bollard::models::{
    ObjectVersion, ServiceJobStatus, ServiceServiceStatus, ServiceSpec, ServiceUpdateStatus,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

/// What a service is told to be. Reads as the parts of it that are known, is written as it came.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Spec {
    whole: Value,
    known: ServiceSpec,
}

impl Spec {
    /// The spec of JSON that we have written ourselves, or changed.
    pub(crate) fn of(whole: Value) -> Self {
        let known = serde_json::from_value(whole.clone()).unwrap_or_else(|error| {
            tracing::error!(%error, "a spec is none of the Engine API");
            ServiceSpec::default()
        });
        Self { whole, known }
    }

    /// All of it.
    pub(crate) fn whole(&self) -> &Value {
        &self.whole
    }

    /// The same with what `change` does to it.
    #[must_use]
    pub(crate) fn with(&self, change: impl FnOnce(&mut Value)) -> Self {
        let mut whole = self.whole.clone();
        change(&mut whole);
        Self::of(whole)
    }
}

impl Deref for Spec {
    type Target = ServiceSpec;

    fn deref(&self) -> &ServiceSpec {
        &self.known
    }
}

impl Serialize for Spec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.whole.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Spec {
    /// What the engine says and no type fits is an error: nobody may take it for an empty one.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let whole = Value::deserialize(deserializer)?;
        let known = serde_json::from_value(whole.clone()).map_err(D::Error::custom)?;
        Ok(Self { whole, known })
    }
}

/// A service, as the engine tells it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ApiService {
    #[serde(rename = "ID")]
    pub(crate) id: Option<String>,
    pub(crate) version: Option<ObjectVersion>,
    pub(crate) created_at: Option<String>,
    pub(crate) updated_at: Option<String>,
    pub(crate) spec: Option<Spec>,
    pub(crate) update_status: Option<ServiceUpdateStatus>,
    pub(crate) service_status: Option<ServiceServiceStatus>,
    pub(crate) job_status: Option<ServiceJobStatus>,
}

/// The call that makes a service another one. `keeps_login` lets what nodes pull with be what it was.
pub(crate) fn update_call(id: &str, version: u64, keeps_login: bool) -> String {
    let login = if keeps_login { "&registryAuthFrom=spec" } else { "" };
    format!("/services/{id}/update?version={version}{login}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::models::{ConfigSpec, NodeSpec, SwarmSpec};
    use serde_json::json;

    #[test]
    fn what_no_type_knows_stays() {
        let whole = json!({
            "Name": "web",
            "TaskTemplate": {
                "ContainerSpec": {"Image": "a:1", "Healthcheck": {"Test": ["CMD", "true"], "StartInterval": 5}, "New": {"x": 1}},
                "Placement": {"Constraints": ["node.role==worker"]},
            },
            "UpdateConfig": {"MaxFailureRatio": 0},
        });
        let spec: Spec = serde_json::from_value(whole.clone()).unwrap();
        assert_eq!(spec.name.as_deref(), Some("web"));
        assert_eq!(json!(spec), whole);
        let changed = spec.with(|whole| whole["Name"] = json!("other"));
        assert_eq!(changed.name.as_deref(), Some("other"));
        assert_eq!(changed.whole()["TaskTemplate"], whole["TaskTemplate"]);
        // One that cannot be read is not taken for one without constraints.
        let odd = json!({"Name": "web", "TaskTemplate": {"Placement": {"Constraints": "node.role==worker"}}});
        assert!(serde_json::from_value::<ApiService>(json!({"ID": "s", "Spec": odd})).is_err());
    }
    /// What is sent back by the client's own types. All that Docker 26.1 and 29 have of them.
    #[test]
    fn the_types_that_are_sent_back_know_all_there_is() {
        fn expect_whole<T: serde::de::DeserializeOwned + Serialize>(whole: &Value) {
            let known: T = serde_json::from_value(whole.clone()).unwrap();
            assert_eq!(&json!(known), whole);
        }
        let log_driver = json!({"Name": "json-file", "Options": {"max-size": "10m"}});
        let external =
            json!({"Protocol": "cfssl", "URL": "https://ca", "Options": {"a": "b"}, "CACert": "PEM"});
        expect_whole::<SwarmSpec>(&json!({
            "Name": "default",
            "Labels": {"a": "b"},
            "Orchestration": {"TaskHistoryRetentionLimit": 5},
            "Raft": {
                "SnapshotInterval": 10000, "KeepOldSnapshots": 1, "LogEntriesForSlowFollowers": 500, "ElectionTick": 10,
                "HeartbeatTick": 1,
            },
            "Dispatcher": {"HeartbeatPeriod": 5_000_000_000_i64},
            "CAConfig": {
                "NodeCertExpiry": 7_776_000_000_000_000_i64, "ExternalCAs": [external], "SigningCACert": "PEM",
                "SigningCAKey": "PEM", "ForceRotate": 2,
            },
            "EncryptionConfig": {"AutoLockManagers": true},
            "TaskDefaults": {"LogDriver": log_driver},
        }));
        expect_whole::<NodeSpec>(
            &json!({"Name": "n", "Labels": {"a": "b"}, "Role": "manager", "Availability": "pause"}),
        );
        let templating = json!({"Name": "golang", "Options": {"a": "b"}});
        expect_whole::<ConfigSpec>(
            &json!({"Name": "c", "Labels": {"a": "b"}, "Data": "eA==", "Templating": templating}),
        );
    }
}
