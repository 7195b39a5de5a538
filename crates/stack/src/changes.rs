//! What `up` will do to each service, told from two states.

use std::collections::{BTreeMap, BTreeSet};

use compose::{Behaviour, Dependents, ReadyState};
use docker::engine::{Container, Health, State};

use crate::{
    containers::{LABEL_SERVICE, is_of_service},
    service::{DISCONNECTED, DesiredService, OPEN, ObservedService, PlannedService},
};

/// Services by name, as the files want them.
type Desired = BTreeMap<String, DesiredService>;

/// Why containers are replaced.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Another image reference.
    Image,
    /// Another image behind the same reference.
    ImageId,
    /// Other variables or values.
    Environment,
    /// Other content of shipped files that it uses.
    Files,
    /// Something else in its configuration, or a container that is not what was made.
    Config,
    /// A container that is not attached to one of its networks.
    Network,
    /// A service that it depends on, or shares something with, is replaced.
    Dependency(String),
}

/// What happens to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Keep,
    /// Its first containers are made.
    Create,
    /// All its containers are replaced by new ones.
    Recreate(BTreeSet<Cause>),
    /// Its containers stay and are brought back to what they should be: started, unpaused, or
    /// restarted where they are not well.
    Repair,
    /// Its containers stay, and take in changed files by a command of their own.
    Reload,
    /// Its containers stay, and are stopped and started again because these services, which it
    /// depends on, are replaced.
    Restart(BTreeSet<String>),
    /// Containers are added or removed, the others stay.
    Scale {
        /// How many there are.
        from: u32,
        /// How many there will be.
        to: u32,
    },
    /// It goes: it is no service of the stack (any more).
    Remove,
}

/// What happens to every service of `prior` and of `desired`.
///
/// `images` are the ids behind the references, where the host has the image and it will not be
/// pulled; the containers of the services in `stale` were not made of them, whatever they run.
/// `behaviour` is what the host's Compose makes of dependencies.
pub fn changes(
    prior: &BTreeMap<String, ObservedService>,
    desired: &Desired,
    (images, stale): (&BTreeMap<String, String>, &BTreeSet<String>),
    behaviour: Behaviour,
) -> BTreeMap<String, Change> {
    let mut changes: BTreeMap<String, Change> = desired
        .iter()
        .map(|(name, one)| {
            let change = match prior.get(name) {
                Some(state) => match change(state, one, images.get(one.image())) {
                    Change::Recreate(causes) => Change::Recreate(causes),
                    _ if stale.contains(name) && state.replicas > 0 && one.replicas > 0 => {
                        Change::Recreate(BTreeSet::from([Cause::ImageId]))
                    }
                    other => other,
                },
                None if one.replicas == 0 => Change::Keep,
                None => Change::Create,
            };
            (name.clone(), change)
        })
        .collect();
    cascade(&mut changes, prior, desired, behaviour.dependents);
    for name in prior.keys().filter(|name| !desired.contains_key(*name)) {
        changes.insert(name.clone(), Change::Remove);
    }
    changes
}

/// What happens to one service by itself.
fn change(state: &ObservedService, desired: &DesiredService, image_id: Option<&String>) -> Change {
    if state.replicas == 0 {
        return if desired.replicas == 0 { Change::Keep } else { Change::Create };
    }
    if desired.replicas > 0 {
        let causes = causes(state, desired, image_id);
        if !causes.is_empty() {
            return Change::Recreate(causes);
        }
    }
    if state.replicas != desired.replicas {
        Change::Scale { from: state.replicas, to: desired.replicas }
    } else if state.status != desired.ready.word() {
        Change::Repair
    } else if desired.reload.is_some() && state.files_hash != desired.files_hash {
        Change::Reload
    } else {
        Change::Keep
    }
}

/// Why the containers are replaced; empty when they are not.
///
/// The hash decides: edited files on the host whose right content is shipped again are no reason,
/// because the containers were made for just that content.
fn causes(state: &ObservedService, desired: &DesiredService, image_id: Option<&String>) -> BTreeSet<Cause> {
    let mut causes = BTreeSet::new();
    if image_id.is_some_and(|id| *id != state.image_id) {
        causes.insert(Cause::ImageId);
    }
    if state.status == DISCONNECTED {
        causes.insert(Cause::Network);
    }
    if state.config_hash == desired.config_hash {
        return causes;
    }
    for (differs, cause) in [
        (state.image != desired.image(), Cause::Image),
        (state.environment_hash != desired.environment_hash, Cause::Environment),
        (state.files_hash != desired.files_hash, Cause::Files),
    ] {
        if differs {
            causes.insert(cause);
        }
    }
    if causes.is_empty() {
        causes.insert(Cause::Config);
    }
    causes
}

/// What replacing the containers of some services does to others.
fn cascade(
    changes: &mut BTreeMap<String, Change>,
    prior: &BTreeMap<String, ObservedService>,
    desired: &Desired,
    dependents: Dependents,
) {
    replace(changes, prior, desired, |service| match dependents {
        Dependents::Replaced => service.depends_on.iter().chain(&service.shares).collect(),
        Dependents::Restarted | Dependents::RestartedIfAsked => service.shares.iter().collect(),
    });
    restart(changes, desired, |service| match dependents {
        Dependents::Replaced => BTreeSet::new(),
        Dependents::Restarted => service.depends_on.iter().collect(),
        Dependents::RestartedIfAsked => service.restarts_with.iter().collect(),
    });
}

