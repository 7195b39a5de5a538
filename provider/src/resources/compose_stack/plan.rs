//! What a change of `windlass_compose_stack` means, service by service.
//!
//! Live facts come from the last read (`services`, `source_hash`, the private state) and from the
//! host's Compose; nothing else is looked at, so that the same plan comes out again inside apply.

use std::collections::BTreeMap;

use compose::{
    plan::{Change, planned},
    stack::{ORPHANED, ServiceState},
};
use framework::{Context, Diagnostic, Diagnostics, Field, Plan, Severity, State};

use super::{
    StackPrivate, StackResource,
    failure::Failure,
    images::{ImageFacts, planned_digests},
    inputs::{Inputs, own_dotenv, source_hash},
    job,
    model::{Service, StackModel},
    policies::{Own, Required},
    predict::predict,
    prediction::{OPEN, Prediction},
    pull::unbuilt,
    site::Site,
};
use crate::{
    diagnose::host_error,
    hosts::{Host, keep_spelling},
    settings::OnUnreachable,
};

/// What the world looks like after a plan.
const NOTHING: &str = "Nothing was changed.";

/// Decides what each service will be.
pub(super) async fn plan(
    resource: &StackResource,
    cx: &Context,
    plan: &mut Plan<StackResource>,
) -> Result<(), Diagnostics> {
    if let Some(prior) = &plan.prior {
        keep_spelling(&mut plan.planned.host, &prior.model.host);
    }
    plan.planned.id = plan.planned.name.clone();
    let title = format!("Could not plan compose stack {:?}", plan.planned.name());
    if let Some(prior) = &plan.prior {
        resource.hosts.refuse_stranger(&title, &prior.model.host, &plan.planned.host)?;
    }
    plan.planned.source_hash = source_hash(&plan.config)?.map_or(Field::Unknown, Field::Known);

    let required = Required::of(resource, &plan.config);
    let Some(inputs) = Inputs::of(&plan.config)? else {
        if required.has_template() {
            let own = own_dotenv(&plan.config)?;
            let own = own.as_ref().map_or(Own::Unknown, |own| Own::Known(own.as_deref()));
            required.check(&title, &plan.config, &own, None)?;
        }
        leave_open(plan);
        return Ok(());
    };
    let check = |plan: &Plan<StackResource>, prediction: Option<&Prediction>| {
        required.check(&title, &plan.config, &Own::Known(inputs.dotenv.as_deref()), prediction)
    };
    if let Some(known) = without_looking(plan, &inputs) {
        check(plan, Some(&known.prediction))?;
        return settle(&title, plan, known);
    }
    let reached =
        resource.hosts.reach(&plan.planned.host).map_err(|error| host_error(&title, &error, NOTHING))?;
    let Some(host) = reached else {
        check(plan, None)?;
        leave_open(plan);
        return Ok(());
    };
    match look(resource, cx, plan, &inputs, &title, host).await {
        Ok(known) => {
            check(plan, Some(&known.prediction))?;
            settle(&title, plan, known)?;
        }
        Err(failure) if can_wait(resource, plan, &failure) => {
            check(plan, None)?;
            leave_open(plan);
            warn(cx, failure, &title);
        }
        Err(failure) => return Err(failure.diagnostics(&title, NOTHING)),
    }
    Ok(())
}

/// What is known of a stack that is to be.
struct Known {
    directory: String,
    prediction: Prediction,
    machine_id: String,
    compose: String,
    /// Whether it will be on the machine where it is.
    stays: bool,
}

/// The prediction of the last apply, where its inputs are still the ones of now: Compose need not
/// be asked.
fn without_looking(plan: &Plan<StackResource>, inputs: &Inputs) -> Option<Known> {
    let prior = plan.prior.as_ref()?;
    let directory = plan.planned.directory.known()?;
    let prediction = prior.private.prediction.clone()?;
    let same = plan.planned.host == prior.model.host
        && plan.planned.directory == prior.model.directory
        && prediction.digest == inputs.digest(directory, &prior.private.compose);
    same.then(|| Known {
        directory: directory.clone(),
        prediction,
        machine_id: prior.private.machine_id.clone(),
        compose: prior.private.compose.clone(),
        stays: true,
    })
}

