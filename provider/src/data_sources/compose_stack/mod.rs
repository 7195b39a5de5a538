//! `windlass_compose_stack` as a data source: a Compose project on a host, whoever made it.
//!
//! One list of containers tells everything; nothing on the host is touched. It never trusts on
//! first use.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use framework::{
    Attribute, Context, DataSource, Diagnostic, Diagnostics, Field, Model, Schema, Timeouts, Type, validate,
};
use stack::{
    ObservedService,
    overview::{Overview, overview, projects},
};

use crate::{
    failure::{Failure, UNCHANGED},
    hosted::{Host, Hosts, check_connection},
    machine::READ,
};

/// The type of the data source.
pub(crate) const TYPE: &str = "windlass_compose_stack";

/// The data source `windlass_compose_stack`.
pub(crate) struct StackDataSource {
    hosts: Arc<Hosts>,
}

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct StackFacts {
    host: Field<String>,
    name: Field<String>,
    directory: Field<String>,
    config_files: Field<Vec<String>>,
    managed: Field<bool>,
    services: Field<BTreeMap<String, ServiceFacts>>,
}

/// A service as its containers tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct ServiceFacts {
    image: Field<String>,
    image_id: Field<String>,
    status: Field<String>,
    replicas: Field<u64>,
    containers: Field<Vec<String>>,
    ports: Field<Vec<String>>,
}

impl StackDataSource {
    /// The data source, on the hosts that the provider knows.
    pub(crate) fn new(hosts: Arc<Hosts>) -> Self {
        Self { hosts }
    }
}

impl StackFacts {
    fn with(self, found: Overview) -> Self {
        let services = found.services.iter().map(|(name, state)| (name.clone(), ServiceFacts::of(state)));
        Self {
            directory: text(&found.directory),
            managed: Field::Known(found.managed),
            services: Field::Known(services.collect()),
            config_files: Field::Known(found.config_files),
            ..self
        }
    }
}

impl ServiceFacts {
    fn of(state: &ObservedService) -> Self {
        Self {
            image: text(&state.image),
            image_id: text(&state.image_id),
            status: text(&state.status),
            replicas: Field::Known(state.replicas.into()),
            containers: Field::Known(state.containers.clone()),
            ports: Field::Known(state.ports.clone()),
        }
    }
}

/// Empty is absent.
fn text(value: &str) -> Field<String> {
    if value.is_empty() { Field::Null } else { Field::Known(value.to_owned()) }
}

#[async_trait]
impl DataSource for StackDataSource {
    type Model = StackFacts;

    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn schema(&self) -> Schema {
        Schema::new(0)
            .describe(
                "A Compose project that has containers on a host, whoever made it. That there is none is an error; \
                 `windlass_compose_stacks` tells what there is.",
            )
            .attribute(
                Attribute::string("host")
                    .required()
                    .check(check_connection)
                    .describe("The host, as a connection. Its key must be in there or in known_hosts."),
            )
            .attribute(
                Attribute::string("name")
                    .required()
                    .validate(validate::non_empty())
                    .describe("The name of the Compose project."),
            )
            .attributes(computed())
            .timeouts(Timeouts { read: Some(READ), ..Timeouts::default() })
    }

    async fn read(&self, _cx: &Context, config: StackFacts) -> Result<StackFacts, Diagnostics> {
        let name = config.name.clone().known_or_default();
        let title = format!("Could not read compose stack {name:?}");
        let found = async { find(&self.hosts.for_data_source(&config.host).await?, &title, &name).await };
        let found = found.await.map_err(|failure| failure.into_diagnostics(&title, UNCHANGED))?;
        Ok(config.with(found))
    }
}

fn computed() -> [Attribute; 4] {
    [
        Attribute::string("directory").computed().describe(
            "Its directory on the host, as Compose wrote it on the containers; null where they do not tell.",
        ),
        Attribute::list("config_files", Type::String).computed().describe(
            "The Compose files it was started with, absolute paths on the host; empty for one that was piped into \
             Compose.",
        ),
        Attribute::bool("managed").computed().describe("Whether Windlass made it."),
        Attribute::map("services", ServiceFacts::object_type()).computed().describe(
            "Its services that have containers, by name: `image`, `image_id`, `status` (`running`, `healthy` or \
             `completed` when all is well, else what is wrong), `replicas`, `containers` (their names) and `ports` \
             (what they publish). Containers of `docker compose run` do not count.",
        ),
    ]
}

async fn find(host: &Host, title: &str, name: &str) -> Result<Overview, Failure> {
    let engine = host.engine().await?;
    let containers = engine.containers(name).await?;
    if !containers.is_empty() {
        return Ok(overview(&containers));
    }
    let others: Vec<String> = projects(&engine.all_projects().await?).into_keys().collect();
    Err(absent(title, name, host.name(), &others).into())
}

fn absent(title: &str, name: &str, host: &str, others: &[String]) -> Diagnostic {
    let others = if others.is_empty() { "none".to_owned() } else { others.join(", ") };
    Diagnostic::error(title)
        .detail(format!(
            "No container on {host} belongs to a Compose project {name:?}. Those that have containers there: {others}."
        ))
        .detail(UNCHANGED)
        .detail("Correct the name, or start the stack first: with `depends_on` this waits for a resource that makes it.")
        .at("name")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_that_is_not_there_is_reported_with_those_that_are() {
        let problem = absent("t", "web", "root@a", &["api".to_owned(), "db".to_owned()]);
        assert!(
            problem.detail.contains("\"web\"") && problem.detail.contains("api, db"),
            "{}",
            problem.detail
        );
        assert!(absent("t", "web", "root@a", &[]).detail.contains("there: none."));
    }
}
