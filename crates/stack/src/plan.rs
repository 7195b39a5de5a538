//! What each service of a stack will be, as far as it is known before anything is done.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    changes::{Change, planned},
    desired::DesiredStack,
    image_facts::ImageFacts,
    images::planned_digests,
    options::{Orphans, PullPolicy},
    service::{OPEN, ORPHANED, ObservedService, PlannedService},
    unvouched::{is_sealed, keep_unvouched, recognised},
};

/// What is known of a stack and its host when it is planned.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct Known<'a> {
    pub observed: &'a BTreeMap<String, ObservedService>,
    /// The ids of images, by reference.
    pub images: &'a BTreeMap<String, String>,
    /// What else is known of images.
    pub image_facts: &'a ImageFacts,
    /// The version of Compose on the host.
    pub compose: &'a str,
    /// The shipped files that may be others on the host than here, where no record vouches for what is
    /// there.
    pub differing: &'a BTreeSet<String>,
    /// Whether something is applied anyway, even if it is no service.
    pub applied: bool,
}

/// A stack as it will be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct PlannedStack {
    pub services: BTreeMap<String, PlannedService>,
    /// Service to what it runs, as it can be had again; `None` as long as one of them is not known.
    pub image_digests: Option<BTreeMap<String, String>>,
}

/// What becomes of the services of `known` when `desired` is applied.
pub fn plan(desired: &DesiredStack, known: Known<'_>, orphans: Orphans, pull: PullPolicy) -> PlannedStack {
    let ids = desired.image_ids(known.images, known.image_facts);
    let observed = recognised(known.observed, desired, known.differing);
    let changes_of = |relabelled: Option<&BTreeMap<String, String>>| {
        desired.changes(&observed, (&ids, relabelled), known.compose, orphans)
    };
    let mut changes = changes_of(None);
    if known.applied || changes.values().any(|change| *change != Change::Keep) {
        changes = changes_of(Some(&known.image_facts.relabelled));
    }
    let mut services = services(desired, &observed, &changes, &ids, (orphans, pull));
    keep_unvouched(&mut services, known.observed, &observed);
    if is_sealed(known.observed.values()) {
        // What has no containers, and is to have none, shows once there is a record.
        services.retain(|name, one| one.replicas > 0 || known.observed.contains_key(name));
    }
    let image_digests = planned_digests(&services, known.image_facts, desired);
    PlannedStack { services, image_digests }
}

fn services(
    desired: &DesiredStack,
    observed: &BTreeMap<String, ObservedService>,
    changes: &BTreeMap<String, Change>,
    images: &BTreeMap<String, String>,
    (orphans, pull): (Orphans, PullPolicy),
) -> BTreeMap<String, PlannedService> {
    // What is pulled anyway may turn out to be another image, once anything is done at all.
    let pulls = pull == PullPolicy::Always && changes.values().any(|change| *change != Change::Keep);
    let left = desired.orphans(observed, orphans).filter(|(_, service)| is_ours(service));
    let left = left.map(|(name, service)| (name.clone(), orphaned(service)));
    desired
        .services
        .iter()
        .map(|(name, one)| {
            let (change, prior) = (&changes[name], observed.get(name));
            // What a digest names stays the same image.
            let is_pinned = one.image().contains('@');
            let pinned = prior.filter(|prior| prior.image == one.image() && is_pinned);
            let open = images.get(one.image()).is_some_and(|id| id == OPEN);
            let known = images.get(one.image()).filter(|_| !open);
            let image_id = known.or(pinned.map(|prior| &prior.image_id));
            let mut service = planned(one, prior, change, image_id);
            let fetched_anew = pulls && desired.is_fetched(&one.source) && !is_pinned;
            if (open || fetched_anew) && one.replicas > 0 {
                (service.image_id, service.containers, service.ports) = (None, None, None);
            }
            if one.source.open {
                (service.image, service.config_hash) = (None, None);
            }
            (name.clone(), service)
        })
        .chain(left)
        .collect()
}