/// Asks the host.
async fn look(
    resource: &StackResource,
    cx: &Context,
    plan: &Plan<StackResource>,
    inputs: &Inputs,
    title: &str,
    host: Host,
) -> Result<Known, Failure> {
    let site = Site::open(host).await?;
    let known_machine =
        plan.prior.as_ref().map(|prior| prior.private.machine_id.as_str()).unwrap_or_default();
    let same_host = plan.prior.as_ref().is_some_and(|prior| prior.model.host == plan.planned.host);
    let stays = same_host || (!known_machine.is_empty() && known_machine == site.machine_id);
    let directory = match (&plan.config.directory, &plan.planned.directory) {
        (Field::Known(chosen), _) => chosen.clone(),
        // It was chosen by default on this machine, and stays there whoever logs in.
        (_, Field::Known(kept)) if stays => kept.clone(),
        _ => site.default_directory(&inputs.name),
    };
    let compose = site.compose_version(resource).await?;
    let prediction = predict(resource, cx, &site, inputs, &directory).await?;
    let engine = resource.engines.engine(&site.host).await?;
    if let Some(problem) = unbuilt(title, &engine, &prediction, &inputs.jobs).await? {
        return Err(problem.into());
    }
    Ok(Known { directory, prediction, machine_id: site.machine_id, compose, stays })
}

/// Leaves to apply what cannot be known now. Where nothing else changes, the last known state
/// stands: nobody asked for anything.
fn leave_open(plan: &mut Plan<StackResource>) {
    let moved = plan.prior.as_ref().is_none_or(|prior| prior.model.host != plan.planned.host);
    if plan.config.directory.is_unknown() || (moved && plan.config.directory.is_null()) {
        plan.planned.directory = Field::Unknown;
    }
    let prior = plan.prior.as_ref().map(|prior| &prior.model);
    plan.planned.services = prior.map_or(Field::Unknown, |prior| prior.services.clone());
    plan.planned.image_digests = prior.map_or(Field::Unknown, |prior| prior.image_digests.clone());
    if plan.has_changes() {
        plan.planned.services = Field::Unknown;
        plan.planned.image_digests = Field::Unknown;
        plan.private = StackPrivate::default();
    }
}

/// Takes over what is known.
fn settle(title: &str, plan: &mut Plan<StackResource>, known: Known) -> Result<(), Diagnostics> {
    job::check(title, &plan.planned, &known.prediction)?;
    let (prior, images, facts) = match plan.prior.as_ref().filter(|_| known.stays) {
        Some(prior) => {
            (prior.model.live(), prior.private.images.clone(), facts_for(plan, prior, &known.prediction))
        }
        None => (BTreeMap::new(), BTreeMap::new(), ImageFacts::default()),
    };
    let ids = known.prediction.image_ids(&images, &facts);
    let orphans = plan.planned.orphans();
    let changes = known.prediction.changes(&prior, &ids, &known.compose, orphans);
    let services = services(&prior, &known.prediction, &changes, &ids, &plan.planned);
    plan.planned.directory = Field::Known(known.directory);
    plan.planned.image_digests = planned_digests(&services, &facts, &known.prediction);
    plan.planned.services = Field::Known(services);
    plan.private = StackPrivate {
        machine_id: known.machine_id,
        compose: known.compose,
        images,
        image_facts: facts,
        prediction: Some(known.prediction),
    };
    Ok(())
}

