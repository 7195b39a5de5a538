//! The attributes of `windlass_swarm_stack`, and how services become attributes.

use std::collections::{BTreeMap, BTreeSet};

use framework::{Diagnostics, Field, Model, schema::parse_duration};
use secret::Secret;
use stack::{OnFailure, Orphans, START_TIMEOUT, Secrets, StackSpec};
use swarm::stacks::{DeployOptions, ObservedService, PlanOptions, PlannedService, ResolveImage};

use crate::{
    clustered::ManagerList,
    hosted::Hosts,
    registries,
    require::RequireBlock,
    stacks::{
        Files, Sources,
        blocks::{JobBlock, ProbeBlock, jobs, probes, services},
        check_secret_files, environment, placeholders, profiles, secret_file_placeholders,
    },
};

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct StackModel {
    pub(crate) managers: ManagerList,
    pub(crate) name: Field<String>,
    pub(crate) source_dir: Field<String>,
    pub(crate) file_modes: Field<String>,
    pub(crate) files: Field<Vec<String>>,
    pub(crate) env_file: Field<String>,
    pub(crate) config: Field<Vec<String>>,
    pub(crate) files_content: Field<BTreeMap<String, String>>,
    pub(crate) profiles: Field<BTreeSet<String>>,
    pub(crate) environment: Field<BTreeMap<String, Field<String>>>,
    pub(crate) undefined_variables: Field<String>,
    pub(crate) secrets_wo: Field<BTreeMap<String, Field<Secret>>>,
    pub(crate) secrets_wo_version: Field<String>,
    pub(crate) secrets_sops_file: Field<String>,
    pub(crate) secret_files_wo: Field<BTreeMap<String, Field<Secret>>>,
    pub(crate) secret_files_wo_version: Field<String>,
    pub(crate) images: Field<BTreeMap<String, Field<String>>>,
    pub(crate) resolve_image: Field<String>,
    pub(crate) registry_auth: Field<bool>,
    pub(crate) keep_replicas: Field<BTreeSet<String>>,
    pub(crate) ignore_keys: Field<BTreeSet<String>>,
    pub(crate) on_failure: Field<String>,
    pub(crate) start_timeout: Field<String>,
    pub(crate) remove_orphans: Field<bool>,
    pub(crate) on_destroy: Field<String>,
    pub(crate) require: Field<Vec<RequireBlock>>,
    pub(crate) job: Field<Vec<JobBlock>>,
    pub(crate) probe: Field<Vec<ProbeBlock>>,
    pub(crate) id: Field<String>,
    pub(crate) swarm: Field<String>,
    pub(crate) secrets_sops_hash: Field<String>,
    pub(crate) image_digests: Field<BTreeMap<String, String>>,
    pub(crate) services: Field<BTreeMap<String, Service>>,
}

/// A service as the state shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct Service {
    pub(crate) image: Field<String>,
    pub(crate) image_digest: Field<String>,
    pub(crate) mode: Field<String>,
    pub(crate) replicas: Field<u64>,
    pub(crate) environment_hash: Field<String>,
    pub(crate) files_hash: Field<String>,
    pub(crate) config_hash: Field<String>,
    pub(crate) ports: Field<Vec<String>>,
    pub(crate) status: Field<String>,
}

/// The default of `resolve_image`.
pub(super) const CHANGED: &str = "changed";
/// The `undefined_variables` by which they are empty.
pub(super) const UNDEFINED_WARN: &str = "warn";
/// The default of it.
pub(super) const UNDEFINED_ERROR: &str = "error";
/// The default of `on_failure`.
pub(super) const ROLLBACK: &str = "rollback";
/// The default of `on_destroy`.
pub(super) const DOWN: &str = "down";

impl StackModel {
    /// The name, or nothing while it is unknown.
    pub(super) fn name(&self) -> &str {
        self.name.as_str().unwrap_or_default()
    }

