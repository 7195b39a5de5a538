//! The attributes of `windlass_compose_stack`, and how services become attributes.

#[cfg(test)]
mod files_tests;
mod spec;

use std::collections::{BTreeMap, BTreeSet};

use framework::{Field, Model};
use secret::Secret;
use stack::{ObservedService, Orphans, PlannedService, SourceSize};

use crate::{
    require::RequireBlock,
    stacks::blocks::{JobBlock, ProbeBlock},
};
pub(super) use spec::prior;

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct StackModel {
    pub(crate) host: Field<String>,
    pub(crate) name: Field<String>,
    pub(crate) directory: Field<String>,
    pub(crate) source_dir: Field<String>,
    pub(crate) file_modes: Field<String>,
    pub(crate) seed_files: Field<Vec<String>>,
    pub(crate) files: Field<Vec<String>>,
    pub(crate) env_file: Field<String>,
    pub(crate) config: Field<Vec<String>>,
    pub(crate) files_content: Field<BTreeMap<String, String>>,
    pub(crate) profiles: Field<BTreeSet<String>>,
    pub(crate) start_services: Field<BTreeSet<String>>,
    pub(crate) wait_for: Field<BTreeMap<String, String>>,
    pub(crate) environment: Field<BTreeMap<String, Field<String>>>,
    pub(crate) undefined_variables: Field<String>,
    pub(crate) host_env: Field<String>,
    pub(crate) secrets_wo: Field<BTreeMap<String, Field<Secret>>>,
    pub(crate) secrets_wo_version: Field<String>,
    pub(crate) secrets_sops_file: Field<String>,
    pub(crate) secret_files_wo: Field<BTreeMap<String, Field<Secret>>>,
    pub(crate) secret_files_wo_version: Field<String>,
    pub(crate) pull: Field<String>,
    pub(crate) build: Field<bool>,
    pub(crate) images: Field<BTreeMap<String, Field<String>>>,
    pub(crate) keep_images: Field<u64>,
    pub(crate) on_failure: Field<String>,
    pub(crate) start_timeout: Field<String>,
    pub(crate) remove_orphans: Field<bool>,
    pub(crate) remove_volumes_on_destroy: Field<bool>,
    pub(crate) on_destroy: Field<String>,
    pub(crate) require: Field<Vec<RequireBlock>>,
    pub(crate) job: Field<Vec<JobBlock>>,
    pub(crate) probe: Field<Vec<ProbeBlock>>,
    pub(crate) reload: Field<Vec<ReloadBlock>>,
    pub(crate) id: Field<String>,
    pub(crate) source_hash: Field<String>,
    pub(crate) source_files: Field<u64>,
    pub(crate) source_bytes: Field<u64>,
    pub(crate) secrets_sops_hash: Field<String>,
    pub(crate) image_digests: Field<BTreeMap<String, String>>,
    pub(crate) services: Field<BTreeMap<String, Service>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct ReloadBlock {
    pub(crate) files: Field<Vec<String>>,
    pub(crate) services: Field<BTreeSet<String>>,
    pub(crate) command: Field<Vec<String>>,
}

/// A service as the state shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct Service {
    pub(crate) image: Field<String>,
    pub(crate) image_id: Field<String>,
    pub(crate) environment_hash: Field<String>,
    pub(crate) files_hash: Field<String>,
    pub(crate) config_hash: Field<String>,
    pub(crate) status: Field<String>,
    pub(crate) replicas: Field<u64>,
    pub(crate) containers: Field<Vec<String>>,
    pub(crate) ports: Field<Vec<String>>,
}

/// The default of `undefined_variables`.
pub(super) const UNDEFINED_ERROR: &str = "error";
/// The other word for it: they are empty.
pub(super) const UNDEFINED_WARN: &str = "warn";
/// The default of `on_failure`.
pub(super) const ROLLBACK: &str = "rollback";
/// The default of `host_env`.
pub(super) const REFUSE: &str = "refuse";
/// The `host_env` by which the values of the server's own `.env` count.
pub(super) const MERGE: &str = "merge";
/// `keep_images` where nobody says otherwise.
pub(super) const KEEP_IMAGES: u64 = stack::KEEP_IMAGES as u64;

