//! `windlass_host` as a data source: facts about a machine that something else manages.
//!
//! It never trusts on first use: the key is in the connection or in known_hosts.

use std::sync::Arc;

use async_trait::async_trait;
use framework::{Attribute, Context, DataSource, Diagnostics, Field, Model, Schema, Timeouts};

use crate::{
    failure::{Failure, UNCHANGED},
    hosted::{Hosts, check_connection},
    machine::{MachineModel, READ, facts_attributes, inspect},
};

/// The type of the data source.
pub(crate) const TYPE: &str = "windlass_host";

/// The data source `windlass_host`.
pub(crate) struct HostDataSource {
    hosts: Arc<Hosts>,
}

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct HostFacts {
    pub(crate) host: Field<String>,
    #[model(flatten)]
    pub(crate) machine: MachineModel,
}

impl HostDataSource {
    /// The data source, on the hosts that the provider knows.
    pub(crate) fn new(hosts: Arc<Hosts>) -> Self {
        Self { hosts }
    }
}

#[async_trait]
impl DataSource for HostDataSource {
    type Model = HostFacts;

    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn schema(&self) -> Schema {
        Schema::new(0)
            .describe("Facts about a machine that is managed elsewhere. Its host key must be in the connection or in known_hosts.")
            .attribute(Attribute::string("host").required().check(check_connection).describe(
                "The machine, as a connection: `ssh://[user@]host[:port]?host_key=…`, or `local://` for the machine \
                 that runs tofu.",
            ))
            .attributes(facts_attributes())
            .timeouts(Timeouts { read: Some(READ), ..Timeouts::default() })
    }

    async fn read(&self, _cx: &Context, config: HostFacts) -> Result<HostFacts, Diagnostics> {
        let title = format!("Could not read host {:?}", config.host.known().map_or("", String::as_str));
        let seen = async { Ok(inspect(&self.hosts.for_data_source(&config.host).await?).await?) };
        let seen = seen.await.map_err(|failure: Failure| failure.into_diagnostics(&title, UNCHANGED))?;
        Ok(HostFacts { host: config.host, machine: seen.into() })
    }
}
