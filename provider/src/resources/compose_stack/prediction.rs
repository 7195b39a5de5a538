//! What the files want of each service, in the form that is remembered between plan, apply and the
//! next plan.

use std::collections::{BTreeMap, BTreeSet};

use compose::{
    Behaviour, Choice, Config,
    plan::{self, Change},
    policy::Facts,
    predict::{Addition, LABEL_FILES, Resolved, override_file},
    project::{Condition, Service as Resolution},
    record::Key,
    seal::Seal,
    stack::{self, ServiceState, Steady, Wanted as DomainWanted},
    wait::Goal,
};
use docker::Error;
use serde::{Deserialize, Serialize};
use serde_json::Value;

mod origin;

use super::{images::ImageFacts, model::Orphans};
pub(crate) use origin::Origin;
use tree::sha256;

/// Stands for the id of an image that only apply tells.
pub(super) const OPEN: &str = "open";

/// What Compose makes of the inputs with this digest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Prediction {
    /// The digest of the inputs.
    pub(crate) digest: String,
    /// The services.
    pub(crate) services: BTreeMap<String, Wanted>,
    /// The services of the files that no profile switches on.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) inactive: BTreeSet<String>,
    /// The services that only jobs run: their profiles are not switched on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) runs: BTreeMap<String, Run>,
}

/// A service that only jobs run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    #[serde(flatten)]
    pub(crate) origin: Origin,
    /// What the rules of `require` look at.
    #[serde(default, skip_serializing_if = "Facts::is_default")]
    pub(crate) facts: Facts,
    /// A hash over all that the files say of it, placeholders in the place of secrets.
    pub(crate) hash: String,
}

/// What a service shall be. No secrets: placeholders stand for them in every hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    #[serde(flatten)]
    pub(crate) origin: Origin,
    pub(crate) environment_hash: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) files_hash: String,
    pub(crate) config_hash: String,
    pub(crate) steady: Steady,
    pub(crate) replicas: u32,
    /// Whether it is not started: its containers are none of ours.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) left_alone: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) secret: bool,
    /// Whether its restart policy starts it again when it fails.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) restarts: bool,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) files: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) shares: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) depends_on: BTreeSet<String>,
    /// Those of `depends_on` with which it starts again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) restarts_with: BTreeSet<String>,
    /// What the rules of `require` look at.
    #[serde(default, skip_serializing_if = "Facts::is_default")]
    pub(crate) facts: Facts,
    /// The labels that we add to it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) labels: BTreeMap<String, String>,
    /// Those of its labels that stand for secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) seals: BTreeMap<String, Seal>,
}

/// What Compose says of the files, and what the configuration chooses.
pub(super) struct Said<'a> {
    pub(super) resolved: &'a Resolved,
    /// What `config --hash` said of it.
    pub(super) hashes: &'a BTreeMap<String, String>,
    /// The texts that stand for secrets in it.
    pub(super) placeholders: &'a [String],
    /// The services that only jobs run.
    pub(super) runs: Option<&'a Resolved>,
    pub(super) choice: &'a Choice,
    /// What services are built from.
    pub(super) contexts: &'a BTreeMap<String, String>,
    /// The images of the configuration.
    pub(super) chosen: &'a BTreeMap<String, Option<String>>,
}

/// What the labels are made of that stand for secrets: hashes of the real contents.
pub(super) struct Contents<'a> {
    pub(super) key: &'a Key,
    /// Of the values of variables, by name.
    pub(super) values: BTreeMap<String, String>,
    /// Of files, by path.
    pub(super) files: BTreeMap<String, String>,
}

impl Prediction {
    /// What `config` and `config --hash` said, and what was chosen of it.
    pub(super) fn of(digest: String, said: &Said<'_>) -> Result<Self, Error> {
        let Said { resolved, hashes, placeholders, runs, choice, contexts, chosen } = said;
        let mut wanted = stack::wanted(resolved, hashes, placeholders)?;
        choice.settle(&mut wanted);
        let origin = |name: &str, service: &Resolution, document: &Value| {
            Origin::of(name, service, document, contexts, chosen)
        };
        let services = wanted.into_iter().filter_map(|(name, one)| {
            let service = resolved.config.services.get(&name)?;
            let document = &resolved.config.document["services"][&name];
            let one = Wanted {
                labels: resolved.labels.get(&name).cloned().unwrap_or_default(),
                seals: resolved.seals.get(&name).cloned().unwrap_or_default(),
                facts: Facts::of(document),
                ..Wanted::of(one, service, origin(&name, service, document))
            };
            Some((name, one))
        });
        let runs = runs.iter().flat_map(|resolved| {
            resolved.config.services.iter().map(|(name, service)| {
                let document = &resolved.config.document["services"][name];
                (name.clone(), Run::of(document, origin(name, service, document)))
            })
        });
        Ok(Self { digest, services: services.collect(), runs: runs.collect(), ..Self::default() })
    }