    /// The attributes that files come from.
    pub(super) fn sources(&self) -> Sources<'_> {
        Sources {
            subject: format!("swarm stack {:?}", self.name()),
            source_dir: &self.source_dir,
            file_modes: &self.file_modes,
            seed_files: &Field::Null,
            files: &self.files,
            env_file: &self.env_file,
            config: &self.config,
            files_content: &self.files_content,
            profiles: &self.profiles,
            environment: &self.environment,
            secrets_wo: &self.secrets_wo,
            secrets_wo_version: &self.secrets_wo_version,
            secrets_sops_file: &self.secrets_sops_file,
            secret_files_wo: &self.secret_files_wo,
            secret_files_wo_version: &self.secret_files_wo_version,
        }
    }

    /// What the configuration asks for; `None` while a part of it is unknown. Files on this machine are
    /// read.
    ///
    /// # Errors
    /// Everything that is wrong with the files.
    pub(super) fn spec(&self) -> Result<Option<StackSpec>, Diagnostics> {
        let sources = &self.sources();
        let Some(files) = Files::of(sources)? else { return Ok(None) };
        let (Ok(Some(name)), Ok(images), Ok(undefined)) =
            (self.name.decided(), self.images.decided(), self.undefined_variables.decided())
        else {
            return Ok(None);
        };
        let (Some(placeholders), Some(environment), Some(secret_files)) =
            (placeholders(sources)?, environment(sources), secret_file_placeholders(sources))
        else {
            return Ok(None);
        };
        let Some(job_services) = services(&self.job) else { return Ok(None) };
        let env =
            stack::StackSpec { files: files.names.clone(), ..StackSpec::default() }.layout("/").env_path();
        check_secret_files(sources, &secret_files, &files.source, &env)?;
        files.check(sources)?;
        let image = |(name, image): (&String, &Field<String>)| (name.clone(), image.known().cloned());
        let spec = StackSpec {
            name: name.clone(),
            environment,
            placeholders,
            secret_files,
            images: images.into_iter().flatten().map(image).collect(),
            job_services,
            blank_undefined: undefined.is_some_and(|word| word == UNDEFINED_WARN),
            ..StackSpec::default()
        };
        let spec = files.into_spec(spec, sources)?;
        let profiles = profiles(sources, &spec)?;
        Ok(profiles.map(|profiles| StackSpec { profiles, ..spec }))
    }

    /// The keys that may be lost although this changes the meaning; `None` while they are unknown.
    pub(super) fn accepted(&self) -> Option<BTreeSet<String>> {
        Some(self.ignore_keys.decided().ok()?.cloned().unwrap_or_default())
    }

    /// What becomes of services that have left the files.
    pub(super) fn orphans(&self) -> Orphans {
        if self.remove_orphans.known() == Some(&false) { Orphans::Keep } else { Orphans::Remove }
    }

    /// When registries are asked.
    pub(super) fn resolve_image(&self) -> ResolveImage {
        match self.resolve_image.as_str() {
            Some("always") => ResolveImage::Always,
            Some("never") => ResolveImage::Never,
            _ => ResolveImage::Changed,
        }
    }

    /// How a plan goes about it; `moved` is what registries have said.
    pub(super) fn plan_options(&self, moved: &BTreeMap<String, String>) -> PlanOptions {
        PlanOptions {
            resolve: self.resolve_image(),
            keep_replicas: self.keep_replicas.known().cloned().unwrap_or_default(),
            orphans: self.orphans(),
            moved: moved.clone(),
        }
    }

    /// How an apply of this plan goes about it.
    pub(super) fn options(
        &self,
        secrets: Secrets,
        hosts: &Hosts,
        instance: String,
        moved: BTreeMap<String, String>,
    ) -> DeployOptions {
        let timeout = self.start_timeout.as_str().and_then(|text| parse_duration(text).ok());
        let keeps = self.on_failure.as_str() == Some("keep");
        DeployOptions {
            instance,
            resolve: self.resolve_image(),
            moved,
            registries: registries::known(hosts),
            registry_auth: self.registry_auth.is_true(),
            keep_replicas: self.keep_replicas.known().cloned().unwrap_or_default(),
            orphans: self.orphans(),
            on_failure: if keeps { OnFailure::Keep } else { OnFailure::Rollback },
            start_timeout: timeout.unwrap_or(START_TIMEOUT),
            jobs: jobs(&self.job),
            probes: probes(&self.probe),
            secrets,
        }
    }

    /// The services as they were observed; none while they are unknown.
    pub(super) fn observed(&self) -> BTreeMap<String, ObservedService> {
        let services = self.services.known().into_iter().flatten();
        services.map(|(name, service)| (name.clone(), service.observed())).collect()
    }

    /// Shows services, and what they run as it can be had again.
    pub(super) fn set_services(&mut self, services: BTreeMap<String, Service>) {
        let digest = |service: &Service| match (&service.image, &service.image_digest) {
            (Field::Known(image), Field::Known(digest)) => {
                Some(Some(docker::registry::by_digest(image, digest)))
            }
            (Field::Known(image), Field::Null) => Some(docker::registry::pinned(image)),
            _ => None,
        };
        let digests: Option<BTreeMap<_, _>> =
            services.iter().map(|(name, service)| Some((name.clone(), digest(service)?))).collect();
        let known = |(name, digest): (String, Option<String>)| Some((name, digest?));
        self.image_digests = digests
            .map_or(Field::Unknown, |digests| Field::Known(digests.into_iter().filter_map(known).collect()));
        self.services = Field::Known(services);
    }

    /// Whether the end of the stack is none of its swarm's business.
    pub(super) fn is_abandoned(&self) -> bool {
        self.on_destroy.as_str() == Some("abandon")
    }
}

