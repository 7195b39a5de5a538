//! What a swarm has of a stack.

use std::collections::{BTreeMap, BTreeSet};

use bollard::models::ServiceUpdateStatusStateEnum as UpdateState;
use docker::Engine;
use serde_json::{Value, json};

use super::{
    StackError,
    api::{Api, Object, version_of},
    record::Record,
    translate::{LABEL_CONFIG, LABEL_ENVIRONMENT, LABEL_FILES, LABEL_IMAGE, LABEL_RUN},
    wanted::{FileKind, ServiceMode},
};
use crate::spec::{ApiService as Service, Spec};

/// What stands in the place of a hash of something that somebody else has changed.
pub const CHANGED: &str = "changed";

/// How a service that is well is called.
pub const RUNNING: &str = "running";
/// How a job that is well is called, also while it runs.
pub const JOB: &str = "job";

/// A service of a stack.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LiveService {
    pub(super) id: String,
    pub(super) version: u64,
    pub(super) spec: Spec,
    /// All that the swarm says of it.
    pub(super) service: Service,
}

/// What a swarm has of a stack.
#[derive(Clone, Debug, Default)]
pub struct LiveStack {
    /// By what the files call them.
    pub(super) services: BTreeMap<String, LiveService>,
    pub(super) networks: Vec<Object>,
    pub(super) files: BTreeMap<FileKind, Vec<Object>>,
    /// What the last good apply has left.
    pub(super) record: Option<Record>,
    /// Ids of services of jobs: no job runs while nobody works on the stack.
    pub(super) leftovers: Vec<String>,
}

/// A service as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct ObservedService {
    /// The image, without the digest that it was found to have.
    pub image: String,
    /// That digest: `sha256:…`; empty where nobody has asked.
    pub image_digest: String,
    pub mode: String,
    /// `None` where the nodes decide.
    pub replicas: Option<u64>,
    pub environment_hash: String,
    pub files_hash: String,
    /// [`CHANGED`] where the service is not what was deployed.
    pub config_hash: String,
    pub ports: Vec<String>,
    /// [`RUNNING`] or [`JOB`], else why its last update stands still.
    pub status: String,
}

impl LiveStack {
    /// What the swarm of the manager `engine` has of the stack `name`.
    ///
    /// # Errors
    /// When it does not tell.
    pub async fn inspect(engine: &Engine, name: &str) -> Result<Self, StackError> {
        let api = Api::of(engine.clone());
        let (services, networks, secrets, configs, record) = tokio::join!(
            api.services(Some(name)),
            api.networks(Some(name)),
            api.files(FileKind::Secret, Some(name)),
            api.files(FileKind::Config, Some(name)),
            Record::find(&api, name),
        );
        let files = BTreeMap::from([(FileKind::Secret, secrets?), (FileKind::Config, configs?)]);
        let record = record?.map(|(_, record)| record);
        Ok(Self { networks: networks?, files, ..Self::running(name, services?, record) })
    }

    /// What runs of the stack `name`, of whose networks and files nobody has asked.
    pub(super) fn running(name: &str, services: Vec<Service>, record: Option<Record>) -> Self {
        let (runs, services): (Vec<_>, Vec<_>) = services.into_iter().partition(is_run);
        let leftovers = runs.into_iter().filter_map(|service| service.id).collect();
        let services = services.into_iter().map(|service| LiveService::named(name, service)).collect();
        Self { services, record, leftovers, ..Self::default() }
    }

    /// Whether there is nothing of it.
    pub fn is_absent(&self) -> bool {
        self.services.is_empty() && self.record.is_none()
    }

    /// The names of its services.
    pub fn service_names(&self) -> Vec<String> {
        self.services.keys().cloned().collect()
    }

    /// The id of the configuration that made it; `None` where Windlass did not.
    pub fn instance(&self) -> Option<&str> {
        self.record.as_ref().map(|record| record.instance.as_str())
    }

    /// The services as they are.
    pub fn observed(&self) -> BTreeMap<String, ObservedService> {
        let all = self.services.iter();
        all.map(|(name, live)| (name.clone(), self.observe(name, live))).collect()
    }

    fn observe(&self, name: &str, live: &LiveService) -> ObservedService {
        let label = |label: &str| {
            live.spec.labels.as_ref().and_then(|labels| labels.get(label)).cloned().unwrap_or_default()
        };
        let (image, image_digest) = live.image();
        let as_deployed = self.record.as_ref().and_then(|record| record.services.get(name));
        let is_changed = as_deployed.is_some_and(|spec| sealed(spec) != sealed(&live.spec));
        let mode = live.mode();
        ObservedService {
            // A tag that the engine has spelled out is the files' own.
            image: if docker::registry::tagged(&label(LABEL_IMAGE)) == docker::registry::tagged(&image) {
                label(LABEL_IMAGE)
            } else {
                image
            },
            image_digest,
            mode: mode.word().to_owned(),
            replicas: live.replicas(),
            environment_hash: label(LABEL_ENVIRONMENT),
            files_hash: label(LABEL_FILES),
            config_hash: if is_changed { CHANGED.to_owned() } else { label(LABEL_CONFIG) },
            ports: live.ports(),
            status: live.paused().map_or_else(|| steady(mode).to_owned(), |(word, _)| word.to_owned()),
        }
    }

