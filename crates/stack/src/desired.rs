//! What the files want of each service, in the form that is remembered between plan, apply and the
//! next plan.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use compose::{
    Addition, Behaviour, LABEL_FILES, ReadyState, Requirements, Resolved, Service, build,
    env_files::EnvFile,
    newer::IgnoredKey,
    override_file,
    policy::{Facts, Subject},
};
use docker::Error;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tree::sha256;

use crate::{
    changes::{self, Change},
    error::Undefined,
    image_facts::ImageFacts,
    image_source::ImageSource,
    options::Orphans,
    record::Key,
    selection::Selection,
    service::{DesiredService, OPEN, ObservedService},
    wait::Goal,
};

/// What Compose makes of the inputs with this digest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct DesiredStack {
    /// The digest of the inputs.
    pub digest: String,
    pub services: BTreeMap<String, DesiredService>,
    /// The services of the files that no profile switches on.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub inactive: BTreeSet<String>,
    /// The services that only jobs run: their profiles are not switched on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub runs: BTreeMap<String, JobService>,
    /// What it needs of its host.
    #[serde(default, skip_serializing_if = "Requirements::is_empty")]
    pub requirements: Requirements,
    /// The env files of services that name the stack's `.env` among them: the user's own is in its
    /// place.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env_files: BTreeMap<String, Vec<EnvFile>>,
    /// The keys of services that the host's Compose is too old for.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub ignored: BTreeSet<IgnoredKey>,
    /// The variables that services need and nothing sets: they are taken for empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undefined: Vec<Undefined>,
}

/// A service that only jobs run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobService {
    /// Its image, and where that comes from.
    #[serde(flatten)]
    pub source: ImageSource,
    /// What the rules of `require` look at.
    #[serde(default, skip_serializing_if = "Facts::is_default")]
    pub facts: Facts,
    /// A hash over all that the files say of it, placeholders in the place of secrets.
    pub hash: String,
}

/// What Compose says of the files, and what the configuration chooses.
pub(crate) struct ResolvedProject<'a> {
    pub(crate) resolved: &'a Resolved,
    /// What `config --hash` said of it.
    pub(crate) hashes: &'a BTreeMap<String, String>,
    /// The texts that stand for secrets in it.
    pub(crate) placeholders: &'a [String],
    /// The services that only jobs run.
    pub(crate) runs: Option<&'a Resolved>,
    pub(crate) selection: &'a Selection,
    /// The stack's directory.
    pub(crate) root: &'a str,
    /// What services are built from.
    pub(crate) contexts: &'a BTreeMap<String, String>,
    /// The images of the configuration.
    pub(crate) chosen: &'a BTreeMap<String, Option<String>>,
}

/// What the labels are made of that stand for secrets: hashes of the real contents.
pub(crate) struct Contents<'a> {
    pub(crate) key: &'a Key,
    /// Of the values of variables, by name.
    pub(crate) values: BTreeMap<String, String>,
    /// Of files, by path.
    pub(crate) files: BTreeMap<String, String>,
}

impl ResolvedProject<'_> {
    /// What the files want of one service.
    fn service(&self, name: &str, service: &Service) -> Result<DesiredService, Error> {
        let resolved = self.resolved;
        let document = &resolved.config.document["services"][name];
        let text = document.to_string();
        let config_hash = self.hashes.get(name).ok_or_else(|| Error::Parse {
            what: "the output of \"docker compose config --hash\"".to_owned(),
            source: format!("it has no hash for service {name:?}").into(),
        })?;
        Ok(DesiredService {
            source: ImageSource::of(name, service, document, self.root, self.contexts, self.chosen),
            environment_hash: environment_hash(service),
            files_hash: resolved.files.get(name).cloned().unwrap_or_default(),
            config_hash: config_hash.clone(),
            ready: ReadyState::of(service),
            replicas: service.replicas,
            unmanaged: false,
            secret: self.placeholders.iter().any(|placeholder| text.contains(&in_json(placeholder))),
            restarts: !matches!(service.restart.as_str(), "" | "no"),
            start_period: service.start_period.as_secs(),
            files: resolved.uses.get(name).cloned().unwrap_or_default(),
            reload: None,
            shares: service.shares.clone(),
            networks: networks(&resolved.config.document, document),
            depends_on: service.depends_on.keys().cloned().collect(),
            restarts_with: service.restarts_with.clone(),
            facts: Facts::of(document),
            labels: resolved.labels.get(name).cloned().unwrap_or_default(),
            secret_labels: resolved.secret_labels.get(name).cloned().unwrap_or_default(),
            known_as: BTreeSet::new(),
            known_bare_as: BTreeSet::new(),
        })
    }
}