    /// The services as the domain knows them.
    pub(super) fn wanted(&self) -> BTreeMap<String, DomainWanted> {
        self.services.iter().map(|(name, one)| (name.clone(), one.domain())).collect()
    }

    /// Who depends on whom and shares with whom, which is all that comparing needs of the project.
    fn dependencies(&self) -> Config {
        let service = |one: &Wanted| Resolution {
            depends_on: one.depends_on.iter().map(|name| (name.clone(), Condition::Started)).collect(),
            restarts_with: one.restarts_with.clone(),
            shares: one.shares.clone(),
            ..Resolution::default()
        };
        Config {
            name: String::new(),
            services: self.services.iter().map(|(name, one)| (name.clone(), service(one))).collect(),
            document: Value::Null,
        }
    }

    /// The ids behind the references, as far as they can be told before anything is done: `ids` and
    /// `facts` are of what the host has. What is built, has moved or is not known yet is
    /// [`OPEN`].
    pub(super) fn image_ids(
        &self,
        ids: &BTreeMap<String, String>,
        facts: &ImageFacts,
    ) -> BTreeMap<String, String> {
        let mut all = ids.clone();
        for one in self.origins() {
            let built = ids.contains_key(&one.image).then(|| facts.contexts.get(&one.image)).flatten();
            let rebuilt = one.context.is_some() && one.context.as_ref() != built;
            if rebuilt || one.open || facts.moved.contains(&one.image) {
                all.insert(one.image.clone(), OPEN.to_owned());
            }
        }
        all
    }

    /// What happens to each service of `prior` and of this prediction by Compose of the version
    /// `compose`.
    pub(super) fn changes(
        &self,
        prior: &BTreeMap<String, ServiceState>,
        images: &BTreeMap<String, String>,
        compose: &str,
        orphans: Orphans,
    ) -> BTreeMap<String, Change> {
        let behaviour = Behaviour::of_text(compose);
        let mut changes = plan::changes(prior, &self.wanted(), images, &self.dependencies(), behaviour);
        for (name, _) in self.orphans(prior, orphans) {
            changes.insert(name.clone(), Change::Keep);
        }
        changes
    }

