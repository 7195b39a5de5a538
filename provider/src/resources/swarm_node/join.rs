//! A machine joins.

use framework::{Apply, Diagnostic};
use swarm::{
    Drain, LocalState, Manager, Node, NodeChange, Role,
    join::{Join, major, was_removed},
};

use super::{Resource, change::demote, model::NodeModel, ready::ready};
use crate::{
    clustered::{At, OnCluster, refuse_obstacle},
    failure::{Explain as _, Failure, Stop},
};

const JOINED: &str = "The machine has joined the swarm.";

/// Makes the machine the node that is planned: joins, or adopts what it is already.
pub(super) async fn join(on: &OnCluster<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
    let mut model = apply.planned.clone();
    let found = enter(on, apply).await?;
    if model.role() == Role::Worker && found.role == Role::Manager {
        demote(on, &model, &found.id).await.with_world(JOINED)?;
    }
    let _turn = on.clusters.use_managers(model.swarm()).await;
    let manager = on.manager(&model.managers, model.swarm(), None).await.with_world(JOINED)?.manager();
    let joined = ready(on, &manager, &found.id, Some(model.role())).await.with_world(JOINED)?;
    model.set_computed(&joined);
    apply.record(model, ());
    Ok(())
}

/// Has it in the swarm with its labels, and records it. What it was before those.
async fn enter(on: &OnCluster<'_>, apply: &mut Apply<Resource>) -> Result<Node, Failure> {
    let planned = apply.planned.clone();
    let at = At::ask(on.clusters.hosts().for_apply(&planned.host).await?).await?;
    let _turn = on.clusters.use_managers(planned.swarm()).await;
    let by = on.manager(&planned.managers, planned.swarm(), None).await?;
    let manager = by.manager();
    let nodes = manager.nodes().await?;
    let is_active = at.membership.state == LocalState::Active;
    let adopted = is_active && nodes.iter().any(|node| node.id == at.membership.node_id);
    let id = if adopted {
        at.membership.node_id.clone()
    } else {
        make_free(&at, &nodes, planned.swarm()).await?;
        pass(on, &planned, &at, &by).await?
    };
    let joined = ready(on, &manager, &id, (!adopted).then(|| planned.role())).await.with_world(JOINED)?;
    let mut model = planned.clone();
    model.set_computed(&joined);
    apply.record(model, ());
    let change = NodeChange {
        role: (planned.role() == Role::Manager).then_some(Role::Manager),
        availability: Some(planned.availability()),
        labels: Some(planned.labels_on(&joined.labels, None)),
    };
    manager.change_node(&id, &change).await.with_world(JOINED)?;
    Drain::release(&manager, &id).await.with_world(JOINED)?;
    Ok(joined)
}

/// Joins with what a manager says now, and returns the id of the node.
async fn pass(on: &OnCluster<'_>, planned: &NodeModel, at: &At, by: &At) -> Result<String, Failure> {
    refuse_obstacle(at)?;
    let manager = by.manager();
    let engine = at.member().engine().clone();
    let join = Join {
        manager: &manager,
        at: by.host.executor.as_ref(),
        engine: &engine,
        host: at.host.executor.as_ref(),
    };
    let address = join.check().await?;
    warn_of_versions(on, at, &engine, &manager);
    join.join(&planned.join_request(address), planned.role()).await?;
    let membership = at.member().membership().await.with_world(JOINED)?;
    Ok(membership.node_id)
}

/// Nodes of one swarm should be of one age.
fn warn_of_versions(on: &OnCluster<'_>, at: &At, engine: &docker::Engine, manager: &Manager) {
    let (own, other) = (&engine.version().version, &manager.engine().version().version);
    if major(own) != major(other) {
        on.cx.warn(
            Diagnostic::warning("The nodes of the swarm have engines of different ages")
                .detail(format!("{} has Docker {own}, a manager of the swarm has {other}.", at.host.name()))
                .detail("That does while nodes are upgraded one after the other. Bring all to one version."),
        );
    }
}

/// Sees to it that the machine is in no swarm. One that was taken off the list of this very swarm, or
/// whose join came to nothing, is freed; one of another swarm is refused.
async fn make_free(at: &At, nodes: &[Node], swarm: &str) -> Result<(), Failure> {
    let membership = &at.membership;
    let of_this = was_removed(&membership.managers, nodes) || membership.cluster_id.as_deref() == Some(swarm);
    match membership.state {
        LocalState::Inactive => Ok(()),
        LocalState::Pending | LocalState::Active | LocalState::Error if of_this => {
            Ok(at.member().leave(true).await?)
        }
        // A join that failed is of no swarm, whatever it was to be.
        LocalState::Pending if membership.node_id.is_empty() => Ok(at.member().leave(true).await?),
        LocalState::Locked => Err(swarm::Error::Locked { host: at.host.name().to_owned() }.into()),
        LocalState::Pending | LocalState::Active | LocalState::Error => Err(in_another(at, swarm).into()),
    }
}

fn in_another(at: &At, swarm: &str) -> Stop {
    let membership = &at.membership;
    let other = match &membership.cluster_id {
        Some(id) => format!("the swarm {id:?}"),
        None => format!("a swarm whose managers are {}", membership.managers.join(", ")),
    };
    Stop::new(
        format!(
            "{} is the node {:?} of {other}, and not of the swarm {swarm:?}.",
            at.host.name(),
            membership.node_id
        ),
        "Have it leave that swarm first (`docker swarm leave`), after its work has moved elsewhere.",
    )
    .at("host")
}
