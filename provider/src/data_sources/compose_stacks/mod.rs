//! `windlass_compose_stacks`: every Compose project that has containers on a host.
//!
//! One list of containers tells everything; nothing on the host is touched. It never trusts on
//! first use.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use framework::{Attribute, Context, DataSource, Diagnostics, Field, Model, Schema, Timeouts};
use stack::overview::{Overview, projects};

use crate::{
    failure::{Failure, UNCHANGED},
    hosted::{Hosts, check_connection},
    machine::READ,
};

/// The type of the data source.
pub(crate) const TYPE: &str = "windlass_compose_stacks";

/// The data source `windlass_compose_stacks`.
pub(crate) struct StacksDataSource {
    hosts: Arc<Hosts>,
}

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct StacksFacts {
    host: Field<String>,
    stacks: Field<BTreeMap<String, OneStack>>,
}

/// A project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct OneStack {
    directory: Field<String>,
    config_files: Field<Vec<String>>,
    managed: Field<bool>,
    services: Field<BTreeMap<String, String>>,
}

impl StacksDataSource {
    /// The data source, on the hosts that the provider knows.
    pub(crate) fn new(hosts: Arc<Hosts>) -> Self {
        Self { hosts }
    }
}

impl OneStack {
    fn of(found: Overview) -> Self {
        let directory = Some(found.directory).filter(|directory| !directory.is_empty());
        let services = found.services.into_iter().map(|(name, service)| (name, service.status));
        Self {
            directory: Field::from(directory),
            config_files: Field::Known(found.config_files),
            managed: Field::Known(found.managed),
            services: Field::Known(services.collect()),
        }
    }
}

#[async_trait]
impl DataSource for StacksDataSource {
    type Model = StacksFacts;

    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn schema(&self) -> Schema {
        Schema::new(0)
            .describe(
                "Every Compose project that has containers on a host, also those that nobody manages here: to see \
                 what runs beside, or to check that nothing does.",
            )
            .attribute(
                Attribute::string("host")
                    .required()
                    .check(check_connection)
                    .describe("The host, as a connection. Its key must be in there or in known_hosts."),
            )
            .attribute(Attribute::map("stacks", OneStack::object_type()).computed().describe(
                "The projects, by name: `directory` on the host (null where the containers do not tell), \
                 `config_files`, `managed` (whether Windlass made it) and `services`, name to status (`running`, \
                 `healthy` or `completed` when all is well, else what is wrong).",
            ))
            .timeouts(Timeouts { read: Some(READ), ..Timeouts::default() })
    }

    async fn read(&self, _cx: &Context, config: StacksFacts) -> Result<StacksFacts, Diagnostics> {
        let title =
            format!("Could not read the compose stacks on {:?}", config.host.as_str().unwrap_or_default());
        let found = async {
            let host = self.hosts.for_data_source(&config.host).await?;
            Ok(host.engine().await?.all_projects().await?)
        };
        let found = found.await.map_err(|failure: Failure| failure.into_diagnostics(&title, UNCHANGED))?;
        let stacks = projects(&found).into_iter().map(|(name, stack)| (name, OneStack::of(stack)));
        Ok(StacksFacts { stacks: Field::Known(stacks.collect()), ..config })
    }
}
