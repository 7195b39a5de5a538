//! `windlass_swarm`: a Docker Swarm that something else manages.
//!
//! The managers are asked; nothing is changed. It never trusts on first use.

use std::sync::Arc;

use async_trait::async_trait;
use framework::{Attribute, Context, DataSource, Diagnostics, Field, Model, Schema, Timeouts, Type};

use crate::{
    clustered::{At, Clusters, ManagerList, managers_attribute},
    failure::{Failure, UNCHANGED},
    machine::READ,
};

/// The type of the data source.
const TYPE: &str = "windlass_swarm";

/// The data source `windlass_swarm`.
pub(crate) struct SwarmDataSource {
    clusters: Arc<Clusters>,
}

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct SwarmFacts {
    managers: ManagerList,
    id: Field<String>,
    created_at: Field<String>,
    manager_addresses: Field<Vec<String>>,
    default_addr_pool: Field<Vec<String>>,
    subnet_size: Field<u64>,
    autolock: Field<bool>,
}

impl SwarmDataSource {
    /// The data source, in the swarms that the provider knows.
    pub(crate) fn new(clusters: Arc<Clusters>) -> Self {
        Self { clusters }
    }

    async fn observe(&self, mut facts: SwarmFacts) -> Result<SwarmFacts, Failure> {
        let at: At = self.clusters.for_data_source(&facts.managers).await?;
        let manager = at.manager();
        let (cluster, nodes) = tokio::join!(manager.cluster(), manager.nodes());
        let (cluster, nodes) = (cluster?, nodes?);
        facts.id = Field::Known(cluster.id);
        facts.created_at = Field::Known(cluster.created_at);
        facts.default_addr_pool = Field::Known(cluster.address_pools);
        facts.subnet_size = Field::Known(cluster.subnet_size.into());
        facts.autolock = Field::Known(cluster.autolock);
        facts.manager_addresses = Field::Known(swarm::address::of_managers(&nodes));
        Ok(facts)
    }
}

#[async_trait]
impl DataSource for SwarmDataSource {
    type Model = SwarmFacts;

    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn schema(&self) -> Schema {
        let text = |name: &str| Attribute::string(name).computed();
        Schema::new(0)
            .describe("A Docker Swarm that something else manages: for nodes to join it, for example.")
            .attribute(managers_attribute("Their keys must be in there or in known_hosts."))
            .attributes([
                text("id").describe("The id of the swarm, for `swarm` of `windlass_swarm_node`."),
                text("created_at").describe("When it was made, in RFC 3339."),
                Attribute::list("manager_addresses", Type::String)
                    .computed()
                    .describe("Where the managers reach each other: `10.0.0.1:2377`."),
                Attribute::list("default_addr_pool", Type::String)
                    .computed()
                    .describe("The ranges that overlay networks get theirs from."),
                Attribute::number("subnet_size")
                    .computed()
                    .describe("The size of such a network, as the length of its prefix."),
                Attribute::bool("autolock").computed().describe("Whether managers that restart need a key."),
            ])
            .timeouts(Timeouts { read: Some(READ), ..Timeouts::default() })
    }

    async fn read(&self, _cx: &Context, config: SwarmFacts) -> Result<SwarmFacts, Diagnostics> {
        let found = self.observe(config).await;
        found.map_err(|failure| failure.into_diagnostics("Could not read the swarm", UNCHANGED))
    }
}
