//! What a change of `windlass_swarm_node` means.

use framework::{Diagnostics, Field, Plan, schema::parse_duration};
use swarm::{Availability, Drain};

use super::{Resource, model::NodeModel};
use crate::{
    clustered::{Found, OnCluster},
    failure::{Failure, UNCHANGED},
    hosted::is_same_connection,
};

/// Decides what stays, and refuses a drain that cannot be.
pub(super) async fn plan(
    on: &OnCluster<'_>,
    title: &str,
    plan: &mut Plan<Resource>,
) -> Result<(), Diagnostics> {
    let Some(prior) = plan.prior.as_ref().map(|prior| prior.model.clone()) else { return Ok(()) };
    if is_same_connection(&prior.host, &plan.config.host) {
        plan.keep_spelling("host")?;
    }
    let limit = |field: &Field<String>| parse_duration(field.as_str()?).ok();
    if limit(&prior.drain_timeout).is_some_and(|old| limit(&plan.config.drain_timeout) == Some(old)) {
        plan.keep_spelling("drain_timeout")?;
    }
    if plan.planned.swarm != prior.swarm || plan.planned.host != prior.host {
        // Another machine is another node, and so is the same one in another swarm.
        plan.planned.set_unknown();
        return Ok(());
    }
    let drains = |model: &NodeModel| model.availability() == Availability::Drain;
    if drains(&plan.planned) && !drains(&prior) && plan.planned.is_graceful() {
        let checked = refuse_homeless(on, &plan.planned, prior.id()).await;
        return checked.map_err(|failure| failure.into_diagnostics(title, UNCHANGED));
    }
    Ok(())
}

/// Fails where what runs on a node that is to be drained can run nowhere else. Managers that do not
/// answer leave that to apply.
pub(super) async fn refuse_homeless(on: &OnCluster<'_>, model: &NodeModel, id: &str) -> Result<(), Failure> {
    let Found::Manager(at) = on.clusters.find(&model.managers, Some(model.swarm()), Some(id)).await else {
        return Ok(());
    };
    let (manager, cancel) = (at.manager(), on.cx.token());
    let Some(node) = manager.node(id).await? else { return Ok(()) };
    let limit = model.drain_timeout();
    let reasons = Drain { manager: &manager, node: id, graceful: true, limit, cancel }.homeless().await?;
    if reasons.is_empty() {
        return Ok(());
    }
    Err(swarm::Error::NoPlace { node: node.hostname, reasons }.into())
}