/// The networks of `service`, by the names that they have on the host.
fn networks(project: &Value, service: &Value) -> BTreeSet<String> {
    let keys = service["networks"].as_object().into_iter().flat_map(|networks| networks.keys());
    keys.filter_map(|key| project["networks"][key]["name"].as_str().map(str::to_owned)).collect()
}

impl Contents<'_> {
    /// The labels that we add to a service.
    fn labels(&self, name: &str, service: &DesiredService) -> BTreeMap<String, String> {
        let secret = service.secret_labels.iter().map(|(label, secret)| {
            let digests = if label == LABEL_FILES { &self.files } else { &self.values };
            (label.clone(), secret.label(self.key, label, name, digests))
        });
        service.labels.clone().into_iter().chain(secret).collect()
    }
}

impl DesiredStack {
    /// What `config` and `config --hash` said, and what was chosen of it.
    ///
    /// # Errors
    /// [`Error::Parse`] when Compose gave a service no hash.
    pub(crate) fn of(digest: String, project: &ResolvedProject<'_>) -> Result<Self, Error> {
        let ResolvedProject { resolved, runs, selection, .. } = project;
        let mut services = BTreeMap::new();
        for (name, service) in &resolved.config.services {
            services.insert(name.clone(), project.service(name, service)?);
        }
        selection.apply_to(&mut services);
        let runs = runs.iter().flat_map(|resolved| {
            resolved.config.services.iter().map(|(name, service)| {
                let document = &resolved.config.document["services"][name];
                let (root, contexts) = (project.root, project.contexts);
                let source = ImageSource::of(name, service, document, root, contexts, project.chosen);
                (name.clone(), JobService::of(document, source))
            })
        });
        Ok(Self { digest, services, runs: runs.collect(), ..Self::default() })
    }

    /// The ids behind the references, as far as they can be told before anything is done: `ids` and
    /// `facts` are of what the host has. What is built, has moved or is not known yet is
    /// [`OPEN`].
    pub(crate) fn image_ids(
        &self,
        ids: &BTreeMap<String, String>,
        facts: &ImageFacts,
    ) -> BTreeMap<String, String> {
        let mut all = ids.clone();
        for one in self.sources() {
            let built = ids.contains_key(&one.image).then(|| facts.contexts.get(&one.image)).flatten();
            let rebuilt = one.context.is_some() && one.context.as_ref() != built;
            if rebuilt || one.open || facts.moved.contains(&one.image) {
                all.insert(one.image.clone(), OPEN.to_owned());
            }
        }
        all
    }

    /// What happens to each service of `prior` and of this desired by Compose of the version
    /// `compose`. `relabelled` are as in [`ImageFacts`], none where nothing is done: once anything is, Compose
    /// replaces what it did not make itself of the image that is wanted.
    pub(crate) fn changes(
        &self,
        prior: &BTreeMap<String, ObservedService>,
        (images, relabelled): (&BTreeMap<String, String>, Option<&BTreeMap<String, String>>),
        compose: &str,
        orphans: Orphans,
    ) -> BTreeMap<String, Change> {
        let behaviour = Behaviour::of_text(compose);
        let is_other = |(name, label): &(&String, &String)| {
            let wanted = self.services.get(*name).and_then(|service| images.get(service.image()));
            wanted.is_some_and(|wanted| wanted != *label && wanted != OPEN)
        };
        let stale = relabelled.into_iter().flatten().filter(is_other).map(|(name, _)| name);
        let provided = self.services.iter().filter(|(_, one)| {
            let of_program =
                |other: &String| self.services.get(other).is_some_and(DesiredService::is_provided);
            behaviour.replaces_provided && relabelled.is_some() && one.depends_on.iter().any(of_program)
        });
        let stale = stale.chain(provided.map(|(name, _)| name)).cloned().collect();
        let mut changes = changes::changes(prior, &self.services, (images, &stale), behaviour);
        for (name, _) in self.orphans(prior, orphans) {
            changes.insert(name.clone(), Change::Keep);
        }
        changes
    }