    /// The names of services that are not among `services`.
    pub(super) fn orphans(&self, services: &BTreeSet<&String>) -> Vec<(&String, &LiveService)> {
        self.services.iter().filter(|(name, _)| !services.contains(name)).collect()
    }
}

/// Whether it is the service of a job.
fn is_run(service: &Service) -> bool {
    let labels = service.spec.as_ref().and_then(|spec| spec.labels.as_ref());
    labels.is_some_and(|labels| labels.contains_key(LABEL_RUN))
}

/// The status of a service that is well.
pub fn steady(mode: ServiceMode) -> &'static str {
    if mode.is_job() { JOB } else { RUNNING }
}

impl LiveService {
    /// A service of the stack `stack`, by what the files call it.
    pub(super) fn named(stack: &str, service: Service) -> (String, Self) {
        let spec = service.spec.clone().unwrap_or_default();
        let name = spec.name.clone().unwrap_or_default();
        let short = name.strip_prefix(stack).and_then(|rest| rest.strip_prefix('_')).unwrap_or(&name);
        let live =
            Self { id: service.id.clone().unwrap_or_default(), version: version_of(&service), spec, service };
        (short.to_owned(), live)
    }

    /// Its image without a digest, and the digest.
    pub(super) fn image(&self) -> (String, String) {
        let container = self.spec.task_template.as_ref().and_then(|task| task.container_spec.as_ref());
        let image = container.and_then(|container| container.image.clone()).unwrap_or_default();
        match image.split_once('@') {
            // An image that the files name by its digest keeps it.
            Some((name, digest)) if docker::registry::split_tag(name).1.is_some() => {
                (name.to_owned(), digest.to_owned())
            }
            _ => (image, String::new()),
        }
    }

    pub(super) fn mode(&self) -> ServiceMode {
        let mode = self.spec.mode.clone().unwrap_or_default();
        if mode.global.is_some() {
            ServiceMode::Global
        } else if mode.replicated_job.is_some() {
            ServiceMode::ReplicatedJob
        } else if mode.global_job.is_some() {
            ServiceMode::GlobalJob
        } else {
            ServiceMode::Replicated
        }
    }

    pub(super) fn replicas(&self) -> Option<u64> {
        let mode = self.spec.mode.as_ref()?;
        let count = match (&mode.replicated, &mode.replicated_job) {
            (Some(replicated), _) => replicated.replicas,
            (_, Some(job)) => job.total_completions,
            _ => return None,
        };
        Some(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(1))
    }

    fn ports(&self) -> Vec<String> {
        let ports = self.spec.endpoint_spec.as_ref().and_then(|endpoint| endpoint.ports.clone());
        let mut ports = ports.unwrap_or_default();
        ports.sort_by_key(|port| {
            (port.published_port, port.target_port, port.protocol.map(|one| one.to_string()))
        });
        ports.iter().map(|port| super::translate::shown_port(&json!(port))).collect()
    }

    /// Why nothing moves any more before somebody updates it: a word for it, and what the swarm says.
    pub(super) fn paused(&self) -> Option<(&'static str, String)> {
        match self.update_state()? {
            UpdateState::PAUSED => Some(("paused", self.update_message())),
            UpdateState::ROLLBACK_PAUSED => Some(("rollback paused", self.update_message())),
            _ => None,
        }
    }

    /// How its last update stands.
    pub(super) fn update_state(&self) -> Option<UpdateState> {
        self.service.update_status.as_ref()?.state
    }

    pub(super) fn update_message(&self) -> String {
        self.service.update_status.as_ref().and_then(|status| status.message.clone()).unwrap_or_default()
    }
}

/// What tells a service that somebody has changed from one that nobody has: all but what is told apart
/// (image and replicas), what only starts tasks anew, and where a drain keeps them away from.
pub(super) fn sealed(spec: &Spec) -> Value {
    let mut value = spec.whole().clone();
    for (place, field) in [
        ("/Mode/Replicated", "Replicas"),
        ("/TaskTemplate", "ForceUpdate"),
        ("/TaskTemplate/ContainerSpec", "Image"),
    ] {
        if let Some(fields) = value.pointer_mut(place).and_then(Value::as_object_mut) {
            fields.remove(field);
        }
    }
    if let Some(placement) = value.pointer_mut("/TaskTemplate/Placement").and_then(Value::as_object_mut) {
        let kept = |one: &Value| !one.as_str().unwrap_or_default().replace(' ', "").starts_with("node.id!=");
        if let Some(constraints) = placement.get_mut("Constraints").and_then(Value::as_array_mut) {
            constraints.retain(kept);
        }
        placement.retain(|_, value| value.as_array().is_none_or(|list| !list.is_empty()));
    }
    if let Some(task) = value.pointer_mut("/TaskTemplate").and_then(Value::as_object_mut)
        && task.get("Placement").and_then(Value::as_object).is_some_and(serde_json::Map::is_empty)
    {
        task.remove("Placement");
    }
    value
}
