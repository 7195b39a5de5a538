//! Making a swarm, and changing it.

use std::time::Duration;

use async_trait::async_trait;
use framework::{Apply, Diagnostic, Diagnostics, Field, Plan, Schema, State};
use remote::poll::Poll;
use swarm::{LocalState, Role};

use super::{SwarmCluster, SwarmPrivate, destroy, model::SwarmModel, plan, schema};
use crate::{
    clustered::{At, Clustered, Found, Gone, InCluster, OnCluster, refuse_obstacle},
    failure::{Explain as _, Failure, Stop, UNCHANGED},
    hosted::{Words, check_connection},
};

pub(super) type Resource = InCluster<SwarmCluster>;

/// How long a manager that goes on alone may take to lead.
const ELECTION: Duration = Duration::from_secs(60);
/// What the world looks like once the settings are what is planned.
const CHANGED: &str = "The settings of the swarm were changed, but it could not be inspected after that.";
/// What the world looks like once a manager goes on alone.
const ALONE: &str = "That manager is the only one of its swarm by now: the others are off its list. Its services and \
     secrets are as they were.";

#[async_trait]
impl Clustered for SwarmCluster {
    type Model = SwarmModel;
    type Private = SwarmPrivate;

    const TYPE: &'static str = "windlass_swarm";
    const MANAGERS: &'static str = "Other managers of the same swarm change it in place, so that the first server can be \
         replaced: add the new one, let it join, then take the old one out. An odd number is best.";
    const WORDS: Words = Words { remains: "The swarm is still there.", ..Words::USUAL };
    const GONE: Gone = Gone::Forget;

    fn schema() -> Schema {
        schema::schema()
    }

    fn subject(model: &SwarmModel) -> String {
        match model.id.as_str() {
            Some(id) if !id.is_empty() => format!("swarm {id:?}"),
            _ => "swarm".to_owned(),
        }
    }

    fn import(title: &str, id: &str) -> Result<SwarmModel, Diagnostic> {
        check_connection(&id.to_owned()).map_err(|error| {
            Diagnostic::error(title)
                .detail(format!("The connection cannot be used: {error}."))
                .detail(UNCHANGED)
                .detail("The import id is the connection of a manager.")
        })?;
        let managers = Field::Known(vec![Field::Known(id.to_owned())]);
        Ok(SwarmModel { managers, ..SwarmModel::default() })
    }

    fn swarm(model: &SwarmModel) -> Option<&str> {
        model.id.as_str()
    }

    fn validate(config: &SwarmModel, problems: &mut Diagnostics) {
        plan::validate(config, problems);
    }

    async fn plan(_on: &OnCluster<'_>, title: &str, plan: &mut Plan<Resource>) -> Result<(), Diagnostics> {
        plan::plan(title, plan)
    }

    async fn observe(
        _on: &OnCluster<'_>,
        at: &At,
        mut state: State<Resource>,
    ) -> Result<Option<State<Resource>>, Failure> {
        let manager = at.manager();
        let (cluster, nodes) = tokio::join!(manager.cluster(), at.nodes());
        let cluster = cluster?;
        state.model.set_observed(&cluster, &nodes?);
        state.private.autolock = cluster.autolock;
        Ok(Some(state))
    }

    async fn create(on: &OnCluster<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
        let answers = on.clusters.survey(&apply.planned.managers).await;
        let mut free = None;
        let mut unable = Vec::new();
        for answer in answers {
            match answer {
                Ok(at) if at.membership.manages => return take_over(on, apply, &at).await,
                Ok(at) if !at.membership.is_free() => unable.push(occupied(&at)),
                Ok(at) => {
                    free.get_or_insert(at);
                }
                Err(failure) => unable.push(failure),
            }
        }
        let Some(at) = free else {
            return Err(unable.into_iter().next().unwrap_or_else(|| Failure::bug("No manager was asked.")));
        };
        refuse_obstacle(&at)?;
        at.member().init(&apply.planned.new_swarm()).await?;
        let made = apply.planned.clone();
        record(apply, made, &at).await.with_world("The swarm was made, but could not be inspected.")
    }