/// What is known of the images, as far as it counts: where not everything is fetched, it does not
/// matter what a tag stands for in its registry; where everything is fetched from now on, nobody has
/// asked yet, and each may stand for another one.
fn facts_for(
    plan: &Plan<StackResource>,
    prior: &State<StackResource>,
    prediction: &Prediction,
) -> ImageFacts {
    let mut facts = prior.private.image_facts.clone();
    let always = |model: &StackModel| model.pull.as_str() == Some("always");
    match (always(&prior.model), always(&plan.planned)) {
        (_, false) => facts.moved.clear(),
        (false, true) => {
            facts.moved = prediction.fetched_images();
            facts.moved.retain(|image| !image.contains('@'));
        }
        (true, true) => {}
    }
    facts
}

/// The services as they will be.
fn services(
    prior: &BTreeMap<String, ServiceState>,
    prediction: &Prediction,
    changes: &BTreeMap<String, Change>,
    images: &BTreeMap<String, String>,
    planned_model: &StackModel,
) -> BTreeMap<String, Service> {
    // What is pulled anyway may turn out to be another image, once anything is done at all.
    let pulls = planned_model.pull.as_str() == Some("always")
        && changes.values().any(|change| *change != Change::Keep);
    let left = prediction.orphans(prior, planned_model.orphans()).filter(|(_, state)| is_ours(state));
    let left = left.map(|(name, state)| (name.clone(), orphaned(state)));
    prediction
        .wanted()
        .iter()
        .map(|(name, wanted)| {
            let change = &changes[name];
            let prior = prior.get(name);
            // What a digest names stays the same image.
            let pinned = prior.filter(|prior| prior.image == wanted.image && wanted.image.contains('@'));
            let known = images.get(&wanted.image).filter(|id| *id != OPEN);
            let image_id = known.or(pinned.map(|prior| &prior.image_id));
            let mut service = Service::planned(&planned(wanted, prior, change, image_id));
            let open = images.get(&wanted.image).is_some_and(|id| id == OPEN);
            let origin = &prediction.services[name].origin;
            if (open || pulls && prediction.is_fetched(origin) && !wanted.image.contains('@'))
                && wanted.replicas > 0
            {
                service.image_id = Field::Unknown;
                service.containers = Field::Unknown;
                service.ports = Field::Unknown;
            }
            if origin.open {
                service.image = Field::Unknown;
                service.config_hash = Field::Unknown;
            }
            (name.clone(), service)
        })
        .chain(left)
        .collect()
}

/// Whether a service that has containers is one that we have made: of others no environment is known.
fn is_ours(state: &ServiceState) -> bool {
    state.replicas > 0 && !state.environment_hash.is_empty()
}

/// A service that has left the files and whose containers stay.
fn orphaned(state: &ServiceState) -> Service {
    Service { status: ORPHANED.into(), ..Service::of(state) }
}

/// Whether the plan may go on without knowing: what is to be created must not need its host yet,
/// and `on_unreachable = "keep"` says the same of what exists.
fn can_wait(resource: &StackResource, plan: &Plan<StackResource>, failure: &Failure) -> bool {
    let settings = resource.hosts.settings();
    let keep = settings.is_some_and(|settings| settings.on_unreachable == OnUnreachable::Keep);
    let moves = plan.prior.as_ref().is_none_or(|prior| prior.model.host != plan.planned.host);
    failure.is_absence() && (moves || keep)
}