    /// The services of `prior` that the files do not name (any more) and whose containers stay.
    pub(super) fn orphans<'p>(
        &self,
        prior: &'p BTreeMap<String, ServiceState>,
        orphans: Orphans,
    ) -> impl Iterator<Item = (&'p String, &'p ServiceState)> {
        let is_named = |name: &String| self.services.contains_key(name) || self.inactive.contains(name);
        prior.iter().filter(move |(name, _)| orphans == Orphans::Stay && !is_named(name))
    }

    /// The Compose file with what we add; labels that stand for secrets stand for `contents`.
    pub(super) fn override_file(&self, contents: &Contents<'_>) -> String {
        let addition = |name: &str, one: &Wanted| Addition {
            labels: one.labels(name, contents),
            ..one.origin.addition()
        };
        let services = self.services.iter().map(|(name, one)| (name.clone(), addition(name, one)));
        let runs = self.runs.iter().map(|(name, run)| (name.clone(), run.origin.addition()));
        override_file(&services.chain(runs).collect())
    }

    /// The services that are started, where these are not all.
    pub(super) fn started(&self) -> Option<Vec<String>> {
        let started = self.services.iter().filter(|(_, one)| !one.left_alone);
        let started: Vec<String> = started.map(|(name, _)| name.clone()).collect();
        (started.len() < self.services.len()).then_some(started)
    }

    /// These services and everything that they depend on, without what is left alone.
    pub(super) fn with_dependencies(&self, services: &BTreeSet<String>) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        let mut next: Vec<&String> = services.iter().collect();
        while let Some(name) = next.pop() {
            let Some(one) = self.services.get(name).filter(|one| !one.left_alone) else { continue };
            if all.insert(name.clone()) {
                next.extend(&one.depends_on);
            }
        }
        all
    }

    /// What is waited for.
    pub(super) fn goals(&self) -> BTreeMap<String, Goal> {
        let goal = |one: &Wanted| Goal { steady: one.steady, replicas: one.replicas, retries: one.restarts };
        self.services.iter().map(|(name, one)| (name.clone(), goal(one))).collect()
    }

    /// The images of all services, also of those that only jobs run.
    fn origins(&self) -> impl Iterator<Item = &Origin> {
        let services = self.services.values().map(|one| &one.origin);
        services.chain(self.runs.values().map(|run| &run.origin))
    }

    /// The references of all images.
    pub(super) fn references(&self) -> BTreeSet<String> {
        self.origins().map(|one| one.image.clone()).collect()
    }

    /// The services whose images have to be on the host before anything is started: they are to have
    /// containers, the product itself makes these, or jobs run them, which are the services in `jobs`.
    pub(super) fn used<'p>(
        &'p self,
        jobs: &BTreeMap<String, usize>,
    ) -> impl Iterator<Item = (&'p String, &'p Origin)> {
        let used = |name: &String, one: &Wanted| one.needs_image() || jobs.contains_key(name);
        let services = self.services.iter().filter(move |(name, one)| used(name, one));
        let services = services.map(|(name, one)| (name, &one.origin));
        services.chain(self.runs.iter().map(|(name, run)| (name, &run.origin)))
    }

    /// The references of images that can move, without a digest: of what has containers, and of what
    /// is built.
    pub(super) fn movable_images(&self) -> BTreeSet<String> {
        let services = self.services.values().map(|one| &one.origin).filter(|one| !one.open);
        let images = services.chain(self.origins().filter(|one| one.context.is_some())).map(|one| &one.image);
        images.filter(|image| !image.contains('@')).cloned().collect()
    }

    /// What is built: image to a service that says how.
    pub(super) fn builds(&self) -> BTreeMap<&str, &str> {
        let services = self.services.iter().map(|(name, one)| (name, &one.origin));
        let all = services.chain(self.runs.iter().map(|(name, run)| (name, &run.origin)));
        let built = all.filter(|(_, one)| one.context.is_some());
        built.map(|(name, one)| (one.image.as_str(), name.as_str())).collect()
    }

    /// Whether the image of `one` comes from a registry: no service says how to build it.
    pub(super) fn is_fetched(&self, one: &Origin) -> bool {
        one.is_fetched() && !self.builds().contains_key(one.image.as_str())
    }

    /// Whether the image of the service `name` comes from no registry: it is built, here or by
    /// somebody else.
    pub(super) fn is_built(&self, name: &str) -> bool {
        self.services.get(name).is_some_and(|one| !self.is_fetched(&one.origin))
    }

    /// The references of images of services that come from registries.
    pub(super) fn fetched_images(&self) -> BTreeSet<String> {
        let services = self.services.values().map(|one| &one.origin);
        services.filter(|one| self.is_fetched(one)).map(|one| one.image.clone()).collect()
    }
}

impl Run {
    fn of(document: &Value, origin: Origin) -> Self {
        let hash = sha256(document.to_string().as_bytes());
        Self { origin, facts: Facts::of(document).of_a_run(), hash }
    }
}

impl Wanted {
    fn of(wanted: DomainWanted, service: &Resolution, origin: Origin) -> Self {
        Self {
            origin,
            environment_hash: wanted.environment_hash,
            files_hash: wanted.files_hash,
            config_hash: wanted.config_hash,
            steady: wanted.steady,
            replicas: wanted.replicas,
            left_alone: wanted.left_alone,
            secret: wanted.secret,
            restarts: !matches!(service.restart.as_str(), "" | "no"),
            files: wanted.files,
            shares: wanted.shares,
            depends_on: service.depends_on.keys().cloned().collect(),
            restarts_with: service.restarts_with.clone(),
            facts: Facts::default(),
            labels: BTreeMap::new(),
            seals: BTreeMap::new(),
        }
    }

    fn labels(&self, service: &str, contents: &Contents<'_>) -> BTreeMap<String, String> {
        let sealed = self.seals.iter().map(|(label, seal)| {
            let digests = if label == LABEL_FILES { &contents.files } else { &contents.values };
            (label.clone(), seal.label(contents.key, label, service, digests))
        });
        self.labels.clone().into_iter().chain(sealed).collect()
    }

    /// Whether its image has to be on the host: it is to have containers, or the product itself makes
    /// them.
    pub(super) fn needs_image(&self) -> bool {
        self.replicas > 0 || self.left_alone
    }

