//! Secrets and configs that live beside stacks, and those of stacks: how they are called, and what
//! becomes of one when another takes its place.
//!
//! Nothing in one changes but its labels, and a service gets another one by an update. So the new one is
//! made first, under a name of its own; the old one is labelled, and goes once nothing needs it any
//! more: with the apply of the stack that stops using it.

pub mod names;
mod unneeded;

use std::collections::{BTreeMap, HashMap};

use bollard::{
    models::{Config, ConfigSpec, SecretSpec},
    query_parameters::{UpdateConfigOptionsBuilder, UpdateSecretOptionsBuilder},
};
use docker::Engine;
use serde_json::json;

use super::{
    FileContent, FileKind, NewFile,
    api::{Api, data_of},
    record::LABEL_INSTANCE,
};
use crate::{Error, error::is_conflict};

pub(super) use unneeded::forget_unneeded;

/// What all labels begin with that Windlass gives.
pub const OURS: &str = "windlass.";
/// The label of one that another has taken the place of, with the name of that; empty where it was to
/// go altogether.
const SUPERSEDED: &str = "windlass.superseded";
/// The label with what its name begins with.
const LABEL_NAME: &str = "windlass.name";
/// The label with the version of a secret.
const LABEL_VERSION: &str = "windlass.version";

/// A secret or a config of a swarm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastingFile {
    /// Its id.
    pub id: String,
    /// Its whole name.
    pub name: String,
    /// What was said of it.
    pub marks: Marks,
    /// Whether it is to go.
    pub superseded: bool,
    /// What is in a config; a swarm does not tell that of a secret.
    pub content: Vec<u8>,
    /// The version of the object, which a change of it names.
    pub version: u64,
}

/// What a secret or a config says of itself, by its labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// What its name begins with; empty where Windlass did not make it.
    pub prefix: String,
    /// The version of a secret, likewise.
    pub version: String,
    /// The id of the configuration that made it, likewise.
    pub instance: String,
    /// The other labels.
    pub labels: BTreeMap<String, String>,
}

/// The secrets, or the configs, of a swarm.
#[derive(Clone, Debug)]
pub struct LastingFiles {
    kind: FileKind,
    api: Api,
}

impl LastingFiles {
    /// Those of `kind` in the swarm of the manager `engine`.
    pub fn of(kind: FileKind, engine: &Engine) -> Self {
        Self { kind, api: Api::of(engine.clone()) }
    }

    /// The one with this id, or this name; `None` where there is none.
    ///
    /// # Errors
    /// When the swarm does not tell, as all calls here.
    pub async fn find(&self, id: &str) -> Result<Option<LastingFile>, Error> {
        let operation = || format!("inspect the {} {id}", self.kind.word());
        let api = self.api.engine().api();
        let found = match self.kind {
            FileKind::Secret => self.api.found(api.inspect_secret(id).await, operation)?.map(as_config),
            FileKind::Config => self.api.found(api.inspect_config(id).await, operation)?,
        };
        // The beginning of an id would do for the engine.
        Ok(found.map(LastingFile::from_api).filter(|one| one.id == id || one.name == id))
    }

    /// Makes one and returns its id.
    ///
    /// # Errors
    /// Also when the name is taken.
    pub async fn make(&self, name: &str, marks: &Marks, content: &[u8]) -> Result<String, Error> {
        let spec = json!({ "Labels": marks.to_labels(None) });
        let file = NewFile { kind: self.kind, content: FileContent::External, spec };
        self.api.create_file(name, &file, content).await
    }

    /// Has one say this of itself, and that it is to stay.
    ///
    /// # Errors
    /// Also when it is gone.
    pub async fn mark(&self, file: &LastingFile, marks: &Marks) -> Result<(), Error> {
        if !file.superseded && file.marks == *marks {
            return Ok(());
        }
        self.relabel(file, marks.to_labels(None)).await
    }

    /// Lets one go once nothing needs it, because `successor` has taken its place; that is empty where
    /// nothing has. `None` when it is gone, else the services that still use it.
    ///
    /// # Errors
    /// Only the label counts: what could not be removed is tried again by every stack's apply.
    pub async fn let_go(&self, file: &LastingFile, successor: &str) -> Result<Option<Vec<String>>, Error> {
        if !file.superseded {
            self.relabel(file, file.marks.to_labels(Some(successor))).await?;
        }
        forget_unneeded(&self.api).await;
        if self.find(&file.id).await?.is_none() {
            return Ok(None);
        }
        self.users(&file.id).await.map(Some)
    }

    /// Removes one.
    ///
    /// # Errors
    /// Also while a service uses it.
    pub async fn remove(&self, file: &LastingFile) -> Result<(), Error> {
        self.api.remove_file(self.kind, &file.id).await
    }

    /// The services that use one.
    ///
    /// # Errors
    /// As all calls here.
    pub async fn users(&self, id: &str) -> Result<Vec<String>, Error> {
        let specs = self.api.services(None).await?.into_iter().filter_map(|service| service.spec);
        let mut names: Vec<String> =
            specs.filter(|spec| unneeded::uses(spec, id)).filter_map(|spec| spec.name.clone()).collect();
        names.sort();
        Ok(names)
    }