/// Services that have containers are replaced with any of those that `needs` tells, all the way.
fn replace(
    changes: &mut BTreeMap<String, Change>,
    prior: &BTreeMap<String, ObservedService>,
    desired: &Desired,
    needs: impl Fn(&DesiredService) -> BTreeSet<&String>,
) {
    let all = followers(desired, &replaced(changes), &needs);
    for name in &all {
        let exists = prior.get(name).is_some_and(|state| state.replicas > 0);
        let causes = desired.get(name).into_iter().flat_map(|service| {
            needs(service).into_iter().filter(|other| all.contains(*other)).cloned().map(Cause::Dependency)
        });
        match changes.get_mut(name) {
            Some(Change::Recreate(known)) => known.extend(causes),
            Some(other) if exists && !matches!(other, Change::Scale { to: 0, .. }) => {
                *other = Change::Recreate(causes.collect());
            }
            _ => {}
        }
    }
}

/// Services that would stay as they are start again with any of those that `needs` tells.
fn restart(
    changes: &mut BTreeMap<String, Change>,
    desired: &Desired,
    needs: impl Fn(&DesiredService) -> BTreeSet<&String>,
) {
    let replaced = replaced(changes);
    for (name, service) in desired {
        let because: BTreeSet<String> =
            needs(service).into_iter().filter(|other| replaced.contains(*other)).cloned().collect();
        if let Some(change @ (Change::Keep | Change::Reload)) = changes.get_mut(name)
            && !because.is_empty()
        {
            *change = Change::Restart(because);
        }
    }
}

/// `services`, and every one that follows any of them, directly or by way of others: `needs` tells
/// whom a service follows.
pub(crate) fn followers(
    desired: &Desired,
    services: &BTreeSet<String>,
    needs: impl Fn(&DesiredService) -> BTreeSet<&String>,
) -> BTreeSet<String> {
    let mut all = services.clone();
    loop {
        let follows = |(name, service): &(&String, &DesiredService)| {
            !all.contains(*name) && needs(service).into_iter().any(|other| all.contains(other))
        };
        let more: Vec<_> = desired.iter().filter(follows).map(|(name, _)| name.clone()).collect();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

/// The services whose containers are replaced.
fn replaced(changes: &BTreeMap<String, Change>) -> BTreeSet<String> {
    let replaced = changes.iter().filter(|(_, change)| matches!(change, Change::Recreate(_)));
    replaced.map(|(name, _)| name.clone()).collect()
}

/// What to do to a container that `up` would leave as it is although it is not well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// It is frozen.
    Unpause,
    /// It fails its health check, or restarts again and again.
    Restart,
    /// It cannot be started again.
    Remove,
}

/// The repairs that the containers of the services in `repaired` need before `up`, by container id.
pub fn repairs(containers: &[Container], repaired: &BTreeSet<String>) -> Vec<(String, Repair)> {
    containers
        .iter()
        .filter(|one| is_of_service(one))
        .filter(|one| one.label(LABEL_SERVICE).is_some_and(|name| repaired.contains(name)))
        .filter_map(|one| {
            let repair = match (one.state, one.health()) {
                (State::Paused, _) => Repair::Unpause,
                (State::Dead, _) => Repair::Remove,
                (State::Restarting, _) | (State::Running, Some(Health::Unhealthy)) => Repair::Restart,
                _ => return None,
            };
            Some((one.id.clone(), repair))
        })
        .collect()
}

/// A hash, unless only the apply tells it.
fn told(hash: &str) -> Option<String> {
    (hash != OPEN).then(|| hash.to_owned())
}

/// What is known of a service that undergoes `change`, before it does.
pub fn planned(
    desired: &DesiredService,
    prior: Option<&ObservedService>,
    change: &Change,
    image_id: Option<&String>,
) -> PlannedService {
    let idle = desired.ready == ReadyState::Idle || desired.replicas == 0;
    let kept = prior.filter(|_| matches!(change, Change::Keep));
    // Started again, they are the same containers, but may get other ports of Docker's choice.
    let same = prior
        .filter(|_| matches!(change, Change::Keep | Change::Reload | Change::Repair | Change::Restart(_)));
    let replaced = matches!(change, Change::Create | Change::Recreate(_));
    let prior_image = prior.filter(|_| !replaced).map(|state| &state.image_id);
    PlannedService {
        image: Some(desired.image().to_owned()),
        image_id: if idle { Some(String::new()) } else { prior_image.or(image_id).cloned() },
        environment_hash: told(&desired.environment_hash),
        files_hash: desired.files_hash.clone(),
        config_hash: told(&desired.config_hash),
        status: desired.ready.word().to_owned(),
        replicas: desired.replicas,
        containers: if idle { Some(Vec::new()) } else { same.map(|state| state.containers.clone()) },
        ports: if idle { Some(Vec::new()) } else { kept.map(|state| state.ports.clone()) },
    }
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