    fn domain(&self) -> DomainWanted {
        DomainWanted {
            image: self.origin.image.clone(),
            environment_hash: self.environment_hash.clone(),
            files_hash: self.files_hash.clone(),
            config_hash: self.config_hash.clone(),
            steady: self.steady,
            replicas: self.replicas,
            left_alone: self.left_alone,
            secret: self.secret,
            files: self.files.clone(),
            shares: self.shares.clone(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn wanted(config_hash: &str) -> Wanted {
        Wanted {
            origin: Origin { image: "app:1".into(), ..Origin::default() },
            environment_hash: "e".into(),
            files_hash: String::new(),
            config_hash: config_hash.into(),
            steady: Steady::Running,
            replicas: 1,
            left_alone: false,
            secret: false,
            restarts: false,
            files: BTreeSet::new(),
            shares: BTreeSet::new(),
            depends_on: BTreeSet::new(),
            restarts_with: BTreeSet::new(),
            facts: Facts::default(),
            labels: BTreeMap::new(),
            seals: BTreeMap::new(),
        }
    }

    #[test]
    fn it_survives_being_remembered() {
        let services = BTreeMap::from([("app".to_owned(), wanted("c"))]);
        let prediction = Prediction { digest: "d".into(), services, ..Prediction::default() };
        let json = serde_json::to_string(&prediction).unwrap();
        assert!(!json.contains("platform"), "{json}");
        assert_eq!(serde_json::from_str::<Prediction>(&json).unwrap(), prediction);
    }

    #[test]
    fn only_services_with_labels_are_overridden() {
        let key = Key::from_random([7; 32]);
        let contents = Contents { key: &key, values: BTreeMap::new(), files: BTreeMap::new() };
        let labels = BTreeMap::from([("windlass.files-hash".to_owned(), "f".to_owned())]);
        let with = Wanted { labels, ..wanted("c") };
        let services = BTreeMap::from([("a".to_owned(), wanted("c")), ("b".to_owned(), with)]);
        let text = Prediction { services, ..Prediction::default() }.override_file(&contents);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json, serde_json::json!({"services": {"b": {"labels": {"windlass.files-hash": "f"}}}}));
    }

    #[test]
    fn images_with_a_digest_do_not_move() {
        let mut pinned = wanted("c");
        pinned.origin.image = "app@sha256:aa".into();
        let services = BTreeMap::from([("a".to_owned(), wanted("c")), ("b".to_owned(), pinned)]);
        let prediction = Prediction { services, ..Prediction::default() };
        assert_eq!(prediction.movable_images(), BTreeSet::from(["app:1".to_owned()]));
    }

    fn run(image: &str, context: Option<&str>) -> Run {
        let origin = Origin { image: image.into(), context: context.map(str::to_owned), ..Origin::default() };
        Run { origin, facts: Facts::default(), hash: "h".into() }
    }

    #[test]
    fn an_image_that_one_service_builds_is_fetched_for_none() {
        let services = BTreeMap::from([("app".to_owned(), wanted("c"))]);
        let runs = BTreeMap::from([("tool".to_owned(), run("app:1", Some("now")))]);
        let prediction = Prediction { services, runs, ..Prediction::default() };
        assert!(prediction.fetched_images().is_empty());
        assert_eq!(prediction.builds(), BTreeMap::from([("app:1", "tool")]));
        let ids = BTreeMap::from([("app:1".to_owned(), "sha256:1".to_owned())]);
        let built = |context: &str| ImageFacts {
            contexts: BTreeMap::from([("app:1".to_owned(), context.to_owned())]),
            ..ImageFacts::default()
        };
        assert_eq!(prediction.image_ids(&ids, &built("now"))["app:1"], "sha256:1");
        assert_eq!(prediction.image_ids(&ids, &built("then"))["app:1"], OPEN);
    }

    #[test]
    fn a_run_carries_what_it_is_built_from_and_moves_when_it_is_built() {
        let runs = [("built", run("a:1", Some("now"))), ("fetched", run("b:1", None))];
        let runs = runs.map(|(name, run)| (name.to_owned(), run)).into();
        let prediction = Prediction { runs, ..Prediction::default() };
        let key = Key::from_random([7; 32]);
        let contents = Contents { key: &key, values: BTreeMap::new(), files: BTreeMap::new() };
        let json: Value = serde_json::from_str(&prediction.override_file(&contents)).unwrap();
        let labels = serde_json::json!({"windlass.context-hash": "now"});
        assert_eq!(json, serde_json::json!({"services": {"built": {"build": {"labels": labels}}}}));
        assert_eq!(prediction.movable_images(), BTreeSet::from(["a:1".to_owned()]));
        let used: Vec<_> = prediction.used(&BTreeMap::new()).map(|(name, _)| name.as_str()).collect();
        assert_eq!(used, ["built", "fetched"]);
    }
}
