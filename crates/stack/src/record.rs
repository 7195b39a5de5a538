//! What an apply leaves on the host, so that the next read can tell whether anything was changed
//! behind its back without knowing any secret.
//!
//! Compose's own label on a container hashes its real values, secrets included: it may be neither
//! planned nor stored in state. State holds the hash that was planned with placeholders; the
//! record holds, beside it, an HMAC of the label that the apply really produced. A container whose
//! label fits the HMAC still is what the planned hash stands for.

use std::collections::{BTreeMap, BTreeSet};

pub use secret::ProofKey as Key;
use serde::{Deserialize, Serialize};

use compose::{LABEL_FILES, ReadyState};
use docker::{Error, engine::Container};

use crate::{
    containers::{LABEL_CONFIG_HASH, by_service},
    image_history::ImageHistory,
    service::DesiredService,
};

/// The format of the record.
const VERSION: u32 = 1;

/// What the last apply made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The format; ours is 1.
    pub version: u32,
    /// The project's name.
    pub project: String,
    /// The Compose version that did it.
    pub compose: String,
    /// Whether that apply stopped, or was cut off, before all had passed: what is there is then
    /// nothing to go back to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unfinished: bool,
    /// Whether some apply of this stack has come to a good end, so that somebody has it in a state.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub complete: bool,
    /// What became of each service.
    pub services: BTreeMap<String, RecordedService>,
    /// What earlier applies made of services that have left the files, and whose containers were to
    /// stay.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub orphans: BTreeMap<String, RecordedService>,
    /// The images that it used.
    #[serde(default)]
    pub history: ImageHistory,
    /// What it had shipped, as a hash; empty where that is not known. Other files on the host than
    /// these are of an apply that was cut off before it could leave a record.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub shipped: String,
}

/// A service as an apply left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct RecordedService {
    pub image: String,
    /// The hash that was planned.
    pub config_hash: String,
    /// The hash of its environment that was planned.
    pub environment_hash: String,
    /// The hash of the shipped files that it uses.
    pub files_hash: Option<String>,
    /// The label of its containers for these files, where that is not their hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files_label: Option<String>,
    pub files: BTreeSet<String>,
    /// Whether its containers take in changed files by a command: `files_hash` is of those that they
    /// have.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reloads: bool,
    /// What it is when all is well.
    #[serde(rename = "steady")]
    pub ready: ReadyState,
    /// How many containers it has then.
    pub replicas: u32,
    /// Whether it is not started by us, so that its containers are none of ours.
    #[serde(rename = "left_alone", default, skip_serializing_if = "std::ops::Not::not")]
    pub unmanaged: bool,
    /// HMAC of the label that its containers got; none where it has no containers.
    pub proof: Option<String>,
    /// The containers (by id) of other services that it shares something with.
    pub shares: BTreeMap<String, String>,
    /// The networks that its containers are attached to, as far as they were.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub networks: BTreeSet<String>,
}

impl Record {
    /// An empty record.
    pub fn new(project: impl Into<String>, compose: impl Into<String>) -> Self {
        Self {
            version: VERSION,
            project: project.into(),
            compose: compose.into(),
            unfinished: false,
            complete: false,
            services: BTreeMap::new(),
            orphans: BTreeMap::new(),
            history: ImageHistory::default(),
            shipped: String::new(),
        }
    }