    /// The services of `prior` that the files do not name (any more) and whose containers stay.
    pub(crate) fn orphans<'p>(
        &self,
        prior: &'p BTreeMap<String, ObservedService>,
        orphans: Orphans,
    ) -> impl Iterator<Item = (&'p String, &'p ObservedService)> {
        let is_named = |name: &String| self.services.contains_key(name) || self.inactive.contains(name);
        prior.iter().filter(move |(name, _)| orphans == Orphans::Keep && !is_named(name))
    }

    /// The Compose file with what we add; labels that stand for secrets stand for `contents`. Services of
    /// `unlabelled` get none of our labels.
    pub(crate) fn override_file(&self, contents: &Contents<'_>, unlabelled: &BTreeSet<String>) -> String {
        let labels = |name: &str, one: &DesiredService| {
            if unlabelled.contains(name) { BTreeMap::new() } else { contents.labels(name, one) }
        };
        let addition = |name: &str, one: &DesiredService| Addition {
            labels: labels(name, one),
            ..one.source.addition()
        };
        let services = self.services.iter().map(|(name, one)| (name.clone(), addition(name, one)));
        let runs = self.runs.iter().map(|(name, run)| (name.clone(), run.source.addition()));
        let mut additions: BTreeMap<String, Addition> = services.chain(runs).collect();
        for (name, files) in &self.env_files {
            additions.entry(name.clone()).or_default().env_files = Some(files.clone());
        }
        override_file(&additions)
    }

    /// The services that are started.
    pub fn started_services(&self) -> BTreeSet<String> {
        let started = self.services.iter().filter(|(_, one)| !one.unmanaged);
        started.map(|(name, _)| name.clone()).collect()
    }

    /// The services, also those that only jobs run, as the rules see them.
    pub fn subjects(&self) -> BTreeMap<String, Subject<'_>> {
        // What a program beside Compose provides is no container, and nothing of one can be required.
        let services = self.services.iter().filter(|(_, one)| !one.image().is_empty()).map(|(name, one)| {
            (name.clone(), Subject { image: one.source.name(), ready: one.ready, facts: &one.facts })
        });
        // A run of a service is a job, whatever the service is.
        let runs = self.runs.iter().map(|(name, run)| {
            let (image, ready) = (run.source.name(), ReadyState::Completed);
            (name.clone(), Subject { image, ready, facts: &run.facts })
        });
        services.chain(runs).collect()
    }

    /// The services that are started, where these are not all.
    pub(crate) fn started(&self) -> Option<Vec<String>> {
        let started: Vec<String> = self.started_services().into_iter().collect();
        (started.len() < self.services.len()).then_some(started)
    }

    /// These services and everything that they depend on, without those that are unmanaged.
    pub(crate) fn with_dependencies(&self, services: &BTreeSet<String>) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        let mut next: Vec<&String> = services.iter().collect();
        while let Some(name) = next.pop() {
            let Some(one) = self.services.get(name).filter(|one| !one.unmanaged) else { continue };
            if all.insert(name.clone()) {
                next.extend(&one.depends_on);
            }
        }
        all
    }

    /// The ready state that each service is waited for.
    pub(crate) fn goals(&self) -> BTreeMap<String, Goal> {
        let goal = |one: &DesiredService| Goal {
            ready: one.ready,
            replicas: one.replicas,
            retries: one.restarts,
            start_period: Duration::from_secs(one.start_period),
        };
        self.services.iter().map(|(name, one)| (name.clone(), goal(one))).collect()
    }

    /// The images of all services, also of those that only jobs run.
    fn sources(&self) -> impl Iterator<Item = &ImageSource> {
        let services = self.services.values().map(|one| &one.source);
        services.chain(self.runs.values().map(|run| &run.source))
    }

    /// The references of all images.
    pub(crate) fn references(&self) -> BTreeSet<String> {
        self.sources().map(|one| one.image.clone()).filter(|image| !image.is_empty()).collect()
    }

    /// The services whose images have to be on the host before anything is started: they are to have
    /// containers, the product itself makes these, or jobs run them, which are the services in `jobs`.
    pub(crate) fn used<'p>(
        &'p self,
        jobs: &BTreeMap<String, usize>,
    ) -> impl Iterator<Item = (&'p String, &'p ImageSource)> {
        let used = |name: &String, one: &DesiredService| one.needs_image() || jobs.contains_key(name);
        let services = self.services.iter().filter(move |(name, one)| used(name, one));
        let services = services.map(|(name, one)| (name, &one.source));
        services.chain(self.runs.iter().map(|(name, run)| (name, &run.source)))
    }

    /// The references of images that can move, without a digest: of what has containers, and of what
    /// is built.
    pub(crate) fn movable_images(&self) -> BTreeSet<String> {
        let services = self.services.values().map(|one| &one.source).filter(|one| !one.open);
        let images = services.chain(self.sources().filter(|one| one.context.is_some())).map(|one| &one.image);
        // What a program beside Compose provides has none.
        images.filter(|image| !image.contains('@') && !image.is_empty()).cloned().collect()
    }

    /// What is built: image to a service that says how.
    pub(crate) fn builds(&self) -> BTreeMap<&str, &str> {
        let services = self.services.iter().map(|(name, one)| (name, &one.source));
        let all = services.chain(self.runs.iter().map(|(name, run)| (name, &run.source)));
        let built = all.filter(|(_, one)| one.context.is_some());
        built.map(|(name, one)| (one.image.as_str(), name.as_str())).collect()
    }

    /// The Compose file by which everything is built from below `place`, and not from the stack's
    /// directory.
    pub(crate) fn built_elsewhere(&self, place: &str) -> String {
        let services = self.services.iter().map(|(name, one)| (name, &one.source.directories));
        build::elsewhere(
            services.chain(self.runs.iter().map(|(name, run)| (name, &run.source.directories))),
            place,
        )
    }

    /// Whether the image of `one` comes from a registry: no service says how to build it.
    pub(crate) fn is_fetched(&self, one: &ImageSource) -> bool {
        one.is_fetched() && !self.builds().contains_key(one.image.as_str())
    }

    /// Whether the image of the service `name` comes from no registry: it is built, here or by
    /// somebody else.
    pub(crate) fn is_built(&self, name: &str) -> bool {
        self.services.get(name).is_some_and(|one| !self.is_fetched(&one.source))
    }

    /// The references of images of services that come from registries.
    pub fn fetched_images(&self) -> BTreeSet<String> {
        let services = self.services.values().map(|one| &one.source);
        let fetched = services.filter(|one| self.is_fetched(one) && !one.image.is_empty());
        fetched.map(|one| one.image.clone()).collect()
    }
}

