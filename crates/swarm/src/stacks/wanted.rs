//! What the files want of a swarm: what is translated, before anything is asked or changed.

use std::collections::{BTreeMap, BTreeSet};

use compose::{
    ReadyState,
    policy::{Facts, Subject},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a service runs, in the words of Compose files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the variants are what their names say")]
pub enum ServiceMode {
    Replicated,
    Global,
    ReplicatedJob,
    GlobalJob,
}

impl ServiceMode {
    /// The mode that a Compose file calls `word`.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "" | "replicated" => Self::Replicated,
            "global" => Self::Global,
            "replicated-job" => Self::ReplicatedJob,
            "global-job" => Self::GlobalJob,
            _ => return None,
        })
    }

    /// As a Compose file calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Replicated => "replicated",
            Self::Global => "global",
            Self::ReplicatedJob => "replicated-job",
            Self::GlobalJob => "global-job",
        }
    }

    /// Whether it runs to its end.
    pub fn is_job(self) -> bool {
        matches!(self, Self::ReplicatedJob | Self::GlobalJob)
    }
}

/// What the files want of one service, in the form that is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct WantedService {
    /// The reference of its image, as the files have it.
    pub image: String,
    pub mode: ServiceMode,
    /// How many there are to be; `None` where the nodes decide.
    pub replicas: Option<u64>,
    /// A hash over its environment, placeholders in the place of secrets.
    pub environment_hash: String,
    /// A hash over the secrets and configs that it uses; empty where it uses none.
    pub files_hash: String,
    /// A hash over all that the swarm is told of it, but for the number of replicas.
    pub config_hash: String,
    /// What it publishes.
    pub ports: Vec<String>,
    /// Whether the files tell how it is known to be well.
    #[serde(default)]
    pub health_check: bool,
    /// What the rules of `require` look at.
    #[serde(default, skip_serializing_if = "Facts::is_default")]
    pub facts: Facts,
}

/// A service as the swarm is told.
#[derive(Clone, Debug, PartialEq)]
pub struct NewService {
    /// What is remembered of it.
    pub wanted: WantedService,
    /// What goes to `POST /services/create`, but for ids of secrets and configs, and with placeholders
    /// in the place of secrets.
    pub spec: Value,
    /// Its networks, by the keys that they have in the files.
    pub networks: BTreeSet<String>,
}

/// A network of a stack.
#[derive(Clone, Debug, PartialEq)]
pub struct NewNetwork {
    /// What it is called in the swarm.
    pub name: String,
    /// Whether the files say that it is there already.
    pub external: bool,
    /// Whether the files themselves choose the name.
    pub named: bool,
    /// What goes to `POST /networks/create`.
    pub spec: Value,
    /// A hash over that.
    pub hash: String,
}

/// Whether something is a secret or a config of a swarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileKind {
    /// Encrypted in the swarm, and in memory on nodes.
    Secret,
    /// Plain.
    Config,
}

impl FileKind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Config => "config",
        }
    }
}

/// Where the content of a secret or a config comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileContent {
    /// It is in the swarm already.
    External,
    /// It is known.
    Text(String),
    /// It is a file that is shipped.
    Shipped(String),
    /// It is the value of a variable that is a secret.
    Secret(String),
    /// It is a secret file.
    SecretFile(String),
    /// A plug-in knows it.
    Driver,
}

/// A secret or a config of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Which of the two.
    pub kind: FileKind,
    /// Where its content comes from.
    pub content: FileContent,
    /// What goes to the swarm beside name and content.
    pub spec: Value,
}

/// What the files want.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct Wanted {
    pub services: BTreeMap<String, NewService>,
    /// The services that only jobs run.
    pub runs: BTreeMap<String, NewService>,
    /// By their keys in the files.
    pub networks: BTreeMap<String, NewNetwork>,
    /// By kind and name in the swarm.
    pub files: BTreeMap<(FileKind, String), NewFile>,
    /// What a swarm does not do: keys of services, and of what else the files name.
    pub ignored: BTreeMap<String, BTreeSet<String>>,
}

/// What is remembered of [`Wanted`], and what digest its inputs had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct WantedStack {
    pub digest: String,
    pub services: BTreeMap<String, WantedService>,
    /// The services that only jobs run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub runs: BTreeMap<String, WantedService>,
}

impl Wanted {
    /// What is remembered of it.
    pub fn remembered(&self, digest: String) -> WantedStack {
        let all = |services: &BTreeMap<String, NewService>| {
            services.iter().map(|(name, one)| (name.clone(), one.wanted.clone())).collect()
        };
        WantedStack { digest, services: all(&self.services), runs: all(&self.runs) }
    }

    /// The service that a job is a run of.
    pub fn run_of(&self, service: &str) -> Option<&NewService> {
        self.services.get(service).or_else(|| self.runs.get(service))
    }
}

impl WantedStack {
    /// The services, also those that only jobs run, as the rules of `require` see them.
    pub fn subjects(&self) -> BTreeMap<String, Subject<'_>> {
        let subject = |one: &WantedService| match one {
            one if one.mode.is_job() => ReadyState::Completed,
            WantedService { replicas: Some(0), .. } => ReadyState::Idle,
            WantedService { health_check: true, .. } => ReadyState::Healthy,
            _ => ReadyState::Running,
        };
        let services = self.services.iter().map(|(name, one)| (name, one, subject(one)));
        let runs = self.runs.iter().map(|(name, one)| (name, one, ReadyState::Completed));
        let all = services.chain(runs).map(|(name, one, ready)| {
            (name.clone(), Subject { image: Some(&one.image), ready, facts: &one.facts })
        });
        all.collect()
    }
}
