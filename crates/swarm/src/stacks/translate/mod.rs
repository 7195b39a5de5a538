//! From what `docker compose config` says to what a swarm takes, as `docker stack deploy` would have
//! it. Pure: the same files are the same stack.
//!
//! Where this says more than the files' own words: a network of the driver `bridge` becomes an overlay
//! (tasks of several nodes are on it), and limits of memory and processors by their older keys become
//! those of `deploy.resources`.

mod container;
mod deploy;
mod files;
mod json;
mod keys;
mod mounts;
mod networks;
mod ports;
mod problem;
mod service;

use std::collections::{BTreeMap, BTreeSet};

pub use compose::LABEL_RUN;
use secret::Secret;
use serde_json::Value;
use stack::StackSpec;
use tree::{Tree, sha256};

use super::wanted::{FileKind, NewNetwork, Wanted};
pub use json::{is_set, map_texts};
pub use ports::shown as shown_port;
pub use problem::Problem;

/// The label by which everything of a stack is known.
pub const LABEL_STACK: &str = "com.docker.stack.namespace";
/// The label with the image as the files have it.
pub const LABEL_IMAGE: &str = "com.docker.stack.image";
/// The label with the hash over what the swarm was told of a service.
pub const LABEL_CONFIG: &str = "windlass.config-hash";
/// The label with the hash over a service's environment.
pub const LABEL_ENVIRONMENT: &str = "windlass.environment-hash";
/// The label with the hash over the secrets and configs that a service uses.
pub const LABEL_FILES: &str = "windlass.files-hash";
/// The label with the hash over what a network was made with.
pub const LABEL_NETWORK: &str = "windlass.network-hash";

/// What there is to translate.
pub struct Files<'a> {
    /// The name of the stack.
    pub name: &'a str,
    /// The directory that the files are resolved for. It is on no node.
    pub root: &'a str,
    /// What Compose says.
    pub document: &'a Value,
    /// The services in it that only jobs run.
    pub runs: &'a BTreeSet<String>,
    /// What is shipped.
    pub source: &'a Tree,
    /// Paths of secret files to what stands for their contents.
    pub secret_files: &'a BTreeMap<String, String>,
    /// Plain variables.
    pub environment: &'a BTreeMap<String, String>,
    /// Names of secrets to what stands for them.
    pub secrets: &'a BTreeMap<String, Secret>,
    /// Keys that may be lost although this changes the meaning: `key` or `service.key`.
    pub accepted: &'a BTreeSet<String>,
}

impl<'a> Files<'a> {
    /// Those of `spec`.
    pub fn of(
        spec: &'a StackSpec,
        root: &'a str,
        (document, runs): (&'a Value, &'a BTreeSet<String>),
        accepted: &'a BTreeSet<String>,
    ) -> Self {
        Self {
            name: &spec.name,
            root,
            document,
            runs,
            source: &spec.source,
            secret_files: &spec.secret_files,
            environment: &spec.environment,
            secrets: &spec.placeholders,
            accepted,
        }
    }

    /// The name in the swarm of what the files call `key`.
    fn scoped(&self, key: &str) -> String {
        format!("{}_{key}", self.name)
    }

    /// `labels` and that of the stack.
    fn labels(&self, labels: &Value) -> Value {
        let mut labels = json::texts(labels);
        labels.insert(LABEL_STACK.to_owned(), self.name.to_owned());
        serde_json::json!(labels)
    }

    /// The path in what is shipped of an absolute one.
    fn inside(&self, path: &str) -> Option<String> {
        path.strip_prefix(self.root)?.strip_prefix('/').map(str::to_owned)
    }
}

/// What the files want, or everything that is in the way.
///
/// # Errors
/// Each [`Problem`].
pub fn translate(files: &Files<'_>) -> Result<Wanted, Vec<Problem>> {
    // Compose doubles what would begin a variable, for those who read its answer as a Compose file.
    let document = map_texts(files.document.clone(), &|text| text.replace("$$", "$"));
    let files = &Files { document: &document, ..*files };
    let mut problems = Vec::new();
    let mut wanted = Wanted::default();
    let networks = networks::all(files, &mut wanted.ignored, &mut problems);
    let named = files::all(files, &mut problems);
    let (mut used_networks, mut used_files) = (BTreeSet::new(), BTreeSet::new());
    for (name, body) in json::fields(&document["services"]) {
        let Some(body) = body.as_object() else { continue };
        let mut task = service::Translation {
            files,
            name,
            body,
            networks: &networks,
            named: &named,
            problems: &mut problems,
        };
        let (service, ignored, mounted) = task.service();
        if !ignored.is_empty() {
            wanted.ignored.entry(name.clone()).or_default().extend(ignored);
        }
        used_networks.extend(service.networks.iter().cloned());
        used_files.extend(mounted);
        let is_run = files.runs.contains(name);
        if is_run { &mut wanted.runs } else { &mut wanted.services }.insert(name.clone(), service);
    }
    let only = |kind: FileKind, name: &String| used_files.contains(&(kind, name.clone()));
    wanted.files = named.into_values().filter(|(id, _)| only(id.0, &id.1)).collect();
    let is_used = |(key, _): &(String, NewNetwork)| used_networks.contains(key);
    wanted.networks = networks.into_iter().filter(is_used).collect();
    if problems.is_empty() { Ok(wanted) } else { Err(problems) }
}

/// A hash over a JSON value, whose fields are in order.
fn hash(value: &Value) -> String {
    sha256(value.to_string().as_bytes())
}

#[cfg(test)]
mod tests;
