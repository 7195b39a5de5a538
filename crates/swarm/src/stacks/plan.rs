//! What each service will be. Pure.

use std::collections::{BTreeMap, BTreeSet};

use stack::Orphans;

use super::{
    live::{ObservedService, steady},
    wanted::{WantedService, WantedStack},
};

/// When registries are asked what an image stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResolveImage {
    /// Where the reference is another one than before.
    #[default]
    Changed,
    /// Each time.
    Always,
    /// Never: nodes find out by themselves.
    Never,
}

/// How a plan goes about it.
#[derive(Clone, Debug, Default)]
pub struct PlanOptions {
    /// When registries are asked.
    pub resolve: ResolveImage,
    /// Services whose number of replicas is the swarm's own affair.
    pub keep_replicas: BTreeSet<String>,
    /// What becomes of services that have left the files.
    pub orphans: Orphans,
    /// References that stand for another image by now, with its digest.
    pub moved: BTreeMap<String, String>,
}

/// A service as it will be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct PlannedService {
    pub image: String,
    /// `None` while nobody has asked the registry.
    pub image_digest: Option<String>,
    pub mode: String,
    pub replicas: Option<u64>,
    pub environment_hash: String,
    pub files_hash: String,
    pub config_hash: String,
    pub ports: Vec<String>,
    pub status: String,
}

impl From<ObservedService> for PlannedService {
    fn from(one: ObservedService) -> Self {
        let ObservedService {
            image,
            mode,
            replicas,
            environment_hash,
            files_hash,
            config_hash,
            ports,
            status,
            ..
        } = one;
        let image_digest = Some(one.image_digest);
        Self { image, image_digest, mode, replicas, environment_hash, files_hash, config_hash, ports, status }
    }
}

/// What each service will be; `observed` is what is.
pub fn plan(
    observed: &BTreeMap<String, ObservedService>,
    wanted: &WantedStack,
    options: &PlanOptions,
) -> BTreeMap<String, PlannedService> {
    let services = wanted.services.iter();
    let mut planned: BTreeMap<_, _> =
        services.map(|(name, one)| (name.clone(), service(name, observed.get(name), one, options))).collect();
    if options.orphans == Orphans::Keep {
        for (name, one) in observed {
            planned.entry(name.clone()).or_insert_with(|| one.clone().into());
        }
    }
    planned
}

fn service(
    name: &str,
    observed: Option<&ObservedService>,
    wanted: &WantedService,
    options: &PlanOptions,
) -> PlannedService {
    let same_image = observed.filter(|one| one.image == wanted.image);
    let image_digest = match (same_image, options.resolve) {
        (Some(_), ResolveImage::Always) if options.moved.contains_key(&wanted.image) => {
            options.moved.get(&wanted.image).cloned()
        }
        (Some(one), _) => Some(one.image_digest.clone()),
        (None, ResolveImage::Never) => Some(String::new()),
        (None, ResolveImage::Changed | ResolveImage::Always) => None,
    };
    let kept = observed.filter(|one| options.keep_replicas.contains(name) && one.mode == wanted.mode.word());
    PlannedService {
        image: wanted.image.clone(),
        image_digest,
        mode: wanted.mode.word().to_owned(),
        replicas: kept.map_or(wanted.replicas, |one| one.replicas),
        environment_hash: wanted.environment_hash.clone(),
        files_hash: wanted.files_hash.clone(),
        config_hash: wanted.config_hash.clone(),
        ports: wanted.ports.clone(),
        status: steady(wanted.mode).to_owned(),
    }
}

/// Whether a service has to be updated to become what is planned. One that is as planned is left alone:
/// every update of a job runs it again.
pub fn is_changed(observed: &ObservedService, planned: &PlannedService) -> bool {
    let now = PlannedService::from(observed.clone());
    // What is not known yet is known to be another one.
    now != *planned
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::stacks::wanted::ServiceMode;

    fn wanted(image: &str) -> WantedService {
        WantedService {
            image: image.to_owned(),
            mode: ServiceMode::Replicated,
            replicas: Some(2),
            environment_hash: "e".into(),
            files_hash: String::new(),
            config_hash: "c".into(),
            ports: Vec::new(),
            health_check: false,
            facts: compose::policy::Facts::default(),
        }
    }

    fn observed() -> ObservedService {
        ObservedService {
            image: "a:1".into(),
            image_digest: "sha256:1".into(),
            mode: "replicated".into(),
            replicas: Some(2),
            environment_hash: "e".into(),
            config_hash: "c".into(),
            status: "running".into(),
            ..ObservedService::default()
        }
    }

    fn planned(
        observed: &ObservedService,
        wanted: WantedService,
        options: &PlanOptions,
    ) -> (bool, PlannedService) {
        let services = BTreeMap::from([("api".to_owned(), observed.clone())]);
        let wanted =
            WantedStack { services: BTreeMap::from([("api".to_owned(), wanted)]), ..WantedStack::default() };
        let planned = plan(&services, &wanted, options).remove("api").unwrap();
        (is_changed(observed, &planned), planned)
    }

    #[test]
    fn only_what_differs_is_updated() {
        let none = PlanOptions::default();
        assert!(!planned(&observed(), wanted("a:1"), &none).0);
        for other in [
            ObservedService { config_hash: "changed".into(), ..observed() },
            ObservedService { status: "paused".into(), ..observed() },
            ObservedService { replicas: Some(5), ..observed() },
            ObservedService { image: "b:1".into(), ..observed() },
        ] {
            assert!(planned(&other, wanted("a:1"), &none).0, "{other:?}");
        }
        let kept = PlanOptions { keep_replicas: ["api".to_owned()].into(), ..PlanOptions::default() };
        let (changed, planned) =
            planned(&ObservedService { replicas: Some(5), ..observed() }, wanted("a:1"), &kept);
        assert_eq!((changed, planned.replicas), (false, Some(5)));
    }

    #[test]
    fn a_digest_is_known_unless_a_registry_has_to_be_asked() {
        let digest = |image: &str, resolve, moved: &[(&str, &str)]| {
            let moved =
                moved.iter().map(|(image, digest)| ((*image).to_owned(), (*digest).to_owned())).collect();
            let options = PlanOptions { resolve, moved, ..PlanOptions::default() };
            planned(&observed(), wanted(image), &options).1.image_digest
        };
        assert_eq!(digest("a:1", ResolveImage::Changed, &[("a:1", "sha256:2")]).as_deref(), Some("sha256:1"));
        assert_eq!(digest("a:1", ResolveImage::Always, &[("a:1", "sha256:2")]).as_deref(), Some("sha256:2"));
        assert_eq!(digest("a:2", ResolveImage::Changed, &[]), None);
        assert_eq!(digest("a:2", ResolveImage::Never, &[]).as_deref(), Some(""));
    }

    #[test]
    fn what_has_left_the_files_goes_unless_it_is_kept() {
        let services = BTreeMap::from([("old".to_owned(), observed())]);
        let none = WantedStack::default();
        assert!(plan(&services, &none, &PlanOptions::default()).is_empty());
        let keep = PlanOptions { orphans: Orphans::Keep, ..PlanOptions::default() };
        assert_eq!(plan(&services, &none, &keep)["old"], observed().into());
    }
}
