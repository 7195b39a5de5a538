//! `windlass_swarm_stacks`: the stacks that run on a Docker Swarm, whoever deployed them.
//!
//! A manager is asked; nothing is changed. It never trusts on first use.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use framework::{Attribute, Context, DataSource, Diagnostics, Field, Model, Schema, Timeouts, Type};
use swarm::stacks::{StackOverview, overview};

use crate::{
    clustered::{Clusters, ManagerList, managers_attribute},
    failure::{Failure, UNCHANGED},
    machine::READ,
};

/// The type of the data source.
const TYPE: &str = "windlass_swarm_stacks";

/// The data source `windlass_swarm_stacks`.
pub(crate) struct SwarmStacksDataSource {
    clusters: Arc<Clusters>,
}

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct SwarmStacksFacts {
    managers: ManagerList,
    labels: Field<BTreeMap<String, String>>,
    stacks: Field<BTreeMap<String, OneSwarmStack>>,
}

/// A stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct OneSwarmStack {
    services: Field<BTreeMap<String, String>>,
    labels: Field<BTreeMap<String, String>>,
    created_at: Field<String>,
    updated_at: Field<String>,
    converged: Field<bool>,
    managed: Field<bool>,
}

impl OneSwarmStack {
    fn of(found: StackOverview) -> Self {
        Self {
            converged: Field::Known(found.is_converged()),
            services: Field::Known(found.services),
            labels: Field::Known(found.labels),
            created_at: Field::Known(found.created_at),
            updated_at: Field::Known(found.updated_at),
            managed: Field::Known(found.managed),
        }
    }
}

impl SwarmStacksDataSource {
    /// The data source, in the swarms that the provider knows.
    pub(crate) fn new(clusters: Arc<Clusters>) -> Self {
        Self { clusters }
    }
}

#[async_trait]
impl DataSource for SwarmStacksDataSource {
    type Model = SwarmStacksFacts;

    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn schema(&self) -> Schema {
        Schema::new(0)
            .describe(
                "The stacks that run on a Docker Swarm, also those that nobody manages here: to see what is deployed, or \
                 which previews are still there.",
            )
            .attribute(managers_attribute("Their keys must be in there or in known_hosts."))
            .attribute(Attribute::map("labels", Type::String).describe(
                "Only stacks that have all of these labels. A stack has the labels that all of its services have, from \
                 `deploy.labels` in its files. Default: all stacks.",
            ))
            .attribute(Attribute::map("stacks", OneSwarmStack::object_type()).computed().describe(
                "The stacks, by name: `services`, name to status (`running` or `job` when all is well, `converging` \
                 while tasks are missing or being replaced, `paused` or `rollback paused` when an update stands still), \
                 `labels`, `created_at` and `updated_at` in RFC 3339, `converged` (whether all services are well) and \
                 `managed` (whether Windlass made it).",
            ))
            .timeouts(Timeouts { read: Some(READ), ..Timeouts::default() })
    }

    async fn read(&self, _cx: &Context, config: SwarmStacksFacts) -> Result<SwarmStacksFacts, Diagnostics> {
        let found = async {
            let at = self.clusters.for_data_source(&config.managers).await?;
            Ok(overview(&at.host.engine().await?).await?)
        };
        let found = found.await.map_err(|failure: Failure| {
            failure.into_diagnostics("Could not read the stacks of the swarm", UNCHANGED)
        })?;
        let asked = config.labels.clone().known_or_default();
        let has_all =
            |stack: &StackOverview| asked.iter().all(|(key, value)| stack.labels.get(key) == Some(value));
        let stacks = found.into_iter().filter(|(_, stack)| has_all(stack));
        let stacks = stacks.map(|(name, stack)| (name, OneSwarmStack::of(stack))).collect();
        Ok(SwarmStacksFacts { stacks: Field::Known(stacks), ..config })
    }
}
