//! The life of a node.
//!
//! Managers may be lost while it changes, and others elect a leader: what was cut off by that is tried
//! once more. Each step that is done already is passed over.

use async_trait::async_trait;
use framework::{Apply, Diagnostic, Diagnostics, Field, Plan, Schema, State};

use super::{Resource, SwarmNode, change, join, leave, model::NodeModel, plan, schema};
use crate::{
    clustered::{At, Clustered, Gone, OnCluster},
    failure::{Explain as _, Failure, Stop, UNCHANGED, as_warning},
    hosted::{Words, import_id, is_same_connection},
};

/// What the world looks like while a machine is in its new place and not yet gone from its old one.
const BOTH: &str =
    "The new node has joined; the old one is in its swarm still, and has to be removed by hand.";

/// What the world looks like while a machine is in no swarm.
const LEFT: &str = "The machine has left its old swarm, and is not in the new one yet.";

#[async_trait]
impl Clustered for SwarmNode {
    type Model = NodeModel;
    type Private = ();

    const TYPE: &'static str = "windlass_swarm_node";
    const MANAGERS: &'static str =
        "The same list as that of the `windlass_swarm`, usually: another one contacts nothing.";
    const WORDS: Words = Words {
        create: "join",
        delete: "remove",
        remains: "The node is still in the swarm; what has moved off it stays where it is.",
        ..Words::USUAL
    };
    /// An old worker joins the swarm that takes the place of one that is lost.
    const GONE: Gone = Gone::Keep;

    fn schema() -> Schema {
        schema::schema()
    }

    fn subject(model: &NodeModel) -> String {
        let name = model.hostname.as_str().or_else(|| model.host.as_str()).unwrap_or_default();
        format!("swarm node {name:?}")
    }

    fn import(title: &str, id: &str) -> Result<NodeModel, Diagnostic> {
        let (connection, name) = import_id(title, id, "<connection of a manager>|<id of the node>")?;
        let managers = Field::Known(vec![Field::Known(connection.to_string())]);
        Ok(NodeModel { managers, id: Field::Known(name), ..NodeModel::default() })
    }

    fn swarm(model: &NodeModel) -> Option<&str> {
        model.swarm.as_str()
    }

    async fn plan(on: &OnCluster<'_>, title: &str, plan: &mut Plan<Resource>) -> Result<(), Diagnostics> {
        plan::plan(on, title, plan).await
    }

    /// Whether services run there that shall go first nobody knows yet, so it is a warning.
    async fn plan_destroy(on: &OnCluster<'_>, state: &State<Resource>) -> Result<(), Failure> {
        if state.model.is_graceful()
            && let Err(failure) = plan::refuse_homeless(on, &state.model, state.model.id()).await
        {
            let title = format!("{} may be refused to leave", Self::subject(&state.model));
            let world = "If these services are gone by then, it leaves.";
            failure
                .into_diagnostics(&title, world)
                .into_iter()
                .for_each(|problem| on.cx.warn(as_warning(problem)));
        }
        Ok(())
    }

    async fn observe(
        _on: &OnCluster<'_>,
        at: &At,
        mut state: State<Resource>,
    ) -> Result<Option<State<Resource>>, Failure> {
        let nodes = at.nodes().await?;
        let Some(node) = nodes.iter().find(|node| node.id == state.model.id()) else { return Ok(None) };
        state.model.set_observed(node);
        if state.model.swarm.is_null() {
            state.model.swarm = Field::from(at.membership.cluster_id.clone());
        }
        Ok(Some(state))
    }

    async fn create(on: &OnCluster<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
        match join::join(on, apply).await {
            Err(failure) if failure.is_interruption() => join::join(on, apply).await,
            done => done,
        }
    }

    async fn update(
        on: &OnCluster<'_>,
        prior: State<Resource>,
        apply: &mut Apply<Resource>,
    ) -> Result<(), Failure> {
        match update(on, &prior, apply).await {
            Err(failure) if failure.is_interruption() => update(on, &prior, apply).await,
            done => done,
        }
    }

    async fn delete(on: &OnCluster<'_>, state: &State<Resource>) -> Result<(), Failure> {
        match leave::leave(on, &state.model).await {
            Err(failure) if failure.is_interruption() => leave::leave(on, &state.model).await,
            done => done,
        }
    }
}

/// Makes the node what is planned, wherever it is now.
async fn update(
    on: &OnCluster<'_>,
    prior: &State<Resource>,
    apply: &mut Apply<Resource>,
) -> Result<(), Failure> {
    let (old, planned) = (&prior.model, &apply.planned);
    let another_swarm = old.swarm != planned.swarm;
    if another_swarm {
        // A machine is in one swarm at a time.
        leave::from_old_swarm(on, old).await.with_world(SwarmNode::WORDS.remains)?;
        return join::join(on, apply).await.with_world(LEFT);
    }
    if !is_same_connection(&old.host, &planned.host) && !is_same_node(on, old, planned).await? {
        join::join(on, apply).await?;
        if let Err(failure) = leave::leave(on, old).await {
            let title =
                format!("Could not remove {} after its replacement had joined", SwarmNode::subject(old));
            failure
                .into_diagnostics(&title, BOTH)
                .into_iter()
                .for_each(|problem| on.cx.warn(as_warning(problem)));
        }
        return Ok(());
    }
    if !change::is_any(old, planned) {
        apply.record(recorded(planned, old), ());
        return Ok(());
    }
    change::change(on, &prior.model, apply).await
}

/// What is planned, where nothing of the node was asked: what is not planned is as it was.
fn recorded(planned: &NodeModel, old: &NodeModel) -> NodeModel {
    let NodeModel { id, hostname, state, address, engine_version, leader, reachability, .. } = old.clone();
    NodeModel { id, hostname, state, address, engine_version, leader, reachability, ..planned.clone() }
}

/// Whether another connection leads to the same node.
async fn is_same_node(on: &OnCluster<'_>, old: &NodeModel, planned: &NodeModel) -> Result<bool, Failure> {
    let at = At::ask(on.clusters.hosts().for_apply(&planned.host).await?).await.with_world(UNCHANGED)?;
    if old.host.is_null() && at.membership.node_id != old.id() {
        // An import names a node, and the configuration a machine.
        let happened = format!(
            "The node {:?} was imported, and {} is the node {:?}.",
            old.id(),
            at.host.name(),
            at.membership.node_id
        );
        return Err(Stop::new(happened, "Import the node of the machine that `host` names.")
            .at("host")
            .into());
    }
    Ok(at.membership.node_id == old.id())
}
