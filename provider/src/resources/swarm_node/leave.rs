//! A node leaves.

use std::time::Duration;

use framework::Diagnostic;
use remote::poll::Poll;
use swarm::{Availability, Drain, LocalState, Node, NodeChange, NodeState, Role, drain::jobs_are_done};

use super::{
    change::{drain, turn_to_go},
    model::NodeModel,
    ready::INTERVAL,
};
use crate::{
    clustered::{At, Found, OnCluster},
    failure::{Explain as _, Failure, Stop},
};

/// How long a machine may take to notice that it is a worker.
const NOTICE: Duration = Duration::from_secs(30);

/// Takes the node out of its swarm, step by step; each step that is done already is passed over.
pub(super) async fn leave(on: &OnCluster<'_>, model: &NodeModel) -> Result<(), Failure> {
    let id = model.id();
    let machine = match prepare(on, model).await? {
        Ready::ToGo(machine) => machine,
        Ready::Gone => return machine_leaves(on, model).await,
        Ready::Stays => return Ok(()),
    };
    let Some(going) = turn_to_go(on, model, id).await? else { return stays_after_all(on, model).await };
    going.demote(on, id).await?;
    if let Some(machine) = *machine {
        out_of_swarm(on, &machine).await?;
    }
    // It has left, or is gone for good.
    let manager = going.at.manager();
    manager
        .remove_node(id, true)
        .await
        .with_world("The node has left the swarm and is on its list still.")?;
    Ok(Drain::release(&manager, id).await?)
}

/// How far a node is that shall leave.
enum Ready {
    /// Nothing runs on it any more. Its machine, if that can be told to leave.
    ToGo(Box<Option<At>>),
    /// It is on no list.
    Gone,
    /// It is the swarm: its only manager.
    Stays,
}

/// Moves the work off the node, after a look at what would stop it from leaving.
async fn prepare(on: &OnCluster<'_>, model: &NodeModel) -> Result<Ready, Failure> {
    let id = model.id();
    {
        let _turn = on.clusters.use_managers(model.swarm()).await;
        match on.find(&model.managers, model.swarm(), Some(id)).await {
            Found::Nowhere => return Ok(Ready::Gone),
            Found::Silent(_, failure) => return Err(failure),
            Found::NotKnownYet => return Err(Failure::bug("The managers are still unknown during apply.")),
            Found::Leaderless(at) => {
                let (host, said) = (at.host.name().to_owned(), at.membership.error.clone());
                return Err(swarm::Error::NoLeader { host, said }.into());
            }
            Found::Manager(at) => {
                let manager = at.manager();
                if manager.node(id).await?.is_none() {
                    Drain::release(&manager, id).await?;
                    return Ok(Ready::Gone);
                }
            }
        }
    }
    let node = match turn_to_go(on, model, id).await? {
        Some(going) => going.node,
        None => {
            last_manager_stays(on, model).await?;
            return Ok(Ready::Stays);
        }
    };
    let machine = machine(on, model, &node).await?;
    if node.state == NodeState::Ready {
        let _turn = on.clusters.drain_turn(model.swarm()).await;
        let manager = on.manager(&model.managers, model.swarm(), Some(id)).await?.manager();
        drain(on, model, &manager, id).await?;
        if node.role == Role::Manager {
            jobs_are_done(&manager, model.drain_timeout(), on.cx.token()).await?;
        }
    }
    Ok(Ready::ToGo(Box::new(machine)))
}

/// Takes the node out of a swarm that it leaves for another one: where that does not exist any more,
/// only the machine has to hear of it.
pub(super) async fn from_old_swarm(on: &OnCluster<'_>, model: &NodeModel) -> Result<(), Failure> {
    let found = on.clusters.find(&model.managers, Some(model.swarm()), None).await;
    if let Found::Silent(manager, failure) = found {
        on.cx.warn(
            Diagnostic::warning(format!("The managers of the swarm {:?} do not answer", model.swarm()))
                .detail(format!("Asked was {}: {failure:?}", manager.as_str().unwrap_or_default()))
                .detail(
                    "The node left it all the same, and is on its list if that swarm still exists somewhere.",
                ),
        );
        return machine_leaves(on, model).await;
    }
    leave(on, model).await
}

