//! Ending a swarm.

use framework::Diagnostic;
use swarm::{Node, NodeState};

use super::model::SwarmModel;
use crate::{
    clustered::{At, Found, OnCluster},
    failure::{Failure, Stop},
};

/// Has the last node leave; with `force_destroy` every manager that answers, whatever else is in the
/// swarm.
pub(super) async fn destroy(on: &OnCluster<'_>, model: &SwarmModel) -> Result<(), Failure> {
    let (id, force) = (model.id(), model.force_destroy.is_true());
    match on.clusters.find(&model.managers, Some(id), None).await {
        Found::Nowhere => Ok(()),
        Found::Manager(at) => {
            let others = others(&at.manager().nodes().await?, &at.membership.node_id);
            if others.is_empty() {
                return Ok(at.member().leave(true).await?);
            }
            if !force {
                return Err(in_use(&others).into());
            }
            all_leave(on, model, Some(id)).await
        }
        Found::Leaderless(_) if force => all_leave(on, model, None).await,
        Found::Leaderless(at) => {
            let (host, said) = (at.host.name().to_owned(), at.membership.error.clone());
            Err(swarm::Error::NoLeader { host, said }.into())
        }
        Found::NotKnownYet => Err(Failure::bug("The managers are still unknown during apply.")),
        Found::Silent(_, failure) => Err(failure),
    }
}

/// The host names of the nodes beside this one that are in the swarm; those that have left are down.
fn others(nodes: &[Node], own: &str) -> Vec<String> {
    let others = nodes.iter().filter(|node| node.id != own && node.state != NodeState::Down);
    others.map(|node| node.hostname.clone()).collect()
}

async fn all_leave(on: &OnCluster<'_>, model: &SwarmModel, id: Option<&str>) -> Result<(), Failure> {
    let mut left = Vec::new();
    for at in on.clusters.survey(&model.managers).await.into_iter().flatten() {
        // Once the first has left there may be no leader, and no id, any more.
        let of_this = at.membership.cluster_id.as_deref().is_none_or(|found| id.is_none_or(|id| id == found));
        if at.membership.manages && of_this {
            at.member().leave(true).await?;
            left.push(name(&at));
        }
    }
    on.cx.warn(
        Diagnostic::warning("Nodes may be left that still look for their swarm")
            .detail(format!("`force_destroy` is set: these have left it: {}.", left.join(", ")))
            .detail("Have every other node leave by hand: `docker swarm leave --force`."),
    );
    Ok(())
}

fn name(at: &At) -> String {
    at.host.name().to_owned()
}

fn in_use(others: &[String]) -> Stop {
    Stop::new(
        format!("Other nodes are in the swarm: {}.", others.join(", ")),
        "Destroy their `windlass_swarm_node`s first (or have them leave by `docker swarm leave`); or set `force_destroy = \
         true`, apply, then destroy.",
    )
    .at("force_destroy")
}
