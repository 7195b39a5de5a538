//! What the files want of each service, in the form that is remembered between plan, apply and the
//! next plan.

use std::collections::{BTreeMap, BTreeSet};

use docker::{
    Error,
    compose::{
        Choice, Config,
        plan::{self, Change},
        policy::Facts,
        predict::{Addition, LABEL_FILES, Resolved, override_file},
        project::{Condition, Service as Resolution},
        record::Key,
        seal::Seal,
        stack::{self, ServiceState, Steady, Wanted as DomainWanted},
        wait::Goal,
    },
};
use serde::{Deserialize, Serialize};

use super::images::ImageFacts;

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
    pub(crate) image: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) platform: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) built: bool,
    /// Whether its image is one of the configuration's, and not of the files.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) chosen: bool,
    /// A hash over all that the files say of it, placeholders in the place of secrets.
    pub(crate) hash: String,
}

/// What a service shall be. No secrets: placeholders stand for them in every hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    pub(crate) image: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) platform: String,
    /// Whether the files say how to build it, and no image that could be fetched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) built: bool,
    /// What it is built from; none where it is not built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) context: Option<String>,
    /// Whether its image is one of the configuration's, and not of the files.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) chosen: bool,
    /// Whether only apply knows its image.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) open: bool,
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
    pub(super) fn of(
        digest: String,
        resolved: &Resolved,
        hashes: &BTreeMap<String, String>,
        placeholders: &[String],
        choice: &Choice,
    ) -> Result<Self, Error> {
        let mut wanted = stack::wanted(resolved, hashes, placeholders)?;
        choice.settle(&mut wanted);
        let services = wanted.into_iter().filter_map(|(name, one)| {
            let service = resolved.config.services.get(&name)?;
            let document = &resolved.config.document["services"][&name];
            let platform = document["platform"].as_str();
            let labels = resolved.labels.get(&name).cloned().unwrap_or_default();
            let facts = Facts::of(document);
            let seals = resolved.seals.get(&name).cloned().unwrap_or_default();
            let one =
                Wanted { labels, seals, facts, ..Wanted::of(one, service, platform.unwrap_or_default()) };
            Some((name, one))
        });
        Ok(Self { digest, services: services.collect(), ..Self::default() })
    }

    /// The same, with where the images come from: `contexts` are what services are built from,
    /// `chosen` the images of the configuration.
    pub(super) fn with_images(
        mut self,
        resolved: &Resolved,
        contexts: BTreeMap<String, String>,
        chosen: &BTreeMap<String, Option<String>>,
    ) -> Self {
        for (name, one) in &mut self.services {
            let service = &resolved.config.document["services"][name];
            one.context = contexts.get(name).cloned();
            one.built = service["build"].is_object() && service["image"].is_null();
            one.chosen = chosen.contains_key(name);
            one.open = chosen.get(name).is_some_and(Option::is_none);
        }
        for (name, run) in &mut self.runs {
            if let Some(Some(image)) = chosen.get(name) {
                run.hash = format!("{} {image}", run.hash);
                run.image.clone_from(image);
                (run.built, run.chosen) = (false, true);
            }
        }
        self
    }

    /// The services as the domain knows them.
    pub(super) fn wanted(&self) -> BTreeMap<String, DomainWanted> {
        self.services.iter().map(|(name, one)| (name.clone(), one.domain())).collect()
    }

    /// Who depends on whom, which is all that comparing needs of the project.
    fn dependencies(&self) -> Config {
        let service = |one: &Wanted| Resolution {
            depends_on: one.depends_on.iter().map(|name| (name.clone(), Condition::Started)).collect(),
            ..Resolution::default()
        };
        Config {
            name: String::new(),
            services: self.services.iter().map(|(name, one)| (name.clone(), service(one))).collect(),
            document: serde_json::Value::Null,
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
        for one in self.services.values() {
            let built = ids.contains_key(&one.image).then(|| facts.contexts.get(&one.image)).flatten();
            let rebuilt = one.context.is_some() && one.context.as_ref() != built;
            if rebuilt || one.open || facts.moved.contains(&one.image) {
                all.insert(one.image.clone(), OPEN.to_owned());
            }
        }
        all
    }

    /// What happens to each service of `prior` and of this prediction.
    pub(super) fn changes(
        &self,
        prior: &BTreeMap<String, ServiceState>,
        images: &BTreeMap<String, String>,
    ) -> BTreeMap<String, Change> {
        plan::changes(prior, &self.wanted(), images, &self.dependencies())
    }

    /// The Compose file with what we add; labels that stand for secrets stand for `contents`.
    pub(super) fn override_file(&self, contents: &Contents<'_>) -> String {
        let addition = |name: &str, one: &Wanted| Addition {
            labels: one.labels(name, contents),
            image: Some(one.image.clone()).filter(|_| one.chosen),
            context: one.context.clone(),
        };
        let additions = self.services.iter().map(|(name, one)| (name.clone(), addition(name, one)));
        let alone = |run: &Run| Addition { image: Some(run.image.clone()), ..Addition::default() };
        let runs = self.runs.iter().filter(|(_, run)| run.chosen);
        override_file(&additions.chain(runs.map(|(name, run)| (name.clone(), alone(run)))).collect())
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

    /// The references of images that can move: those without a digest.
    pub(super) fn movable_images(&self) -> BTreeSet<String> {
        let images = self.services.values().filter(|one| !one.open).map(|one| &one.image);
        images.filter(|image| !image.contains('@')).cloned().collect()
    }

    /// The images that the files only say how to build and that are not built, with a service each.
    pub(super) fn unbuilt(&self) -> BTreeMap<String, String> {
        let unbuilt = self.services.iter().filter(|(_, one)| one.built && one.context.is_none());
        let unbuilt = unbuilt.filter(|(_, one)| one.needs_image());
        unbuilt.map(|(name, one)| (one.image.clone(), name.clone())).collect()
    }

    /// The references of images that come from registries.
    pub(super) fn fetched_images(&self) -> BTreeSet<String> {
        let fetched = self.services.values().filter(|one| one.is_fetched());
        fetched.map(|one| one.image.clone()).collect()
    }
}

impl Wanted {
    fn of(wanted: DomainWanted, service: &Resolution, platform: &str) -> Self {
        Self {
            image: wanted.image,
            platform: platform.to_owned(),
            built: false,
            context: None,
            chosen: false,
            open: false,
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

    /// Whether its image comes from a registry: it is not built here, nor was it by somebody else.
    pub(super) fn is_fetched(&self) -> bool {
        self.context.is_none() && !self.built
    }

    fn domain(&self) -> DomainWanted {
        DomainWanted {
            image: self.image.clone(),
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
            image: "app:1".into(),
            platform: String::new(),
            built: false,
            context: None,
            chosen: false,
            open: false,
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
        let pinned = Wanted { image: "app@sha256:aa".into(), ..wanted("c") };
        let services = BTreeMap::from([("a".to_owned(), wanted("c")), ("b".to_owned(), pinned)]);
        let prediction = Prediction { services, ..Prediction::default() };
        assert_eq!(prediction.movable_images(), BTreeSet::from(["app:1".to_owned()]));
    }
}
