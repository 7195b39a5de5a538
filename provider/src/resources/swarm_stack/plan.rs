//! What a change of `windlass_swarm_stack` means, service by service.
//!
//! Live facts come from the last read (`services`, the private state) and from the Compose of a manager;
//! nothing else is looked at, so that the same plan comes out again inside apply.

use std::collections::{BTreeMap, BTreeSet};

use framework::{Context, Diagnostic, Diagnostics, Field, Plan};
use stack::{StackSpec, changed_jobs, check_needs, has_new_probes, reads_the_host};
use swarm::stacks::{self, Wanted, WantedStack};

use super::{
    Resource, StackPrivate, SwarmStack,
    model::{Service, StackModel},
};
use crate::{
    clustered::{Clustered as _, Found, OnCluster},
    failure::{Failure, UNCHANGED, as_warning, taken_for_empty},
    settings::OnUnreachable,
    stacks::{
        blocks::{OwnEnv, Required, jobs, probes},
        context, sealed,
    },
};

/// Decides what each service will be.
pub(super) async fn plan(
    on: &OnCluster<'_>,
    title: &str,
    plan: &mut Plan<Resource>,
) -> Result<(), Diagnostics> {
    plan.planned.id = plan.planned.name.clone();
    plan.planned.secrets_sops_hash = sealed(&plan.config.sources())?.map(|sealed| sealed.sha256);
    let spec = plan.config.spec()?;
    let required = Required::of(on.clusters.hosts(), &plan.config.require);
    let check = |plan: &Plan<Resource>, spec: Option<&StackSpec>, wanted: Option<&WantedStack>| {
        let own = spec.map_or(OwnEnv::Unknown, |spec| OwnEnv::Known(spec.env_text()));
        let subjects = wanted.map(WantedStack::subjects);
        required.check(title, &plan.config.sources(), &own, subjects.as_ref())
    };
    let (Some(spec), Some(accepted)) = (spec, plan.config.accepted()) else {
        check(plan, None, None)?;
        leave_open(plan);
        return Ok(());
    };
    if let Some((wanted, compose)) = without_asking(plan, &spec, &accepted) {
        check(plan, Some(&spec), Some(&wanted))?;
        return settle(title, plan, wanted, compose);
    }
    let swarm = plan.prior.as_ref().and_then(|prior| prior.model.swarm.known().cloned());
    let at = match on.clusters.find(&plan.planned.managers, swarm.as_deref(), None).await {
        Found::Manager(at) => at,
        Found::Silent(_, failure) if !can_wait(on, plan, &failure) => {
            return Err(failure.into_diagnostics(title, UNCHANGED));
        }
        Found::Silent(_, failure) => {
            let title = format!("Planned {} without asking its swarm", SwarmStack::subject(&plan.planned));
            for problem in failure.into_diagnostics(&title, "What will change is decided during apply.") {
                on.cx.warn(as_warning(problem));
            }
            check(plan, Some(&spec), None)?;
            leave_open(plan);
            return Ok(());
        }
        // The swarm is made in the same apply, or read has told that it is in no state to tell.
        Found::Nowhere | Found::NotKnownYet | Found::Leaderless(_) => {
            check(plan, Some(&spec), None)?;
            leave_open(plan);
            return Ok(());
        }
    };
    let asked = async {
        let host = at.host.for_stacks().await?;
        let compose = host.compose_version().await?;
        let found = stacks::resolve(&context(on.cx), &host, &spec, &accepted).await?;
        Ok::<_, Failure>((found, compose))
    };
    let in_files = |failure: Failure| failure.in_files(plan.config.sources().files_attribute());
    let asked = asked.await.map_err(in_files);
    let (found, compose) = asked.map_err(|failure| failure.into_diagnostics(title, UNCHANGED))?;
    if !found.undefined.is_empty() {
        on.cx.warn(taken_for_empty(&spec.name, &found.undefined));
    }
    warn_of_lost(on.cx, &spec.name, &found.wanted);
    let wanted = found.wanted.remembered(stacks::digest(&spec, &compose, &accepted));
    check(plan, Some(&spec), Some(&wanted))?;
    settle(title, plan, wanted, compose)
}

/// What the last apply wanted, where its inputs are still the ones of now: Compose need not be asked.
fn without_asking(
    plan: &Plan<Resource>,
    spec: &StackSpec,
    accepted: &BTreeSet<String>,
) -> Option<(WantedStack, String)> {
    let private = &plan.prior.as_ref()?.private;
    let wanted = private.wanted.clone()?;
    // Only the host knows what is in its own files.
    if reads_the_host(spec) {
        return None;
    }
    (wanted.digest == stacks::digest(spec, &private.compose, accepted))
        .then(|| (wanted, private.compose.clone()))
}