/// What an import id may tell of the configuration.
pub(super) const IMPORT_SETTINGS: &[&str] =
    &["source_dir", "files", "profiles", "start_services", "host_env", "undefined_variables"];

impl StackModel {
    /// Takes over what an import id says of the configuration.
    pub(super) fn set_imported(&mut self, setting: &str, value: &str) -> bool {
        let is_one_of = |words: [&str; 2]| words.contains(&value);
        match setting {
            "source_dir" => self.source_dir = value.into(),
            "files" => push(&mut self.files, value),
            "profiles" => insert(&mut self.profiles, value),
            "start_services" => insert(&mut self.start_services, value),
            "host_env" if is_one_of([REFUSE, MERGE]) => self.host_env = value.into(),
            "undefined_variables" if is_one_of([UNDEFINED_ERROR, UNDEFINED_WARN]) => {
                self.undefined_variables = value.into();
            }
            _ => return false,
        }
        !value.is_empty()
    }

    /// The name, or nothing while it is unknown.
    pub(super) fn name(&self) -> &str {
        self.name.as_str().unwrap_or_default()
    }

    /// Whether the values of the server's own `.env` count; `None` while that is unknown.
    pub(super) fn merges_host_env(&self) -> Option<bool> {
        self.host_env.decided().ok().map(|word| word.map(String::as_str) == Some(MERGE))
    }

    /// What becomes of services that have left the files.
    pub(super) fn orphans(&self) -> Orphans {
        if self.remove_orphans.known() == Some(&false) { Orphans::Keep } else { Orphans::Remove }
    }

    /// The services as they were observed; none while they are unknown.
    pub(super) fn observed(&self) -> BTreeMap<String, ObservedService> {
        let services = self.services.known().into_iter().flatten();
        services.map(|(name, service)| (name.clone(), service.observed())).collect()
    }

    /// Says how much is shipped.
    pub(super) fn set_size(&mut self, size: SourceSize) {
        self.source_files = Field::Known(size.files);
        self.source_bytes = Field::Known(size.bytes);
    }

    /// Whether the end of the stack is none of its host's business.
    pub(super) fn is_abandoned(&self) -> bool {
        self.on_destroy.as_str() == Some("abandon")
    }
}

impl Service {
    /// A service that is not there.
    pub(super) fn absent() -> Self {
        Self::of(&PlannedService::from(&ObservedService::default()))
    }

    /// The service as the engine plans or observes it.
    pub(super) fn of(service: &PlannedService) -> Self {
        let open = |value: &Option<String>| value.as_deref().map_or(Field::Unknown, text);
        let list = |list: &Option<Vec<String>>| list.clone().map_or(Field::Unknown, Field::Known);
        Self {
            image: open(&service.image),
            image_id: open(&service.image_id),
            environment_hash: open(&service.environment_hash),
            files_hash: text(&service.files_hash),
            config_hash: open(&service.config_hash),
            status: text(&service.status),
            replicas: Field::Known(service.replicas.into()),
            containers: list(&service.containers),
            ports: list(&service.ports),
        }
    }

    /// The same, as the engine knows it.
    fn observed(&self) -> ObservedService {
        let list = |field: &Field<Vec<String>>| field.known().cloned().unwrap_or_default();
        ObservedService {
            image: text_of(&self.image),
            image_id: text_of(&self.image_id),
            environment_hash: text_of(&self.environment_hash),
            files_hash: text_of(&self.files_hash),
            config_hash: text_of(&self.config_hash),
            status: text_of(&self.status),
            replicas: self.replicas.known().and_then(|count| u32::try_from(*count).ok()).unwrap_or_default(),
            containers: list(&self.containers),
            ports: list(&self.ports),
        }
    }