    async fn relabel(&self, file: &LastingFile, labels: HashMap<String, String>) -> Result<(), Error> {
        let mut version = file.version;
        for last in [false, true] {
            match self.send_labels(file, version, labels.clone()).await {
                Err(source) if !last && is_conflict(&source) => {
                    version = self.find(&file.id).await?.map_or(version, |found| found.version);
                }
                done => {
                    return done.map_err(|source| {
                        self.api.error(&format!("label the {} {}", self.kind.word(), file.name), source)
                    });
                }
            }
        }
        Ok(())
    }

    async fn send_labels(
        &self,
        file: &LastingFile,
        version: u64,
        labels: HashMap<String, String>,
    ) -> Result<(), bollard::errors::Error> {
        let version = i64::try_from(version).unwrap_or(i64::MAX);
        let (name, labels, api) = (Some(file.name.clone()), Some(labels), self.api.engine().api());
        match self.kind {
            FileKind::Secret => {
                let options = UpdateSecretOptionsBuilder::default().version(version).build();
                api.update_secret(&file.id, SecretSpec { name, labels, ..SecretSpec::default() }, options)
                    .await
            }
            FileKind::Config => {
                let options = UpdateConfigOptionsBuilder::default().version(version).build();
                api.update_config(&file.id, ConfigSpec { name, labels, ..ConfigSpec::default() }, options)
                    .await
            }
        }
    }
}

impl LastingFile {
    fn from_api(found: Config) -> Self {
        let content = data_of(&found);
        let spec = found.spec.unwrap_or_default();
        let mut labels: BTreeMap<String, String> = spec.labels.unwrap_or_default().into_iter().collect();
        let superseded = labels.remove(SUPERSEDED).is_some();
        let mut ours = |label: &str| labels.remove(label).unwrap_or_default();
        let (prefix, version, instance) = (ours(LABEL_NAME), ours(LABEL_VERSION), ours(LABEL_INSTANCE));
        Self {
            id: found.id.unwrap_or_default(),
            name: spec.name.unwrap_or_default(),
            marks: Marks { prefix, version, instance, labels },
            superseded,
            content,
            version: found.version.and_then(|version| version.index).unwrap_or_default(),
        }
    }
}

impl Marks {
    fn to_labels(&self, successor: Option<&str>) -> HashMap<String, String> {
        let mut labels: HashMap<String, String> = self.labels.clone().into_iter().collect();
        let ours = [
            (LABEL_NAME, Some(self.prefix.as_str()).filter(|text| !text.is_empty())),
            (LABEL_VERSION, Some(self.version.as_str()).filter(|text| !text.is_empty())),
            (LABEL_INSTANCE, Some(self.instance.as_str()).filter(|text| !text.is_empty())),
            (SUPERSEDED, successor),
        ];
        labels.extend(
            ours.into_iter().filter_map(|(label, value)| Some((label.to_owned(), value?.to_owned()))),
        );
        labels
    }
}

/// Both are the same thing to the API, but for what a swarm tells of it.
fn as_config(secret: bollard::models::Secret) -> Config {
    let spec = secret.spec.unwrap_or_default();
    Config {
        id: secret.id,
        version: secret.version,
        spec: Some(ConfigSpec { name: spec.name, labels: spec.labels, ..ConfigSpec::default() }),
        ..Config::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_say_what_is_known_and_are_read_again() {
        let marks = Marks {
            prefix: "db".into(),
            version: "1".into(),
            instance: "i1".into(),
            labels: BTreeMap::from([("owner".into(), "ann".into())]),
        };
        let labels = marks.to_labels(Some("db-v2"));
        assert_eq!(labels.len(), 5);
        assert_eq!(labels["windlass.superseded"], "db-v2");
        let spec = ConfigSpec { name: Some("db-v1".into()), labels: Some(labels), ..ConfigSpec::default() };
        let found =
            LastingFile::from_api(Config { id: Some("c1".into()), spec: Some(spec), ..Config::default() });
        assert_eq!(
            found,
            LastingFile {
                id: "c1".into(),
                name: "db-v1".into(),
                marks,
                superseded: true,
                ..LastingFile::default()
            }
        );
        assert_eq!(Marks::default().to_labels(None), HashMap::new());
    }

    #[test]
    fn a_secret_is_read_like_a_config() {
        // Cut down from GET /secrets/… of Docker 26.1.5.
        let json = json!({"ID": "k9", "Version": {"Index": 12}, "CreatedAt": "2026-11-29T20:00:00Z",
            "Spec": {"Name": "db", "Labels": {"owner": "ann"}}});
        let found = LastingFile::from_api(as_config(serde_json::from_value(json).unwrap()));
        assert_eq!((found.id.as_str(), found.name.as_str(), found.version), ("k9", "db", 12));
        assert_eq!(found.marks.labels["owner"], "ann");
        assert!(!found.superseded && found.content.is_empty());
    }
}