impl JobService {
    fn of(document: &Value, source: ImageSource) -> Self {
        let hash = sha256(document.to_string().as_bytes());
        Self { source, facts: Facts::of(document).of_a_run(), hash }
    }
}

/// A text as it looks inside a JSON string of Compose's, where `$` is doubled.
fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text.replace('$', "$$")).to_string();
    quoted.trim_matches('"').to_owned()
}

/// A hash over the names and values of a service's environment.
fn environment_hash(service: &Service) -> String {
    let mut hash = Sha256::new();
    for (name, value) in &service.environment {
        for field in [Some(name), value.as_ref()] {
            let length = field.map_or(u64::MAX, |text| text.len() as u64);
            hash.update(length.to_be_bytes());
            hash.update(field.map_or("", String::as_str));
        }
    }
    secret::hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::tests::desired;

    #[test]
    fn it_survives_being_remembered() {
        let services = BTreeMap::from([("app".to_owned(), desired("c"))]);
        let desired = DesiredStack { digest: "d".into(), services, ..DesiredStack::default() };
        let json = serde_json::to_string(&desired).unwrap();
        assert!(!json.contains("platform"), "{json}");
        assert_eq!(serde_json::from_str::<DesiredStack>(&json).unwrap(), desired);
    }

    #[test]
    fn only_services_with_labels_are_overridden() {
        let key = Key::from_random([7; 32]);
        let contents = Contents { key: &key, values: BTreeMap::new(), files: BTreeMap::new() };
        let labels = BTreeMap::from([("windlass.files-hash".to_owned(), "f".to_owned())]);
        let with = DesiredService { labels, ..desired("c") };
        let services = [("a", desired("c")), ("b", with.clone()), ("bare", with)];
        let services = services.map(|(name, service)| (name.to_owned(), service)).into();
        let unlabelled = BTreeSet::from(["bare".to_owned()]);
        let text = DesiredStack { services, ..DesiredStack::default() }.override_file(&contents, &unlabelled);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json, serde_json::json!({"services": {"b": {"labels": {"windlass.files-hash": "f"}}}}));
    }

    #[test]
    fn images_with_a_digest_do_not_move() {
        let mut pinned = desired("c");
        pinned.source.image = "app@sha256:aa".into();
        let services = BTreeMap::from([("a".to_owned(), desired("c")), ("b".to_owned(), pinned)]);
        let desired = DesiredStack { services, ..DesiredStack::default() };
        assert_eq!(desired.movable_images(), BTreeSet::from(["app:1".to_owned()]));
    }

    fn run(image: &str, context: Option<&str>) -> JobService {
        let source = ImageSource {
            image: image.into(),
            context: context.map(str::to_owned),
            ..ImageSource::default()
        };
        JobService { source, facts: Facts::default(), hash: "h".into() }
    }

    #[test]
    fn an_image_that_one_service_builds_is_fetched_for_none() {
        let services = BTreeMap::from([("app".to_owned(), desired("c"))]);
        let runs = BTreeMap::from([("tool".to_owned(), run("app:1", Some("now")))]);
        let desired = DesiredStack { services, runs, ..DesiredStack::default() };
        assert!(desired.fetched_images().is_empty());
        assert_eq!(desired.builds(), BTreeMap::from([("app:1", "tool")]));
        let ids = BTreeMap::from([("app:1".to_owned(), "sha256:1".to_owned())]);
        let built = |context: &str| ImageFacts {
            contexts: BTreeMap::from([("app:1".to_owned(), context.to_owned())]),
            ..ImageFacts::default()
        };
        assert_eq!(desired.image_ids(&ids, &built("now"))["app:1"], "sha256:1");
        assert_eq!(desired.image_ids(&ids, &built("then"))["app:1"], OPEN);
    }

    #[test]
    fn a_run_carries_what_it_is_built_from_and_moves_when_it_is_built() {
        let runs = [("built", run("a:1", Some("now"))), ("fetched", run("b:1", None))];
        let runs = runs.map(|(name, run)| (name.to_owned(), run)).into();
        let desired = DesiredStack { runs, ..DesiredStack::default() };
        let key = Key::from_random([7; 32]);
        let contents = Contents { key: &key, values: BTreeMap::new(), files: BTreeMap::new() };
        let json: Value = serde_json::from_str(&desired.override_file(&contents, &BTreeSet::new())).unwrap();
        let labels = serde_json::json!({"windlass.context-hash": "now"});
        assert_eq!(json, serde_json::json!({"services": {"built": {"build": {"labels": labels}}}}));
        assert_eq!(desired.movable_images(), BTreeSet::from(["a:1".to_owned()]));
        let used: Vec<_> = desired.used(&BTreeMap::new()).map(|(name, _)| name.as_str()).collect();
        assert_eq!(used, ["built", "fetched"]);
    }

    #[test]
    fn the_environment_hash_tells_empty_from_unset() {
        let service = |value: Option<&str>| Service {
            environment: BTreeMap::from([("A".to_owned(), value.map(str::to_owned))]),
            ..Service::default()
        };
        let hashes = [None, Some(""), Some("1")].map(|value| environment_hash(&service(value)));
        assert_eq!(BTreeSet::from(hashes).len(), 3);
    }

    #[test]
    fn it_is_known_which_services_hold_a_secret() {
        let document = br#"{"name":"web","services":{
            "app":{"image":"a","environment":{"URL":"db:PASS#2@x"}},
            "db":{"image":"b","healthcheck":{"test":["CMD","true"]}}}}"#;
        let values =
            compose::Values { known: &BTreeMap::new(), own: None, secrets: compose::Placeholders::NONE };
        let behaviour = Behaviour::of(compose::OLDEST);
        let none = BTreeMap::new();
        let (links, reloaded) = (&BTreeMap::new(), &BTreeMap::new());
        let shipped = compose::ShippedFiles { digests: &none, links, reloaded };
        let resolved = Resolved::new(document, "/f", shipped, values, behaviour).unwrap();
        let of = |hashes: &BTreeMap<String, String>, placeholders: &[String]| {
            let (selection, contexts, chosen) = (Selection::default(), BTreeMap::new(), BTreeMap::new());
            let (contexts, chosen) = (&contexts, &chosen);
            let project = ResolvedProject {
                resolved: &resolved,
                hashes,
                placeholders,
                runs: None,
                selection: &selection,
                root: "/f",
                contexts,
                chosen,
            };
            DesiredStack::of("d".to_owned(), &project)
        };
        let mut hashes = BTreeMap::from([("app".to_owned(), "1".to_owned())]);
        let error = of(&hashes, &[]).unwrap_err();
        assert!(std::error::Error::source(&error).unwrap().to_string().contains("\"db\""));
        hashes.insert("db".to_owned(), "2".to_owned());
        let services = of(&hashes, &["PASS#2".to_owned()]).unwrap().services;
        assert_eq!(services.keys().collect::<Vec<_>>(), ["app", "db"]);
        assert!(services["app"].secret && !services["db"].secret);
        assert_eq!(services["db"].ready, ReadyState::Healthy);
        assert_eq!(services["app"].config_hash, "1");
    }
}