    async fn update(
        on: &OnCluster<'_>,
        prior: State<Resource>,
        apply: &mut Apply<Resource>,
    ) -> Result<(), Failure> {
        let id = prior.model.id().to_owned();
        let _turn = on.clusters.use_managers(&id).await;
        match on.clusters.find(&apply.planned.managers, Some(&id), None).await {
            Found::Manager(at) => {
                let rotate = rotated(&prior.model, &apply.planned);
                at.manager().change(&apply.planned.settings(), &rotate).await?;
                record(apply, apply.planned.clone(), &at).await.with_world(CHANGED)
            }
            Found::Leaderless(at) => {
                let (old, new) = (&prior.model.force_new_cluster, &apply.planned.force_new_cluster);
                confirm_force(&id, old, new, prior.private.autolock, (at.host.name(), &at.membership.error))?;
                at.member().force_new_cluster(&apply.planned.new_swarm()).await?;
                lead(on, &at).await.with_world(ALONE)?;
                at.manager().change(&apply.planned.settings(), &[]).await.with_world(ALONE)?;
                record(apply, apply.planned.clone(), &at).await.with_world(ALONE)
            }
            Found::Nowhere if is_elsewhere(on, &prior.model, &id).await => Err(not_joined(&id).into()),
            Found::Nowhere if apply.planned.id.is_unknown() => Self::create(on, apply).await,
            Found::Nowhere => Err(vanished(&id).into()),
            Found::NotKnownYet => Err(Failure::bug("The managers are still unknown during apply.")),
            Found::Silent(_, failure) => Err(failure),
        }
    }

    async fn delete(on: &OnCluster<'_>, state: &State<Resource>) -> Result<(), Failure> {
        destroy::destroy(on, &state.model).await
    }
}

/// Takes over the swarm that a manager is in, if that was asked for.
async fn take_over(on: &OnCluster<'_>, apply: &mut Apply<Resource>, at: &At) -> Result<(), Failure> {
    let id = at.membership.cluster_id.clone().unwrap_or_default();
    if !apply.planned.adopt.is_true() {
        return Err(Stop::new(
            format!("{} is a manager of a swarm already, with the id {id:?}.", at.host.name()),
            format!(
                "Import it with the id {:?}, or set `adopt = true` to take it over with all that runs in it.",
                at.host.connection.to_string()
            ),
        )
        .at("managers")
        .into());
    }
    if at.membership.is_leaderless() {
        return Err(swarm::Error::NoLeader {
            host: at.host.name().to_owned(),
            said: at.membership.error.clone(),
        }
        .into());
    }
    let cluster = at.manager().cluster().await?;
    let mut adopted = SwarmModel::default();
    adopted.set_observed(&cluster, &[]);
    let fixed = |field: &Field<Vec<String>>| field.is_known() && *field != adopted.default_addr_pool;
    if fixed(&apply.planned.default_addr_pool)
        || (apply.planned.subnet_size.is_known() && apply.planned.subnet_size != adopted.subnet_size)
    {
        return Err(Stop::new(
            format!(
                "The swarm {id:?} gives its networks ranges of {} with prefixes of {}, which Docker cannot change.",
                cluster.address_pools.join(", "),
                cluster.subnet_size
            ),
            "Set `default_addr_pool` and `subnet_size` to that, or leave them out.",
        )
        .at("default_addr_pool")
        .into());
    }
    on.cx.warn(
        Diagnostic::warning(format!("The swarm {id:?} was taken over"))
            .detail(format!("{} was a manager of it already, and `adopt` is set.", at.host.name())),
    );
    at.manager().change(&apply.planned.settings(), &[]).await?;
    record(apply, apply.planned.clone(), at).await.with_world(CHANGED)
}

/// Records what a manager says now.
async fn record(apply: &mut Apply<Resource>, mut model: SwarmModel, at: &At) -> Result<(), Failure> {
    let manager = at.manager();
    let (cluster, nodes) = (manager.cluster().await?, manager.nodes().await?);
    model.set_observed(&cluster, &nodes);
    apply.record(model, SwarmPrivate { autolock: cluster.autolock });
    Ok(())
}

/// The roles whose keeper has changed.
fn rotated(prior: &SwarmModel, planned: &SwarmModel) -> Vec<Role> {
    let worker = (prior.rotate_worker_token != planned.rotate_worker_token).then_some(Role::Worker);
    let manager = (prior.rotate_manager_token != planned.rotate_manager_token).then_some(Role::Manager);
    worker.into_iter().chain(manager).collect()
}

