//! What `up` will do to each service, told from two states.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    behaviour::{Behaviour, Dependents},
    project::{Config, Service},
    stack::{ServiceState, Steady, Wanted, is_of_service},
};
use docker::engine::{Container, Health, State};

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

/// What happens to every service of `prior` and of `wanted`.
///
/// `images` are the ids behind the references, where the host has the image and it will not be
/// pulled. `config` tells who depends on whom, `behaviour` what the host's Compose makes of that.
pub fn changes(
    prior: &BTreeMap<String, ServiceState>,
    wanted: &BTreeMap<String, Wanted>,
    images: &BTreeMap<String, String>,
    config: &Config,
    behaviour: Behaviour,
) -> BTreeMap<String, Change> {
    let mut changes: BTreeMap<String, Change> = wanted
        .iter()
        .map(|(name, one)| {
            let change = match prior.get(name) {
                Some(state) => change(state, one, images.get(&one.image)),
                None if one.replicas == 0 => Change::Keep,
                None => Change::Create,
            };
            (name.clone(), change)
        })
        .collect();
    cascade(&mut changes, prior, config, behaviour.dependents);
    for name in prior.keys().filter(|name| !wanted.contains_key(*name)) {
        changes.insert(name.clone(), Change::Remove);
    }
    changes
}

/// What happens to one service by itself.
fn change(state: &ServiceState, wanted: &Wanted, image_id: Option<&String>) -> Change {
    if state.replicas == 0 {
        return if wanted.replicas == 0 { Change::Keep } else { Change::Create };
    }
    if wanted.replicas > 0 {
        let causes = causes(state, wanted, image_id);
        if !causes.is_empty() {
            return Change::Recreate(causes);
        }
    }
    if state.replicas != wanted.replicas {
        Change::Scale { from: state.replicas, to: wanted.replicas }
    } else if state.status != wanted.steady.word() {
        Change::Repair
    } else {
        Change::Keep
    }
}

/// Why the containers are replaced; empty when they are not.
///
/// The hash decides: edited files on the host whose right content is shipped again are no reason,
/// because the containers were made for just that content.
fn causes(state: &ServiceState, wanted: &Wanted, image_id: Option<&String>) -> BTreeSet<Cause> {
    let mut causes = BTreeSet::new();
    if image_id.is_some_and(|id| *id != state.image_id) {
        causes.insert(Cause::ImageId);
    }
    if state.config_hash == wanted.config_hash {
        return causes;
    }
    for (differs, cause) in [
        (state.image != wanted.image, Cause::Image),
        (state.environment_hash != wanted.environment_hash, Cause::Environment),
        (state.files_hash != wanted.files_hash, Cause::Files),
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
    prior: &BTreeMap<String, ServiceState>,
    config: &Config,
    dependents: Dependents,
) {
    replace(changes, prior, config, |service| match dependents {
        Dependents::Replaced => service.depends_on.keys().chain(&service.shares).collect(),
        Dependents::Restarted | Dependents::RestartedIfAsked => service.shares.iter().collect(),
    });
    restart(changes, config, |service| match dependents {
        Dependents::Replaced => BTreeSet::new(),
        Dependents::Restarted => service.depends_on.keys().collect(),
        Dependents::RestartedIfAsked => service.restarts_with.iter().collect(),
    });
}

/// Services that have containers are replaced with any of those that `needs` tells, all the way.
fn replace(
    changes: &mut BTreeMap<String, Change>,
    prior: &BTreeMap<String, ServiceState>,
    config: &Config,
    needs: impl Fn(&Service) -> BTreeSet<&String>,
) {
    let all = config.followers(&replaced(changes), &needs);
    for name in &all {
        let exists = prior.get(name).is_some_and(|state| state.replicas > 0);
        let causes = config.services.get(name).into_iter().flat_map(|service| {
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
    config: &Config,
    needs: impl Fn(&Service) -> BTreeSet<&String>,
) {
    let replaced = replaced(changes);
    for (name, service) in &config.services {
        let because: BTreeSet<String> =
            needs(service).into_iter().filter(|other| replaced.contains(*other)).cloned().collect();
        if let Some(change @ Change::Keep) = changes.get_mut(name)
            && !because.is_empty()
        {
            *change = Change::Restart(because);
        }
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
        .filter(|one| one.label(super::stack::LABEL_SERVICE).is_some_and(|name| repaired.contains(name)))
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

/// The state that a service will have: what is known of it before the change is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The image reference.
    pub image: String,
    /// The id of its image; `None` when only the change tells.
    pub image_id: Option<String>,
    /// As in [`ServiceState`].
    pub environment_hash: String,
    /// As in [`ServiceState`].
    pub files_hash: String,
    /// As in [`ServiceState`].
    pub config_hash: String,
    /// The steady word.
    pub status: String,
    /// How many containers it will have.
    pub replicas: u32,
    /// The names of its containers; `None` when only the change tells.
    pub containers: Option<Vec<String>>,
    /// What they publish; `None` when only the change tells.
    pub ports: Option<Vec<String>>,
}

/// What is known of a service that undergoes `change`, before it does.
pub fn planned(
    wanted: &Wanted,
    prior: Option<&ServiceState>,
    change: &Change,
    image_id: Option<&String>,
) -> Planned {
    let idle = wanted.steady == Steady::Idle || wanted.replicas == 0;
    let kept = prior.filter(|_| matches!(change, Change::Keep));
    // Started again, they are the same containers, but may get other ports of Docker's choice.
    let same = prior.filter(|_| matches!(change, Change::Keep | Change::Repair | Change::Restart(_)));
    let replaced = matches!(change, Change::Create | Change::Recreate(_));
    let prior_image = prior.filter(|_| !replaced).map(|state| &state.image_id);
    Planned {
        image: wanted.image.clone(),
        image_id: if idle { Some(String::new()) } else { prior_image.or(image_id).cloned() },
        environment_hash: wanted.environment_hash.clone(),
        files_hash: wanted.files_hash.clone(),
        config_hash: wanted.config_hash.clone(),
        status: wanted.steady.word().to_owned(),
        replicas: wanted.replicas,
        containers: if idle { Some(Vec::new()) } else { same.map(|state| state.containers.clone()) },
        ports: if idle { Some(Vec::new()) } else { kept.map(|state| state.ports.clone()) },
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
