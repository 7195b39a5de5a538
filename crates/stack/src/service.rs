//! A service three times: as the files want it, as it will be, and as it is.
//!
//! Every cause of a change is a field of its own, so that the difference between a service as it is
//! and as it will be is the reason.

use std::collections::{BTreeMap, BTreeSet};

use compose::{ReadyState, SecretLabel, policy::Facts};
use serde::{Deserialize, Serialize};

use crate::image_source::ImageSource;

/// Stands for a hash that is not what the last apply made, without telling what it is: the real
/// one may hash secrets.
pub const CHANGED: &str = "changed";

/// Stands for what only the apply tells: the id of an image, or a hash over values that the host alone
/// has.
pub(crate) const OPEN: &str = "open";

/// The status of a service of which a container is not attached to one of its networks any more.
pub(crate) const DISCONNECTED: &str = "disconnected";

/// The status of a service that has left the files and whose containers stay.
pub const ORPHANED: &str = "orphaned";

/// A service as the files want it. No secrets: placeholders stand for them in every hash.
///
/// Its JSON is remembered by states and hosts, so fields are only ever added to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredService {
    /// Its image, and where that comes from.
    #[serde(flatten)]
    pub source: ImageSource,
    /// As in [`ObservedService`].
    pub environment_hash: String,
    /// As in [`ObservedService`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub files_hash: String,
    /// As in [`ObservedService`].
    pub config_hash: String,
    /// What it is when all is well.
    #[serde(rename = "steady")]
    pub ready: ReadyState,
    /// How many containers it shall have.
    pub replicas: u32,
    /// Whether it is not started: its containers are none of ours, and it counts as having none.
    #[serde(rename = "left_alone", default, skip_serializing_if = "std::ops::Not::not")]
    pub unmanaged: bool,
    /// Whether a secret is anywhere in its configuration.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub secret: bool,
    /// Whether its restart policy starts it again when it fails.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restarts: bool,
    /// For how many seconds its health check may fail while it starts.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub start_period: u64,
    /// The shipped files that it uses.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub files: BTreeSet<String>,
    /// How its containers take in changed files without being recreated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reload: Option<Reload>,
    /// The services whose containers it shares something with.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub shares: BTreeSet<String>,
    /// The names of the networks that its containers are attached to.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub networks: BTreeSet<String>,
    /// The services that it depends on.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub depends_on: BTreeSet<String>,
    /// Those of `depends_on` with which it starts again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub restarts_with: BTreeSet<String>,
    /// What policies look at.
    #[serde(default, skip_serializing_if = "Facts::is_default")]
    pub facts: Facts,
    /// The labels that we add to it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Those of its labels that stand for secrets.
    #[serde(rename = "seals", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secret_labels: BTreeMap<String, SecretLabel>,
    /// HMACs of the hash by which Compose labels a container that is what the files want: one that nothing
    /// vouches for is known again by them (see `unvouched`). Empty where there is no such service.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub known_as: BTreeSet<String>,
    /// The same of a container that has none of our labels.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub known_bare_as: BTreeSet<String>,
}

/// How one service takes in changed files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reload {
    /// Those of its files that it takes in so.
    pub files: BTreeSet<String>,
    /// The words of the command.
    pub command: Vec<String>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A service as it will be: what is known of it before a change is made. `None` is what only the
/// change tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct PlannedService {
    pub image: Option<String>,
    /// The id of its image; empty where it has no containers.
    pub image_id: Option<String>,
    /// As in [`ObservedService`].
    pub environment_hash: Option<String>,
    /// As in [`ObservedService`].
    pub files_hash: String,
    /// As in [`ObservedService`].
    pub config_hash: Option<String>,
    /// What it is when all is well, or [`ORPHANED`].
    pub status: String,
    /// How many containers it will have.
    pub replicas: u32,
    /// The names of its containers.
    pub containers: Option<Vec<String>>,
    /// What they publish.
    pub ports: Option<Vec<String>>,
}

/// A service as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct ObservedService {
    pub image: String,
    /// The id of the image its containers run, whoever made them.
    pub image_id: String,
    /// Hash of its environment, placeholders in the place of secrets; empty when not known.
    pub environment_hash: String,
    /// Hash of the shipped files that it uses; empty for none.
    pub files_hash: String,
    /// Hash of its configuration, placeholders in the place of secrets.
    pub config_hash: String,
    /// `running`, `healthy`, `completed`, `idle` or `ignored` when all is well, [`ORPHANED`] for one that
    /// is not in the files any more and whose containers were to stay, else what is wrong: `missing`,
    /// `created`, `starting`, `unhealthy`, `paused`, `restarting`, `stopped`, `exited (n)`, `dead`,
    /// `disconnected`.
    pub status: String,
    /// How many containers it has.
    pub replicas: u32,
    /// The names of its containers.
    pub containers: Vec<String>,
    /// What they publish: `8080->80/tcp`, `127.0.0.1:8080->80/tcp`.
    pub ports: Vec<String>,
}

impl DesiredService {
    /// The image reference.
    pub fn image(&self) -> &str {
        &self.source.image
    }

    /// Whether it is no container, but what a program beside Compose provides (`provider`).
    pub(crate) fn is_provided(&self) -> bool {
        self.source.image.is_empty()
    }

    /// Whether its image has to be on the host: it is to have containers, or the product itself makes
    /// them.
    pub fn needs_image(&self) -> bool {
        self.replicas > 0 || self.unmanaged
    }
}

impl From<&ObservedService> for PlannedService {
    /// A service that stays as it is.
    fn from(observed: &ObservedService) -> Self {
        Self {
            image: Some(observed.image.clone()),
            image_id: Some(observed.image_id.clone()),
            environment_hash: Some(observed.environment_hash.clone()),
            files_hash: observed.files_hash.clone(),
            config_hash: Some(observed.config_hash.clone()),
            status: observed.status.clone(),
            replicas: observed.replicas,
            containers: Some(observed.containers.clone()),
            ports: Some(observed.ports.clone()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A service that runs one container of `app:1`.
    pub(crate) fn desired(config_hash: &str) -> DesiredService {
        DesiredService {
            source: ImageSource { image: "app:1".into(), ..ImageSource::default() },
            environment_hash: "e".into(),
            files_hash: String::new(),
            config_hash: config_hash.into(),
            ready: ReadyState::Running,
            replicas: 1,
            unmanaged: false,
            secret: false,
            restarts: false,
            start_period: 0,
            files: BTreeSet::new(),
            reload: None,
            shares: BTreeSet::new(),
            networks: BTreeSet::new(),
            depends_on: BTreeSet::new(),
            restarts_with: BTreeSet::new(),
            facts: Facts::default(),
            labels: BTreeMap::new(),
            secret_labels: BTreeMap::new(),
            known_as: BTreeSet::new(),
            known_bare_as: BTreeSet::new(),
        }
    }
}