impl Service {
    /// The service as the engine plans or observes it.
    pub(super) fn of(service: PlannedService) -> Self {
        Self {
            image: text(service.image),
            image_digest: service.image_digest.map_or(Field::Unknown, text),
            mode: text(service.mode),
            replicas: service.replicas.map_or(Field::Null, Field::Known),
            environment_hash: text(service.environment_hash),
            files_hash: text(service.files_hash),
            config_hash: text(service.config_hash),
            ports: Field::Known(service.ports),
            status: text(service.status),
        }
    }

    fn observed(&self) -> ObservedService {
        let text_of = |field: &Field<String>| field.as_str().unwrap_or_default().to_owned();
        ObservedService {
            image: text_of(&self.image),
            image_digest: text_of(&self.image_digest),
            mode: text_of(&self.mode),
            replicas: self.replicas.known().copied(),
            environment_hash: text_of(&self.environment_hash),
            files_hash: text_of(&self.files_hash),
            config_hash: text_of(&self.config_hash),
            ports: self.ports.known().cloned().unwrap_or_default(),
            status: text_of(&self.status),
        }
    }

    /// What was planned wherever it was, else what is: what came out differently is for the next read to
    /// tell.
    pub(super) fn settled(planned: &Self, live: Option<Self>) -> Self {
        let digest = if planned.image_digest.is_unknown() {
            live.map_or(Field::Null, |live| live.image_digest)
        } else {
            planned.image_digest.clone()
        };
        Self { image_digest: digest, ..planned.clone() }
    }
}

/// Empty is absent.
fn text(value: String) -> Field<String> {
    if value.is_empty() { Field::Null } else { Field::Known(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed() -> ObservedService {
        ObservedService {
            image: "r.example/a:1".into(),
            image_digest: "sha256:1".into(),
            mode: "replicated".into(),
            replicas: Some(2),
            environment_hash: "e".into(),
            files_hash: String::new(),
            config_hash: "c".into(),
            ports: vec!["80/tcp".into()],
            status: "running".into(),
        }
    }

    #[test]
    fn a_service_survives_its_attributes() {
        let service = Service::of(observed().into());
        assert_eq!(service.files_hash, Field::Null);
        assert_eq!(service.observed(), observed());
    }

    #[test]
    fn what_runs_is_shown_as_it_can_be_had_again() {
        let mut model = StackModel::default();
        model.set_services([("a".to_owned(), Service::of(observed().into()))].into());
        assert_eq!(model.image_digests.known().unwrap()["a"], "r.example/a@sha256:1");
        let open = Service { image_digest: Field::Unknown, ..Service::of(observed().into()) };
        model.set_services([("a".to_owned(), open.clone())].into());
        assert!(model.image_digests.is_unknown());
        let settled = Service::settled(&open, Some(Service::of(observed().into())));
        assert_eq!(settled.image_digest.as_str(), Some("sha256:1"));
        model.set_services([("a".to_owned(), Service { image_digest: Field::Null, ..open })].into());
        assert!(model.image_digests.known().unwrap().is_empty());
    }
}