    /// The services that are ours: those of the files, and those that have left them.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.services.keys().chain(self.orphans.keys())
    }

    /// The same, with what `old` knows of services that are not in the files any more and still have
    /// containers.
    pub fn keeping_orphans(mut self, old: &Self, containers: &[Container]) -> Self {
        let live = by_service(containers);
        let ours = old.orphans.iter().chain(old.services.iter().filter(|(_, one)| !one.unmanaged));
        let still = ours.filter(|(name, _)| live.contains_key(*name) && !self.services.contains_key(*name));
        self.orphans = still.map(|(name, one)| (name.clone(), one.clone())).collect();
        self
    }

    /// Reads what [`Record::to_json`] wrote.
    ///
    /// # Errors
    /// [`Error::Parse`] when it is something else, or of a newer Windlass.
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        let unreadable = |source| Error::Parse { what: "the stack's record on the host".to_owned(), source };
        let record: Self = serde_json::from_slice(json).map_err(|err| unreadable(err.into()))?;
        if record.version > VERSION {
            return Err(unreadable(format!("it has format {}, known is {VERSION}", record.version).into()));
        }
        Ok(record)
    }

    /// Whether `other` is of the same apply, whatever became of the images of older ones since then.
    pub fn is_of_same_apply(&self, other: &Self) -> bool {
        let plain = |record: &Self| Self { history: ImageHistory::default(), ..record.clone() };
        plain(self) == plain(other)
    }

    /// The file's content.
    pub fn to_json(&self) -> Vec<u8> {
        // Maps with text keys and plain fields cannot fail.
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        json
    }
}

/// The record of an apply that has made `desired` and finds `containers`.
pub fn record(
    project: &str,
    compose: &str,
    desired: &BTreeMap<String, DesiredService>,
    containers: &[Container],
    key: &Key,
) -> Record {
    let live = by_service(containers);
    let mut record = Record::new(project, compose);
    for (name, one) in desired {
        let first = live.get(name).and_then(|own| own.first());
        let label = first.and_then(|first| first.label(LABEL_CONFIG_HASH));
        let files_label = first.map(|first| first.label(LABEL_FILES).unwrap_or_default());
        let shares = one
            .shares
            .iter()
            .filter_map(|other| Some((other.clone(), first_id(&live, other)?.to_owned())))
            .collect();
        let recorded = RecordedService {
            image: one.image().to_owned(),
            config_hash: one.config_hash.clone(),
            environment_hash: one.environment_hash.clone(),
            files_hash: Some(one.files_hash.clone()).filter(|hash| !hash.is_empty()),
            files_label: files_label.filter(|label| *label != one.files_hash).map(str::to_owned),
            files: one.files.clone(),
            reloads: one.reload.is_some(),
            ready: one.ready,
            replicas: one.replicas,
            unmanaged: one.unmanaged,
            proof: label.map(|label| key.proof(&purpose(name), label)),
            shares,
            networks: first.map(|first| &first.networks & &one.networks).unwrap_or_default(),
        };
        record.services.insert(name.clone(), recorded);
    }
    record
}

/// What an HMAC of a service's label is for.
pub(crate) fn purpose(service: &str) -> String {
    format!("label/{service}")
}

/// The id of the first container of `service`.
pub(crate) fn first_id<'c>(live: &BTreeMap<String, Vec<&'c Container>>, service: &str) -> Option<&'c str> {
    live.get(service)?.first().map(|container| container.id.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_survives_its_file_and_newer_ones_are_refused() {
        let mut record = Record::new("web", "2.26.1");
        record.services.insert(
            "app".into(),
            RecordedService {
                image: "nginx:1".into(),
                config_hash: "c".into(),
                environment_hash: "e".into(),
                files_hash: None,
                files_label: None,
                files: BTreeSet::new(),
                reloads: false,
                ready: ReadyState::Healthy,
                replicas: 1,
                unmanaged: false,
                proof: Some("p".into()),
                shares: BTreeMap::new(),
                networks: BTreeSet::new(),
            },
        );
        let json = String::from_utf8(record.to_json()).unwrap();
        assert!(!json.contains("unfinished") && !json.contains("shipped"), "{json}");
        assert_eq!(Record::parse(json.as_bytes()).unwrap(), record);
        let later = Record {
            history: ImageHistory {
                old: BTreeMap::from([("sha256:1".into(), BTreeSet::new())]),
                ..ImageHistory::default()
            },
            ..record.clone()
        };
        assert!(record.is_of_same_apply(&later) && record != later);
        let failed = Record { unfinished: true, shipped: "s".into(), ..record.clone() };
        assert_eq!(Record::parse(&failed.to_json()).unwrap(), failed);
        record.version = 2;
        assert!(Record::parse(&record.to_json()).is_err());
    }
}
