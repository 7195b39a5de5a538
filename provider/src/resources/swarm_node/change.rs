//! A node changes in place.

use std::time::Duration;

use framework::Apply;
use remote::poll::{Ended, Poll};
use swarm::{Availability, Drain, Manager, Node, NodeChange, Quorum, Removal, Role, drain::jobs_are_done};
use tokio::sync::OwnedRwLockWriteGuard;

use super::{
    Resource,
    model::NodeModel,
    ready::{ready, voteless},
};
use crate::{
    clustered::{At, OnCluster},
    failure::{Explain as _, Failure, Stop},
};

/// The time between two looks at the managers.
const INTERVAL: Duration = Duration::from_secs(1);
/// What is left of a call's time when we stop waiting, to say so ourselves.
const RESERVE: Duration = Duration::from_secs(5);
/// How long a wait is where the call has no limit.
const UNLIMITED: Duration = Duration::from_secs(600);
/// What the world looks like where a change stopped after its first step.
const PARTLY: &str = "The labels and the higher role are set; what comes after them may not be.";
/// What the world looks like where a drain stopped.
const DRAINING: &str = "As far as the drain came, tasks have left the node and it takes no new ones. The next try goes on there.";

/// Whether the node has to change for what is planned.
pub(super) fn is_any(old: &NodeModel, planned: &NodeModel) -> bool {
    (&old.role, &old.availability, &old.labels, &old.labels_mode)
        != (&planned.role, &planned.availability, &planned.labels, &planned.labels_mode)
}

/// Makes the node what is planned.
pub(super) async fn change(
    on: &OnCluster<'_>,
    old: &NodeModel,
    apply: &mut Apply<Resource>,
) -> Result<(), Failure> {
    let (mut model, id) = (apply.planned.clone(), old.id());
    let swarm = model.swarm().to_owned();
    let node = {
        let _turn = on.clusters.use_managers(&swarm).await;
        let manager = on.manager(&model.managers, &swarm, Some(id)).await?.manager();
        let node = manager.known_node(id).await?;
        let promoted = model.role() == Role::Manager;
        let labels = Some(model.labels_on(&node.labels, Some(old)));
        let change = NodeChange { role: promoted.then_some(Role::Manager), labels, ..NodeChange::default() };
        manager.change_node(id, &change).await?;
        node
    };
    if model.role() == Role::Worker && node.role == Role::Manager {
        demote(on, &model, id).await.with_world(PARTLY)?;
    }
    let _turn = on.clusters.drain_turn(&swarm).await;
    let manager = on.manager(&model.managers, &swarm, Some(id)).await.with_world(PARTLY)?.manager();
    if model.availability() == Availability::Drain && node.availability != Availability::Drain {
        match drain(on, &model, &manager, id).await {
            Err(error @ swarm::Error::NoPlace { .. }) => Err(error).with_world(PARTLY)?,
            done => done.with_world(DRAINING)?,
        }
    } else if model.availability() != node.availability {
        let other = NodeChange { availability: Some(model.availability()), ..NodeChange::default() };
        manager.change_node(id, &other).await.with_world(PARTLY)?;
        if model.availability() == Availability::Active {
            Drain::release(&manager, id).await.with_world(PARTLY)?;
        }
    }
    model.set_computed(&ready(on, &manager, id, Some(model.role())).await.with_world(PARTLY)?);
    apply.record(model, ());
    Ok(())
}

/// Drains the node as it says.
pub(super) async fn drain(
    on: &OnCluster<'_>,
    model: &NodeModel,
    manager: &Manager,
    node: &str,
) -> Result<(), swarm::Error> {
    let (graceful, limit) = (model.is_graceful(), model.drain_timeout());
    Drain { manager, node, graceful, limit, cancel: on.cx.token() }.run().await
}

/// Makes a manager a worker, once that is safe.
pub(super) async fn demote(on: &OnCluster<'_>, model: &NodeModel, id: &str) -> Result<(), Failure> {
    {
        let _turn = on.clusters.use_managers(model.swarm()).await;
        let manager = on.manager(&model.managers, model.swarm(), Some(id)).await?.manager();
        jobs_are_done(&manager, patience(on), on.cx.token()).await?;
    }
    let Some(turn) = turn_to_go(on, model, id).await? else { return Err(only_manager().into()) };
    turn.demote(on, id).await
}