fn warn(cx: &Context, failure: Failure, title: &str) {
    for problem in failure.diagnostics(title, "What will change is decided during apply.") {
        cx.warn(Diagnostic { severity: Severity::Warning, ..problem });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::compose_stack::prediction::tests::wanted;

    fn prediction(services: &[(&str, &str)]) -> Prediction {
        let services = services.iter().map(|(name, hash)| ((*name).to_owned(), wanted(hash))).collect();
        Prediction { digest: "d".into(), services, ..Prediction::default() }
    }

    fn live(hash: &str) -> ServiceState {
        ServiceState {
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

    fn prior(services: &[(&str, ServiceState)]) -> BTreeMap<String, ServiceState> {
        services.iter().map(|(name, state)| ((*name).to_owned(), state.clone())).collect()
    }

    fn services(
        prior: &BTreeMap<String, ServiceState>,
        prediction: &Prediction,
        images: &BTreeMap<String, String>,
        model: &StackModel,
    ) -> BTreeMap<String, Service> {
        let changes = prediction.changes(prior, images, "5.5.1", model.orphans());
        super::services(prior, prediction, &changes, images, model)
    }

    #[test]
    fn what_is_well_stays_as_it_is() {
        let prior = prior(&[("app", live("c"))]);
        let services =
            services(&prior, &prediction(&[("app", "c")]), &BTreeMap::new(), &StackModel::default());
        assert_eq!(services["app"], Service::of(&prior["app"]));
    }

    #[test]
    fn a_stopped_service_shows_by_its_status_alone() {
        let prior = prior(&[("app", ServiceState { status: "stopped".into(), ..live("c") })]);
        let services =
            services(&prior, &prediction(&[("app", "c")]), &BTreeMap::new(), &StackModel::default());
        assert_eq!(services["app"].status.as_str(), Some("running"));
        assert_eq!(services["app"].image_id.as_str(), Some("sha256:1"));
        assert!(services["app"].ports.is_unknown());
    }

    #[test]
    fn what_starts_again_with_another_shows_by_its_ports_alone() {
        let prior = prior(&[("app", live("c")), ("db", live("c"))]);
        let mut both = prediction(&[("app", "c"), ("db", "x")]);
        let app = both.services.get_mut("app").unwrap();
        app.depends_on = ["db".to_owned()].into();
        app.restarts_with = app.depends_on.clone();
        let planned = services(&prior, &both, &BTreeMap::new(), &StackModel::default());
        assert_eq!(planned["app"], Service { ports: Field::Unknown, ..Service::of(&prior["app"]) });
        assert!(planned["db"].containers.is_unknown());
    }

    #[test]
    fn a_moved_image_is_a_change() {
        let prior = prior(&[("app", live("c"))]);
        let images = BTreeMap::from([("app:1".to_owned(), "sha256:2".to_owned())]);
        let services = services(&prior, &prediction(&[("app", "c")]), &images, &StackModel::default());
        assert_eq!(services["app"].image_id.as_str(), Some("sha256:2"));
        assert!(services["app"].containers.is_unknown());
    }

    #[test]
    fn strangers_go_and_new_services_come() {
        let prior = prior(&[("app", live("c")), ("old", live("o"))]);
        let both = prediction(&[("app", "c"), ("new", "n")]);
        let services = services(&prior, &both, &BTreeMap::new(), &StackModel::default());
        assert_eq!(services.keys().collect::<Vec<_>>(), ["app", "new"]);
        assert!(services["new"].image_id.is_unknown());
    }

    #[test]
    fn what_leaves_the_files_stays_where_orphans_do() {
        let model = StackModel { remove_orphans: Field::Known(false), ..StackModel::default() };
        let stranger = ServiceState { environment_hash: String::new(), ..live("s") };
        let prior = prior(&[("app", live("c")), ("old", live("o")), ("off", live("f")), ("other", stranger)]);
        let mut files = prediction(&[("app", "c")]);
        files.inactive = ["off".to_owned()].into();
        let changes = files.changes(&prior, &BTreeMap::new(), "5.5.1", model.orphans());
        assert_eq!((&changes["old"], &changes["off"]), (&Change::Keep, &Change::Remove));
        let services = services(&prior, &files, &BTreeMap::new(), &model);
        assert_eq!(services.keys().collect::<Vec<_>>(), ["app", "old"]);
        assert_eq!(services["old"], Service { status: "orphaned".into(), ..Service::of(&prior["old"]) });
    }

    #[test]
    fn always_pulling_leaves_images_open_only_when_something_is_done() {
        let model = StackModel { pull: "always".into(), ..StackModel::default() };
        let prior = prior(&[("app", live("c")), ("db", live("c"))]);
        let same = prediction(&[("app", "c"), ("db", "c")]);
        let still = services(&prior, &same, &BTreeMap::new(), &model);
        assert_eq!(still["db"], Service::of(&prior["db"]));
        let other = prediction(&[("app", "x"), ("db", "c")]);
        let moving = services(&prior, &other, &BTreeMap::new(), &model);
        assert!(moving["db"].image_id.is_unknown());
    }

    #[test]
    fn images_that_only_apply_tells_change_who_uses_them() {
        let prior = prior(&[("app", live("c")), ("db", ServiceState { image: "db:1".into(), ..live("c") })]);
        let mut both = prediction(&[("app", "c"), ("db", "c")]);
        both.services.get_mut("db").unwrap().origin.image = "db:1".into();
        let facts = ImageFacts { moved: ["app:1".to_owned()].into(), ..ImageFacts::default() };
        let ids = BTreeMap::from([("app:1".to_owned(), "sha256:1".to_owned())]);
        let planned = services(&prior, &both, &both.image_ids(&ids, &facts), &StackModel::default());
        assert!(planned["app"].image_id.is_unknown() && planned["app"].containers.is_unknown());
        assert_eq!(planned["db"], Service::of(&prior["db"]));

        both.services.get_mut("app").unwrap().origin.context = Some("now".into());
        let with = |context: &str| ImageFacts {
            contexts: BTreeMap::from([("app:1".to_owned(), context.to_owned())]),
            ..ImageFacts::default()
        };
        let same = services(&prior, &both, &both.image_ids(&ids, &with("now")), &StackModel::default());
        assert_eq!(same["app"], Service::of(&prior["app"]));
        for (ids, context) in [(ids, "then"), (BTreeMap::new(), "now")] {
            let ids = both.image_ids(&ids, &with(context));
            let built = services(&prior, &both, &ids, &StackModel::default());
            assert!(built["app"].image_id.is_unknown(), "{context}");
        }
    }

    #[test]
    fn an_unknown_image_leaves_its_service_open_and_no_other() {
        let prior = prior(&[("app", live("c")), ("db", live("c"))]);
        let mut both = prediction(&[("app", "x"), ("db", "c")]);
        let app = &mut both.services.get_mut("app").unwrap().origin;
        (app.open, app.image) = (true, "unknown".into());
        let ids = both.image_ids(&BTreeMap::new(), &ImageFacts::default());
        let planned = services(&prior, &both, &ids, &StackModel::default());
        assert!(planned["app"].image.is_unknown() && planned["app"].config_hash.is_unknown());
        assert_eq!(planned["db"], Service::of(&prior["db"]));
        assert!(planned_digests(&planned, &ImageFacts::default(), &both).is_unknown());
    }

    #[test]
    fn digests_are_known_where_nothing_changes() {
        let pinned = "h:5000/db:1@sha256:d";
        let db = ServiceState { image: pinned.into(), ..live("c") };
        let with_id = |id: &str| ServiceState { image_id: id.into(), ..live("c") };
        let states = [
            ("app", live("c")),
            ("db", db),
            ("loaded", with_id("l")),
            ("built", with_id("b")),
            ("other", with_id("o")),
        ];
        let services = states.map(|(name, state)| (name.to_owned(), Service::of(&state)));
        let mut prediction = prediction(&[("app", "c"), ("db", "c"), ("loaded", "c"), ("built", "c")]);
        let built = &mut prediction.services.get_mut("built").unwrap().origin;
        (built.image, built.context) = ("built".into(), Some("x".into()));
        let digests = [("sha256:1", vec!["app@sha256:a".to_owned()]), ("l", vec![]), ("o", vec![])];
        let facts = ImageFacts {
            digests: digests.map(|(id, all)| (id.to_owned(), all)).into(),
            ..ImageFacts::default()
        };
        let found = planned_digests(&services.into(), &facts, &prediction);
        let wanted = [("app", "app@sha256:a"), ("db", "h:5000/db@sha256:d")];
        let wanted = wanted.map(|(name, digest)| (name.to_owned(), digest.to_owned()));
        assert_eq!(found, Field::Known(wanted.into()));
    }
}