    /// What was planned wherever it was, else what is. What came out differently meanwhile is for
    /// the next read to tell.
    pub(super) fn settled(self, planned: &Self) -> Self {
        Self {
            image: settle(self.image, &planned.image),
            image_id: settle(self.image_id, &planned.image_id),
            environment_hash: settle(self.environment_hash, &planned.environment_hash),
            files_hash: settle(self.files_hash, &planned.files_hash),
            config_hash: settle(self.config_hash, &planned.config_hash),
            status: settle(self.status, &planned.status),
            replicas: settle(self.replicas, &planned.replicas),
            containers: settle(self.containers, &planned.containers),
            ports: settle(self.ports, &planned.ports),
        }
    }
}

fn push(list: &mut Field<Vec<String>>, value: &str) {
    let mut all = list.known().cloned().unwrap_or_default();
    all.push(value.to_owned());
    *list = Field::Known(all);
}

fn insert(set: &mut Field<BTreeSet<String>>, value: &str) {
    let mut all = set.known().cloned().unwrap_or_default();
    all.insert(value.to_owned());
    *set = Field::Known(all);
}

fn settle<T: Clone>(live: Field<T>, planned: &Field<T>) -> Field<T> {
    if planned.is_unknown() { live } else { planned.clone() }
}

/// Absent is empty.
fn text_of(field: &Field<String>) -> String {
    field.as_str().unwrap_or_default().to_owned()
}

/// Empty is absent.
fn text(value: &str) -> Field<String> {
    if value.is_empty() { Field::Null } else { Field::Known(value.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed() -> ObservedService {
        ObservedService {
            image: "nginx:1".into(),
            image_id: "sha256:1".into(),
            environment_hash: "e".into(),
            files_hash: String::new(),
            config_hash: "c".into(),
            status: "healthy".into(),
            replicas: 2,
            containers: vec!["web-app-1".into(), "web-app-2".into()],
            ports: vec!["80->80/tcp".into()],
        }
    }

    #[test]
    fn a_service_survives_its_attributes() {
        let service = Service::of(&PlannedService::from(&observed()));
        assert_eq!(service.files_hash, Field::Null);
        assert_eq!(service.observed(), observed());
    }

    #[test]
    fn an_import_id_tells_what_only_the_configuration_has() {
        let mut model = StackModel::default();
        for (setting, value) in [
            ("source_dir", "./shop"),
            ("files", "b.yaml"),
            ("files", "a.yaml"),
            ("profiles", "x"),
            ("start_services", "app"),
            ("host_env", "merge"),
            ("undefined_variables", "warn"),
        ] {
            assert!(IMPORT_SETTINGS.contains(&setting) && model.set_imported(setting, value), "{setting}");
        }
        assert_eq!(model.source_dir.as_str(), Some("./shop"));
        assert_eq!(model.files.known().unwrap(), &["b.yaml", "a.yaml"]);
        assert_eq!(model.merges_host_env(), Some(true));
        assert!(model.profiles.known().unwrap().contains("x"));
        for (setting, value) in [("host_env", "mine"), ("files", ""), ("name", "x")] {
            assert!(!StackModel::default().set_imported(setting, value), "{setting}");
        }
    }

    #[test]
    fn what_was_planned_stands_and_the_rest_is_what_is() {
        let planned = Service {
            image: "nginx:1".into(),
            image_id: Field::Unknown,
            containers: Field::Unknown,
            status: "running".into(),
            ..Service::of(&PlannedService::from(&observed()))
        };
        let settled = Service::of(&PlannedService::from(&observed())).settled(&planned);
        assert_eq!(settled.image_id.as_str(), Some("sha256:1"));
        assert_eq!(settled.status.as_str(), Some("running"));
        assert_eq!(settled.containers.known().unwrap().len(), 2);
    }
}