/// The machine of the node; `None` where it is gone for good and may be forgotten.
async fn machine(on: &OnCluster<'_>, model: &NodeModel, node: &Node) -> Result<Option<At>, Failure> {
    if model.host.is_null() {
        return Ok(None);
    }
    let asked = async { At::ask(on.clusters.hosts().for_apply(&model.host).await?).await }.await;
    match asked {
        // Another machine answers there, or the node is another one by now.
        Ok(at) if at.membership.node_id != node.id => Ok(None),
        Ok(at) => Ok(Some(at)),
        Err(failure) if failure.is_absence() && model.force_remove_unreachable.is_true() => {
            on.cx.warn(
                Diagnostic::warning(format!("The machine of swarm node {:?} did not answer", node.hostname))
                    .detail("It was taken off the list without leaving, as `force_remove_unreachable` asks for.")
                    .detail("Should it come back, have it leave by hand: `docker swarm leave --force`."),
            );
            Ok(None)
        }
        Err(failure) if failure.is_absence() => Err(Stop::new(
            format!(
                "Its machine does not answer, or Docker there does not. The managers say that it is {}.",
                node.state
            ),
            "Bring it back and run the same command again; or, if it is gone for good, set `force_remove_unreachable = \
             true`, apply, then destroy.",
        )
        .at("force_remove_unreachable")
        .into()),
        Err(failure) => Err(failure),
    }
}

/// Has the machine leave a swarm that does not know it any more.
async fn machine_leaves(on: &OnCluster<'_>, model: &NodeModel) -> Result<(), Failure> {
    if model.host.is_null() {
        return Ok(());
    }
    let at = match At::ask(on.clusters.hosts().for_apply(&model.host).await?).await {
        Ok(at) => at,
        // Nothing of it is left to be told.
        Err(failure) if failure.is_absence() => return Ok(()),
        Err(failure) => return Err(failure),
    };
    if at.membership.state != LocalState::Inactive && at.membership.node_id == model.id() {
        at.member().leave(true).await?;
    }
    Ok(())
}

/// Has the machine leave, once it knows that it is a worker: a manager would have to be forced.
async fn out_of_swarm(on: &OnCluster<'_>, at: &At) -> Result<(), Failure> {
    let (member, poll) = (at.member(), Poll::new(INTERVAL, NOTICE, on.cx.token()));
    while member.membership().await?.manages {
        if poll.next().await.is_err() {
            let what = format!("{} to notice that it is a worker", at.host.name());
            return Err(swarm::Error::Late { what, seconds: NOTICE.as_secs() }.into());
        }
    }
    Ok(member.leave(false).await?)
}

/// The other managers left while its work moved, as those of one `destroy` do: it is the swarm now,
/// and takes work again.
async fn stays_after_all(on: &OnCluster<'_>, model: &NodeModel) -> Result<(), Failure> {
    {
        let _turn = on.clusters.use_managers(model.swarm()).await;
        let manager = on.manager(&model.managers, model.swarm(), None).await?.manager();
        let availability = Some(model.availability());
        manager.change_node(model.id(), &NodeChange { availability, ..NodeChange::default() }).await?;
        if model.availability() == Availability::Active {
            Drain::release(&manager, model.id()).await?;
        }
    }
    last_manager_stays(on, model).await
}

/// The only manager is the swarm: it leaves when that is destroyed.
async fn last_manager_stays(on: &OnCluster<'_>, model: &NodeModel) -> Result<(), Failure> {
    let at = on.manager(&model.managers, model.swarm(), None).await?;
    let others = at.manager().nodes().await?.into_iter().filter(|other| other.id != model.id());
    let others: Vec<String> =
        others.filter(|other| other.state != NodeState::Down).map(|other| other.hostname).collect();
    if !others.is_empty() {
        on.cx.warn(
            Diagnostic::warning(format!(
                "The last manager {:?} stays in the swarm",
                model.hostname.as_str().unwrap_or_default()
            ))
            .detail(format!("Other nodes need it: {}.", others.join(", ")))
            .detail("It is no longer recorded. It leaves when the `windlass_swarm` is destroyed."),
        );
    }
    Ok(())
}