/// The turn of a node to be a manager no more: until this is dropped nobody else works with managers.
pub(super) struct Going {
    /// Another manager, which stays.
    pub(super) at: At,
    /// The node.
    pub(super) node: Node,
    _turn: OwnedRwLockWriteGuard<()>,
}

impl Going {
    /// Makes the node a worker, and waits until it is off the count of managers, which the next one
    /// goes by.
    pub(super) async fn demote(&self, on: &OnCluster<'_>, id: &str) -> Result<(), Failure> {
        // Docker demotes nobody who has no vote, as managers have none that were lost before a new cluster
        // was forced.
        if self.node.manager.is_none() {
            return Ok(());
        }
        if self.at.membership.node_id == id {
            return Err(no_other_manager(&self.node.hostname).into());
        }
        let manager = self.at.manager();
        let demotion = NodeChange { role: Some(Role::Worker), ..NodeChange::default() };
        manager.change_node(id, &demotion).await?;
        voteless(on, &manager, id).await
    }
}

/// Waits until the other managers decide without this node, which only counts for one; `None` where
/// there are no others.
pub(super) async fn turn_to_go(
    on: &OnCluster<'_>,
    model: &NodeModel,
    id: &str,
) -> Result<Option<Going>, Failure> {
    let limit = patience(on);
    let poll = Poll::new(INTERVAL, limit, on.cx.token());
    loop {
        let turn = on.clusters.change_managers(model.swarm()).await;
        let at = on.manager(&model.managers, model.swarm(), Some(id)).await?;
        let nodes = at.manager().nodes().await?;
        let node = nodes.iter().find(|node| node.id == id).cloned();
        let node = node.ok_or_else(|| swarm::Error::NoNode { id: id.to_owned() })?;
        let now = Quorum::of(&nodes);
        let is_worker = node.role == Role::Worker && node.manager.is_none();
        let after = match now.without(&node) {
            Removal::Unsafe { after } if !is_worker => after,
            Removal::Last if !is_worker => return Ok(None),
            _ => return Ok(Some(Going { at, node, _turn: turn })),
        };
        // Others may take the step that makes it safe.
        drop(turn);
        match poll.next().await {
            Ok(()) => {}
            Err(Ended::Cancelled) => return Err(swarm::Error::Cancelled.into()),
            Err(Ended::Late) => return Err(no_majority(&node.hostname, now, after, limit).into()),
        }
    }
}

/// How long this call can wait.
fn patience(on: &OnCluster<'_>) -> Duration {
    on.cx.remaining().map_or(UNLIMITED, |left| left.saturating_sub(RESERVE))
}

fn no_majority(node: &str, now: Quorum, after: Quorum, waited: Duration) -> Stop {
    Stop::new(
        format!(
            "Of {} managers {} are up, and without {node} {} of {} would be: {} are needed for anything to be decided. It \
             was waited {} s for others to come back.",
            now.managers,
            now.reachable,
            after.reachable,
            after.managers,
            after.needed(),
            waited.as_secs()
        ),
        "Bring the managers back that are down, or remove those that are gone for good, then run the same command again.",
    )
}

fn no_other_manager(node: &str) -> Stop {
    Stop::new(
        format!(
            "Of `managers` only {node} itself answers, and others have to decide that it is none any more."
        ),
        "Name another manager of the swarm in `managers`, apply, then run the same command again.",
    )
    .at("managers")
}

fn only_manager() -> Stop {
    Stop::new(
        "It is the only manager, and without one there is no swarm.",
        "Make another node a manager first, in the same apply if you like.",
    )
    .at("role")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_costs_the_majority_is_refused_with_the_count() {
        let (now, after) = (Quorum { managers: 3, reachable: 2 }, Quorum { managers: 2, reachable: 1 });
        let text = Failure::from(no_majority("m1", now, after, Duration::from_secs(60)));
        let text = text.into_diagnostics("t", "Nothing was changed.").to_string();
        assert!(
            text.contains("Of 3 managers 2 are up, and without m1 1 of 2 would be: 2 are needed for anything to be decided."),
            "{text}"
        );
    }

    #[test]
    fn a_flag_about_leaving_changes_no_node() {
        let old = NodeModel::default();
        let planned = NodeModel { force_remove_unreachable: true.into(), ..old.clone() };
        assert!(!is_any(&old, &planned));
        assert!(is_any(&old, &NodeModel { role: "manager".to_owned().into(), ..old.clone() }));
    }
}
