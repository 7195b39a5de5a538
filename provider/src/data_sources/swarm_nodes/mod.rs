//! `windlass_swarm_nodes`: the nodes of a Docker Swarm, whoever had them join.
//!
//! A manager is asked; nothing is changed. It never trusts on first use.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use framework::{Attribute, Context, DataSource, Diagnostics, Field, Model, Schema, Timeouts};
use swarm::Node;

use crate::{
    clustered::{Clusters, ManagerList, managers_attribute},
    failure::{Failure, UNCHANGED},
    machine::READ,
};

/// The type of the data source.
const TYPE: &str = "windlass_swarm_nodes";

/// The data source `windlass_swarm_nodes`.
pub(crate) struct NodesDataSource {
    clusters: Arc<Clusters>,
}

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct NodesFacts {
    managers: ManagerList,
    nodes: Field<BTreeMap<String, OneNode>>,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct OneNode {
    hostname: Field<String>,
    role: Field<String>,
    availability: Field<String>,
    labels: Field<BTreeMap<String, String>>,
    state: Field<String>,
    address: Field<String>,
    engine_version: Field<String>,
    leader: Field<bool>,
    reachability: Field<String>,
}

impl OneNode {
    fn of(node: Node) -> Self {
        let (leader, reachability) =
            (node.is_leader(), node.manager.as_ref().map(|manager| manager.reachability));
        Self {
            hostname: Field::Known(node.hostname),
            role: Field::Known(node.role.to_string()),
            availability: Field::Known(node.availability.to_string()),
            labels: Field::Known(node.labels),
            state: Field::Known(node.state.to_string()),
            address: Field::Known(node.address),
            engine_version: Field::Known(node.engine_version),
            leader: Field::Known(leader),
            reachability: Field::from(reachability.map(|reachability| reachability.to_string())),
        }
    }
}

impl NodesDataSource {
    /// The data source, in the swarms that the provider knows.
    pub(crate) fn new(clusters: Arc<Clusters>) -> Self {
        Self { clusters }
    }
}

#[async_trait]
impl DataSource for NodesDataSource {
    type Model = NodesFacts;

    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn schema(&self) -> Schema {
        Schema::new(0)
            .describe("The nodes of a Docker Swarm, also those that nobody manages here.")
            .attribute(managers_attribute("Their keys must be in there or in known_hosts."))
            .attribute(Attribute::map("nodes", OneNode::object_type()).computed().describe(
                "The nodes by their ids, because host names may repeat: `hostname`, `role` (`manager` or `worker`), \
                 `availability`, `labels`, `state` (`ready`, `down`, …), `address`, `engine_version`, `leader`, and \
                 `reachability`, which is null for a worker.",
            ))
            .timeouts(Timeouts { read: Some(READ), ..Timeouts::default() })
    }

    async fn read(&self, _cx: &Context, config: NodesFacts) -> Result<NodesFacts, Diagnostics> {
        let found = async {
            let at = self.clusters.for_data_source(&config.managers).await?;
            Ok(at.manager().nodes().await?)
        };
        let found = found.await.map_err(|failure: Failure| {
            failure.into_diagnostics("Could not read the nodes of the swarm", UNCHANGED)
        })?;
        let nodes = found.into_iter().map(|node| (node.id.clone(), OneNode::of(node)));
        Ok(NodesFacts { nodes: Field::Known(nodes.collect()), ..config })
    }
}
