//! How an apply goes about it: what it fetches, runs, waits for, keeps and removes.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use compose::Job;
use docker::Registry;
use http::probe::Probe;
use secret::{Scrubber, Secret};

/// How many good applies' images are kept where nobody says otherwise.
pub const KEEP_IMAGES: usize = 2;
/// How long a job may take where nobody says otherwise.
pub const JOB_LIMIT: Duration = Duration::from_secs(10 * 60);

/// How an apply goes about it.
#[derive(Clone, Debug, Default)]
pub struct DeployOptions {
    /// Which images are fetched.
    pub pull: PullPolicy,
    /// What becomes of services that have left the files.
    pub orphans: Orphans,
    /// What becomes of the stack when the apply fails.
    pub on_failure: OnFailure,
    /// How many good applies' images are kept, this one's among them.
    pub keep_images: usize,
    /// How long a service that its restart policy starts again has until it stays, beyond the start
    /// period of its health check; not at all by default.
    pub start_timeout: Duration,
    /// The jobs, in their order.
    pub jobs: Vec<JobSpec>,
    /// The probes, in their order.
    pub probes: Vec<ProbeSpec>,
    /// The real values of what placeholders stand for in the spec.
    pub secrets: Secrets,
    /// The registries that we can log in to.
    pub registries: Vec<Registry>,
}

/// Which images are fetched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PullPolicy {
    /// Those that the host does not have.
    #[default]
    Missing,
    /// All, but those that a digest names.
    Always,
    /// None: the host must have them.
    Never,
}

/// What becomes of the containers of services that have left the files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Orphans {
    /// They are removed.
    #[default]
    Remove,
    /// They stay as they are.
    Keep,
}

/// What becomes of a stack whose apply fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// It goes back to what the last good apply made; a first one is taken down again.
    #[default]
    Rollback,
    /// It stays as it is.
    Keep,
}

/// On which side of the services' start a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Between pulling and starting.
    Before,
    /// Once all is well.
    After,
}

/// A job of the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct JobSpec {
    /// What is run; its name is unique in the stack.
    pub job: Job,
    pub when: When,
    /// The services that are well before it runs.
    pub needs: BTreeSet<String>,
    /// Whether every apply runs it, and not only one that changes something.
    pub always: bool,
}

/// From where a probe is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeOrigin {
    /// The host of the stack.
    Host,
    /// This machine.
    Here,
}

/// A probe of the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct ProbeSpec {
    /// What is asked, how long and how often.
    pub probe: Probe,
    pub from: ProbeOrigin,
}

/// The real values of what placeholders stand for.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// Of variables, by name.
    pub values: BTreeMap<String, Secret>,
    /// Another version may have other values.
    pub version: String,
    /// The contents of secret files, by path.
    pub files: BTreeMap<String, Secret>,
    /// Another version may have other contents.
    pub files_version: String,
}

impl DeployOptions {
    /// Knows every secret that foreign words may repeat.
    pub fn scrubber(&self) -> Scrubber {
        let passwords = self.registries.iter().map(|registry| &registry.password);
        let secrets = self.secrets.values.values().chain(self.secrets.files.values());
        Scrubber::new(secrets.chain(passwords).cloned())
    }
}

impl JobSpec {
    /// Whether it is the very run that `other` is, however long it may take and whenever it is due.
    pub(crate) fn is_run_of(&self, other: &Self) -> bool {
        let run = |one: &Self| Job { limit: JOB_LIMIT, ..one.job.clone() };
        run(self) == run(other) && self.when == other.when && self.needs == other.needs
    }
}

impl ProbeSpec {
    /// Whether it asks what `other` asks, however long it may take.
    fn asks_as(&self, other: &Self) -> bool {
        self.probe.target == other.probe.target && self.from == other.from
    }
}

/// Whether some of `probes` have not been made like that before.
pub fn has_new_probes(prior: &[ProbeSpec], probes: &[ProbeSpec]) -> bool {
    probes.iter().any(|one| !prior.iter().any(|other| one.asks_as(other)))
}
