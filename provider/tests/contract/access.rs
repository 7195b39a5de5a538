//! A host that does not let us in stands in the way of every resource that lives on it.
//!
//! Read leaves the verdict to the plan, which knows the configuration. A resource whose plan did
//! not pass it would say "No changes" of a host that nobody can look at.

use std::{collections::BTreeSet, sync::Arc};

use framework::{
    Capabilities, Schema, Server,
    schema::Nesting,
    server::{ConfigureRequest, Dynamic, UpgradeRequest},
    testing::Harness,
};
use provider::Windlass;
use tfvalue::{Path, Value, json};

use crate::states::states;

/// A login that the provider does not have.
const NOBODY: &str = "nobody";

#[tokio::test]
async fn every_resource_refuses_to_plan_with_a_host_that_does_not_let_us_in() {
    let server = Arc::new(Server::new(Windlass::default()));
    let provider = server.schema().provider.clone();
    let config = Dynamic::encode(&nothing(&provider), &provider.value_type()).unwrap();
    let request = ConfigureRequest {
        terraform_version: "1.11.0".into(),
        config,
        capabilities: Capabilities::default(),
    };
    assert!(!server.configure(request).await.has_errors());
    let mut tried = BTreeSet::new();
    let lives_on_host =
        |schema: &Schema| ["host", "address"].iter().any(|name| schema.body.attribute(name).is_some());
    for (type_name, version, text) in states() {
        let schema = server.schema().resources[type_name.as_str()].clone();
        if !lives_on_host(&schema) {
            continue;
        }
        let request = UpgradeRequest { type_name: type_name.clone(), version, json: text.into_bytes() };
        let mut state = server.upgrade(request).await.upgraded_state.decode(&schema.value_type()).unwrap();
        for attribute in ["host", "connection", "managers"] {
            let path = Path::root().attribute(attribute);
            match state.get(&path).cloned() {
                Some(Value::String(host)) => state.set(&path, as_nobody(&host)).unwrap(),
                Some(Value::List(hosts)) => {
                    let hosts = hosts.iter().map(|host| match host {
                        Value::String(host) => as_nobody(host),
                        other => other.clone(),
                    });
                    state.set(&path, Value::List(hosts.collect())).unwrap();
                }
                _ => {}
            }
        }
        if state.attribute("identity").is_some() {
            state.set(&Path::root().attribute("identity"), NOBODY.into()).unwrap();
        }
        let mut core = Harness::of(server.clone(), &type_name);
        let configured =
            schema.body.attributes.iter().filter(|attribute| attribute.required || attribute.optional);
        let names = configured
            .map(|attribute| attribute.name.clone())
            .chain(schema.body.blocks.iter().map(|block| block.name.clone()));
        let set: Vec<_> =
            names.filter_map(|name| Some((name.clone(), state.attribute(&name)?.clone()))).collect();
        let config = core.config(set);
        core.set_state(Some(state));

        let warnings = core.refresh().await.unwrap();
        assert!(warnings.to_string().contains(NOBODY), "{type_name} is read: {warnings}");
        let problems = core.plan(&config).await.expect_err(&type_name);
        let text = problems.to_string();
        assert!(text.contains("Could not plan") && text.contains(NOBODY), "{type_name}: {text}");
        tried.insert(type_name);
    }
    let on_hosts = server.schema().resources.values().filter(|schema| lives_on_host(schema)).count();
    assert_eq!(tried.len(), on_hosts, "{tried:?}");
}

/// The same host by a login that the provider does not have.
fn as_nobody(host: &str) -> Value {
    let mark = if host.contains('?') { '&' } else { '?' };
    format!("{host}{mark}identity={NOBODY}").as_str().into()
}

/// A configuration that says nothing.
fn nothing(schema: &Schema) -> Value {
    let attributes = schema.body.attributes.iter().map(|attribute| (attribute.name.clone(), "null"));
    let blocks = schema.body.blocks.iter().map(|block| {
        let none = if block.nesting == Nesting::Single { "null" } else { "[]" };
        (block.name.clone(), none)
    });
    let parts: Vec<String> =
        attributes.chain(blocks).map(|(name, none)| format!("{name:?}: {none}")).collect();
    json::decode(format!("{{{}}}", parts.join(", ")).as_bytes(), &schema.value_type()).unwrap()
}