/// Whether a service that has containers is one that we have made: of others no environment is known.
fn is_ours(service: &ObservedService) -> bool {
    service.replicas > 0 && !service.environment_hash.is_empty()
}

/// A service that has left the files and whose containers stay.
fn orphaned(service: &ObservedService) -> PlannedService {
    PlannedService { status: ORPHANED.into(), ..service.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::tests::desired;

    fn stack(services: &[(&str, &str)]) -> DesiredStack {
        let services = services.iter().map(|(name, hash)| ((*name).to_owned(), desired(hash))).collect();
        DesiredStack { digest: "d".into(), services, ..DesiredStack::default() }
    }

    fn live(hash: &str) -> ObservedService {
        ObservedService {
            image: "app:1".into(),
            image_id: "sha256:1".into(),
            environment_hash: "e".into(),
            files_hash: String::new(),
            config_hash: hash.into(),
            status: "running".into(),
            replicas: 1,
            containers: vec!["web-app-1".into()],
            ports: vec![],
        }
    }

    fn prior(services: &[(&str, ObservedService)]) -> BTreeMap<String, ObservedService> {
        services.iter().map(|(name, state)| ((*name).to_owned(), state.clone())).collect()
    }

    fn services(
        prior: &BTreeMap<String, ObservedService>,
        desired: &DesiredStack,
        images: &BTreeMap<String, String>,
        choices: (Orphans, PullPolicy),
    ) -> BTreeMap<String, PlannedService> {
        let changes = desired.changes(prior, (images, None), "5.5.1", choices.0);
        super::services(desired, prior, &changes, images, choices)
    }

    /// A service that stays as it is.
    fn same(observed: &ObservedService) -> PlannedService {
        observed.into()
    }

    const DEFAULT: (Orphans, PullPolicy) = (Orphans::Remove, PullPolicy::Missing);

    #[test]
    fn what_is_well_stays_as_it_is() {
        let prior = prior(&[("app", live("c"))]);
        let services = services(&prior, &stack(&[("app", "c")]), &BTreeMap::new(), DEFAULT);
        assert_eq!(services["app"], same(&prior["app"]));
    }

    #[test]
    fn what_another_tool_has_updated_is_replaced_on_the_next_occasion() {
        let observed = prior(&[("app", live("c")), ("db", live("c"))]);
        let images = BTreeMap::from([("app:1".to_owned(), "sha256:1".to_owned())]);
        let of_label = |label: &str| ImageFacts {
            relabelled: BTreeMap::from([("app".to_owned(), label.to_owned())]),
            ..ImageFacts::default()
        };
        let replaced = |desired: &DesiredStack, image_facts: &ImageFacts, applied: bool| {
            let known = Known {
                observed: &observed,
                images: &images,
                image_facts,
                compose: "5.5.1",
                differing: &BTreeSet::new(),
                applied,
            };
            let planned = super::plan(desired, known, DEFAULT.0, DEFAULT.1).services;
            planned
                .into_iter()
                .filter(|(_, one)| one.containers.is_none())
                .map(|(name, _)| name)
                .collect::<Vec<_>>()
        };
        let same = stack(&[("app", "c"), ("db", "c")]);
        assert_eq!(replaced(&same, &of_label("sha256:0"), false), Vec::<String>::new());
        assert_eq!(replaced(&same, &of_label("sha256:0"), true), ["app"]);
        assert_eq!(
            replaced(&stack(&[("app", "c"), ("db", "x")]), &of_label("sha256:0"), false),
            ["app", "db"]
        );
        // Compose compares its label with the image that is wanted.
        assert_eq!(replaced(&same, &of_label("sha256:1"), true), Vec::<String>::new());
    }

    #[test]
    fn who_depends_on_what_a_program_provides_is_replaced_with_every_change() {
        let idle = ObservedService { status: "idle".into(), replicas: 0, ..ObservedService::default() };
        let db = |hash: &str| ObservedService {
            config_hash: hash.into(),
            environment_hash: "e".into(),
            ..idle.clone()
        };
        let observed = prior(&[("app", live("c")), ("other", live("c")), ("db", db("d"))]);
        let mut all = stack(&[("app", "c"), ("other", "c"), ("db", "d")]);
        all.services.get_mut("app").unwrap().depends_on = ["db".to_owned()].into();
        let provided = all.services.get_mut("db").unwrap();
        (provided.source.image, provided.replicas) = (String::new(), 0);
        let replaced = |compose: &str, applied: bool| -> Vec<String> {
            let (images, facts) = (BTreeMap::new(), ImageFacts::default());
            let known = Known {
                observed: &observed,
                images: &images,
                image_facts: &facts,
                compose,
                differing: &BTreeSet::new(),
                applied,
            };
            let planned = super::plan(&all, known, DEFAULT.0, DEFAULT.1).services.into_iter();
            planned.filter(|(_, one)| one.containers.is_none()).map(|(name, _)| name).collect()
        };
        assert_eq!(replaced("5.5.1", true), ["app"]);
        assert!(replaced("5.5.1", false).is_empty() && replaced("5.1.4", true).is_empty());
    }

    #[test]
    fn a_stopped_service_shows_by_its_status_alone() {
        let prior = prior(&[("app", ObservedService { status: "stopped".into(), ..live("c") })]);
        let services = services(&prior, &stack(&[("app", "c")]), &BTreeMap::new(), DEFAULT);
        assert_eq!(services["app"].status, "running");
        assert_eq!(services["app"].image_id.as_deref(), Some("sha256:1"));
        assert!(services["app"].ports.is_none());
    }

    #[test]
    fn what_starts_again_with_another_shows_by_its_ports_alone() {
        let prior = prior(&[("app", live("c")), ("db", live("c"))]);
        let mut both = stack(&[("app", "c"), ("db", "x")]);
        let app = both.services.get_mut("app").unwrap();
        app.depends_on = ["db".to_owned()].into();
        app.restarts_with = app.depends_on.clone();
        let planned = services(&prior, &both, &BTreeMap::new(), DEFAULT);
        assert_eq!(planned["app"], PlannedService { ports: None, ..same(&prior["app"]) });
        assert!(planned["db"].containers.is_none());
    }

    #[test]
    fn a_moved_image_is_a_change() {
        let prior = prior(&[("app", live("c"))]);
        let images = BTreeMap::from([("app:1".to_owned(), "sha256:2".to_owned())]);
        let services = services(&prior, &stack(&[("app", "c")]), &images, DEFAULT);
        assert_eq!(services["app"].image_id.as_deref(), Some("sha256:2"));
        assert!(services["app"].containers.is_none());
    }

    #[test]
    fn strangers_go_and_new_services_come() {
        let prior = prior(&[("app", live("c")), ("old", live("o"))]);
        let both = stack(&[("app", "c"), ("new", "n")]);
        let services = services(&prior, &both, &BTreeMap::new(), DEFAULT);
        assert_eq!(services.keys().collect::<Vec<_>>(), ["app", "new"]);
        assert!(services["new"].image_id.is_none());
    }

    #[test]
    fn what_leaves_the_files_stays_where_orphans_do() {
        let keeping = (Orphans::Keep, PullPolicy::Missing);
        let stranger = ObservedService { environment_hash: String::new(), ..live("s") };
        let prior = prior(&[("app", live("c")), ("old", live("o")), ("off", live("f")), ("other", stranger)]);
        let mut files = stack(&[("app", "c")]);
        files.inactive = ["off".to_owned()].into();
        let changes = files.changes(&prior, (&BTreeMap::new(), None), "5.5.1", keeping.0);
        assert_eq!((&changes["old"], &changes["off"]), (&Change::Keep, &Change::Remove));
        let services = services(&prior, &files, &BTreeMap::new(), keeping);
        assert_eq!(services.keys().collect::<Vec<_>>(), ["app", "old"]);
        assert_eq!(services["old"], PlannedService { status: "orphaned".into(), ..same(&prior["old"]) });
    }

    #[test]
    fn always_pulling_leaves_images_open_only_when_something_is_done() {
        let model = (Orphans::Remove, PullPolicy::Always);
        let prior = prior(&[("app", live("c")), ("db", live("c"))]);
        let both = stack(&[("app", "c"), ("db", "c")]);
        let still = services(&prior, &both, &BTreeMap::new(), model);
        assert_eq!(still["db"], same(&prior["db"]));
        let other = stack(&[("app", "x"), ("db", "c")]);
        let moving = services(&prior, &other, &BTreeMap::new(), model);
        assert!(moving["db"].image_id.is_none());
    }

    #[test]
    fn images_that_only_apply_tells_change_who_uses_them() {
        let prior =
            prior(&[("app", live("c")), ("db", ObservedService { image: "db:1".into(), ..live("c") })]);
        let mut both = stack(&[("app", "c"), ("db", "c")]);
        both.services.get_mut("db").unwrap().source.image = "db:1".into();
        let facts = ImageFacts { moved: ["app:1".to_owned()].into(), ..ImageFacts::default() };
        let ids = BTreeMap::from([("app:1".to_owned(), "sha256:1".to_owned())]);
        let planned = services(&prior, &both, &both.image_ids(&ids, &facts), DEFAULT);
        assert!(planned["app"].image_id.is_none() && planned["app"].containers.is_none());
        assert_eq!(planned["db"], same(&prior["db"]));

        both.services.get_mut("app").unwrap().source.context = Some("now".into());
        let with = |context: &str| ImageFacts {
            contexts: BTreeMap::from([("app:1".to_owned(), context.to_owned())]),
            ..ImageFacts::default()
        };
        let unmoved = services(&prior, &both, &both.image_ids(&ids, &with("now")), DEFAULT);
        assert_eq!(unmoved["app"], same(&prior["app"]));
        for (ids, context) in [(ids, "then"), (BTreeMap::new(), "now")] {
            let ids = both.image_ids(&ids, &with(context));
            let built = services(&prior, &both, &ids, DEFAULT);
            assert!(built["app"].image_id.is_none(), "{context}");
        }
    }

    #[test]
    fn an_unknown_image_leaves_its_service_open_and_no_other() {
        let prior = prior(&[("app", live("c")), ("db", live("c"))]);
        let mut both = stack(&[("app", "x"), ("db", "c")]);
        let app = &mut both.services.get_mut("app").unwrap().source;
        (app.open, app.image) = (true, "unknown".into());
        let ids = both.image_ids(&BTreeMap::new(), &ImageFacts::default());
        let planned = services(&prior, &both, &ids, DEFAULT);
        assert!(planned["app"].image.is_none() && planned["app"].config_hash.is_none());
        assert_eq!(planned["db"], same(&prior["db"]));
        assert!(planned_digests(&planned, &ImageFacts::default(), &both).is_none());
    }

    #[test]
    fn digests_are_known_where_nothing_changes() {
        let pinned = "h:5000/db:1@sha256:d";
        let db = ObservedService { image: pinned.into(), ..live("c") };
        let with_id = |id: &str| ObservedService { image_id: id.into(), ..live("c") };
        let states = [
            ("app", live("c")),
            ("db", db),
            ("loaded", with_id("l")),
            ("built", with_id("b")),
            ("other", with_id("o")),
        ];
        let services = states.map(|(name, state)| (name.to_owned(), same(&state)));
        let mut stack = stack(&[("app", "c"), ("db", "c"), ("loaded", "c"), ("built", "c")]);
        let built = &mut stack.services.get_mut("built").unwrap().source;
        (built.image, built.context) = ("built".into(), Some("x".into()));
        let digests = [("sha256:1", vec!["app@sha256:a".to_owned()]), ("l", vec![]), ("o", vec![])];
        let facts = ImageFacts {
            digests: digests.map(|(id, all)| (id.to_owned(), all)).into(),
            ..ImageFacts::default()
        };
        let found = planned_digests(&services.into(), &facts, &stack);
        let wanted = [("app", "app@sha256:a"), ("db", "h:5000/db@sha256:d")];
        let wanted = wanted.map(|(name, digest)| (name.to_owned(), digest.to_owned()));
        assert_eq!(found, Some(wanted.into()));
    }
}