/// Leaves to apply what cannot be known now. Where nothing else changes, the last known state stands.
fn leave_open(plan: &mut Plan<Resource>) {
    let prior = plan.prior.as_ref().map(|prior| &prior.model);
    plan.planned.services = prior.map_or(Field::Unknown, |prior| prior.services.clone());
    plan.planned.image_digests = prior.map_or(Field::Unknown, |prior| prior.image_digests.clone());
    if plan.has_changes() {
        plan.planned.services = Field::Unknown;
        plan.planned.image_digests = Field::Unknown;
        let prior = plan.prior.as_ref().map(|prior| prior.private.clone()).unwrap_or_default();
        plan.private = StackPrivate { wanted: None, ..prior };
    }
}

/// Takes over what is known.
fn settle(
    title: &str,
    plan: &mut Plan<Resource>,
    wanted: WantedStack,
    compose: String,
) -> Result<(), Diagnostics> {
    let started = wanted.services.keys().cloned().collect();
    let needs = check_needs(&jobs(&plan.planned.job), &started).map_err(Failure::from);
    needs.map_err(|failure| failure.into_diagnostics(title, UNCHANGED))?;
    let prior = plan.prior.as_ref();
    let observed = prior.map(|prior| prior.model.observed()).unwrap_or_default();
    let private = prior.map(|prior| prior.private.clone()).unwrap_or_default();
    let planned = stacks::plan(&observed, &wanted, &plan.planned.plan_options(&private.moved));
    let services: BTreeMap<_, _> =
        planned.into_iter().map(|(name, service)| (name, Service::of(service))).collect();
    plan.planned.set_services(services);
    plan.private = StackPrivate { compose, wanted: Some(wanted), ..private };
    Ok(())
}

/// Whether the plan may go on without knowing: what is to be created must not need its swarm yet, and
/// `on_unreachable = "keep"` says the same of what exists.
fn can_wait(on: &OnCluster<'_>, plan: &Plan<Resource>, failure: &Failure) -> bool {
    let settings = on.clusters.hosts().settings();
    let keep = settings.is_some_and(|settings| settings.on_unreachable == OnUnreachable::Keep);
    failure.is_absence() && (plan.prior.is_none() || keep)
}

/// Warns of all that a swarm does not do.
fn warn_of_lost(cx: &Context, name: &str, wanted: &Wanted) {
    if let Some(warning) = lost(name, &wanted.ignored) {
        cx.warn(warning);
    }
}

fn lost(name: &str, ignored: &BTreeMap<String, BTreeSet<String>>) -> Option<Diagnostic> {
    let line = |(of, keys): (&String, &BTreeSet<String>)| {
        format!("  {of}: {}", keys.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
    };
    let lines: Vec<String> = ignored.iter().map(line).collect();
    (!lines.is_empty()).then(|| {
        Diagnostic::warning(format!("A swarm leaves out a part of swarm stack {name:?}"))
            .detail(format!("Its files have keys that a swarm does not know, by service:\n{}", lines.join("\n")))
            .detail(
                "The services run without them. Where one matters, look for its counterpart below `deploy`; where none \
                 does, take them out, or keep them for hosts where Compose runs the same files.",
            )
    })
}

/// The world of a stack that is to be made, and of one that is.
pub(super) fn needs_swarm(
    prior: &StackModel,
    private: &StackPrivate,
    planned: &StackModel,
    now: &StackPrivate,
) -> bool {
    let digest = |private: &StackPrivate| private.wanted.as_ref().map(|wanted| wanted.digest.clone());
    let stays = digest(now).is_some()
        && digest(now) == digest(private)
        && planned.services == prior.services
        && planned.registry_auth == prior.registry_auth
        && changed_jobs(&jobs(&prior.job), &jobs(&planned.job)).is_empty()
        && !has_new_probes(&probes(&prior.probe), &probes(&planned.probe));
    !stays
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_one_warning() {
        let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(lost("shop", &BTreeMap::new()), None);
        let ignored =
            [("api".to_owned(), keys(&["build", "depends_on"])), ("db".to_owned(), keys(&["shm_size"]))];
        assert_eq!(
            lost("shop", &ignored.into()).unwrap().to_string(),
            "A swarm leaves out a part of swarm stack \"shop\"\n\
             Its files have keys that a swarm does not know, by service:\n  api: build, depends_on\n  db: shm_size\n\n\
             The services run without them. Where one matters, look for its counterpart below `deploy`; where none does, \
             take them out, or keep them for hosts where Compose runs the same files."
        );
    }
}