/// Lets a manager go on alone only where a person has just said so, of this very swarm. `said` is what
/// the manager on `host` says.
fn confirm_force(
    id: &str,
    old: &Field<String>,
    new: &Field<String>,
    autolock: bool,
    (host, said): (&str, &str),
) -> Result<(), Failure> {
    let confirmed = new.as_str().is_some_and(|text| text == id || text.starts_with(&format!("{id}/")));
    if old == new || !confirmed {
        return Err(swarm::Error::NoLeader { host: host.to_owned(), said: said.to_owned() }.into());
    }
    if autolock {
        return Err(Stop::new(
            "The managers of this swarm are locked by a key, and Docker loses such a swarm when one of them is to go on \
             alone.",
            "Bring managers back until more than half of them are up, then turn the lock off (`docker swarm update \
             --autolock=false`).",
        )
        .at("force_new_cluster")
        .into());
    }
    Ok(())
}

/// Waits until a manager that goes on alone leads.
async fn lead(on: &OnCluster<'_>, at: &At) -> Result<(), Failure> {
    let poll = Poll::new(Duration::from_millis(500), ELECTION, on.cx.token());
    while at.member().membership().await?.is_leaderless() {
        if poll.next().await.is_err() {
            return Err(swarm::Error::Late {
                what: "the manager to lead".into(),
                seconds: ELECTION.as_secs(),
            }
            .into());
        }
    }
    Ok(())
}

/// Whether the swarm lives on with the managers that the state names.
async fn is_elsewhere(on: &OnCluster<'_>, prior: &SwarmModel, id: &str) -> bool {
    matches!(
        on.clusters.find(&prior.managers, Some(id), None).await,
        Found::Manager(_) | Found::Leaderless(_)
    )
}

fn occupied(at: &At) -> Failure {
    let (host, membership) = (at.host.name(), &at.membership);
    if membership.state == LocalState::Locked {
        return swarm::Error::Locked { host: host.to_owned() }.into();
    }
    Stop::new(
        format!(
            "{host} is the node {:?} of a swarm already, whose managers are {}.",
            membership.node_id,
            membership.managers.join(", ")
        ),
        "Name a host that is in no swarm, or have it leave (`docker swarm leave`).",
    )
    .at("managers")
    .into()
}

fn not_joined(id: &str) -> Stop {
    Stop::new(
        format!("The swarm {id:?} lives on, and none of `managers` is a manager of it."),
        "Let a new manager join first: keep an old one in `managers` until its `windlass_swarm_node` is made.",
    )
    .at("managers")
}

fn vanished(id: &str) -> Stop {
    Stop::new(
        format!("None of `managers` is in the swarm {id:?} any more."),
        "Plan again: a new swarm will be planned.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_goes_on_alone_only_where_that_was_just_confirmed_and_the_swarm_is_not_locked() {
        let confirmed = |old: Field<String>, new: &str, autolock| {
            let told = confirm_force("c1", &old, &new.to_owned().into(), autolock, ("m1", "no leader"));
            told.map_err(|failure| failure.into_diagnostics("t", "w").to_string())
        };
        assert_eq!(confirmed(Field::Null, "c1", false), Ok(()));
        assert_eq!(confirmed("c1".to_owned().into(), "c1/2", false), Ok(()));
        for (old, new) in [(Field::Null, "c2"), (Field::Null, "c12"), ("c1".to_owned().into(), "c1")] {
            let error = confirmed(old, new, false).unwrap_err();
            assert!(
                error.contains("The swarm has no leader") && error.contains("m1 said: no leader"),
                "{error}"
            );
        }
        let error = confirmed(Field::Null, "c1", true).unwrap_err();
        assert!(error.contains("Docker loses such a swarm") && error.contains("--autolock=false"), "{error}");
    }

    #[test]
    fn a_keeper_that_changes_makes_a_new_token() {
        let old = SwarmModel { rotate_worker_token: Field::Known("1".into()), ..SwarmModel::default() };
        let new = SwarmModel { rotate_manager_token: Field::Known("1".into()), ..old.clone() };
        assert!(rotated(&old, &old).is_empty());
        assert_eq!(rotated(&old, &new), [Role::Manager]);
        assert_eq!(rotated(&SwarmModel::default(), &new), [Role::Worker, Role::Manager]);
    }
}
