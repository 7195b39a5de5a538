//! What the provider says that it has, and calls for what it does not have.

use std::collections::BTreeSet;

use framework::server::Server;
use protocol_tests::Problem;
use provider::{Adapter, Windlass};
use tfplugin5::pb::{self, provider_server::Provider as _};
use tonic::{Code, Request};

use crate::subject::{MODES, Subject, assert_says, only_error};

/// What the same sources say without a process in between.
async fn in_process() -> pb::get_provider_schema::Response {
    let adapter = Adapter::new(Server::new(Windlass::default()));
    adapter.get_schema(Request::new(pb::get_provider_schema::Request {})).await.unwrap().into_inner()
}

#[tokio::test]
async fn the_schema_is_what_the_adapter_says() {
    for mode in MODES {
        let subject = Subject::start(mode).await;
        assert_eq!(*subject.schema(), in_process().await);
        // The core asks once per process, but may ask again.
        let again = subject.client().get_schema(pb::get_provider_schema::Request {}).await.unwrap();
        assert_eq!(again.into_inner(), *subject.schema());
        subject.end().await;
    }
}

#[tokio::test]
async fn the_schema_has_what_a_core_relies_on() {
    let subject = Subject::start(MODES[0]).await;
    let schema = subject.schema();
    assert!(schema.provider.is_some() && schema.diagnostics.is_empty());
    let capabilities = schema.server_capabilities.unwrap();
    assert!(capabilities.plan_destroy && capabilities.get_provider_schema_optional);
    // Promised only once they work.
    assert!(!capabilities.move_resource_state && !capabilities.generate_resource_config);
    let names: BTreeSet<&str> = schema.resource_schemas.keys().map(String::as_str).collect();
    assert!(names.contains("windlass_file") && names.contains("windlass_host"), "{names:?}");
    assert!(schema.data_source_schemas.contains_key("windlass_host"));
    for (name, one) in schema.resource_schemas.iter().chain(&schema.data_source_schemas) {
        assert!(name.starts_with("windlass_"), "{name}");
        let block = one.block.as_ref().unwrap();
        for attribute in &block.attributes {
            let what = format!("{name}.{}", attribute.name);
            tfvalue::Type::from_json(&attribute.r#type).expect(&what);
            assert!(!attribute.description.is_empty(), "{what} has no description");
            assert!(!(attribute.write_only && attribute.computed), "{what}");
            assert!(attribute.required || attribute.optional || attribute.computed, "{what}");
        }
    }
    subject.end().await;
}

#[tokio::test]
async fn functions_are_the_ones_of_the_schema() {
    for mode in MODES {
        let subject = Subject::start(mode).await;
        let answer =
            subject.client().get_functions(pb::get_functions::Request {}).await.unwrap().into_inner();
        assert_eq!(answer.functions, subject.schema().functions);
        assert_eq!(answer.diagnostics, []);
        subject.end().await;
    }
}

#[tokio::test]
async fn a_function_that_there_is_not_is_an_error() {
    for mode in MODES {
        let subject = Subject::start(mode).await;
        let request = pb::call_function::Request { name: "abacus".to_owned(), arguments: Vec::new() };
        let answer = subject.client().call_function(request).await.unwrap().into_inner();
        let error = answer.error.unwrap();
        assert!(error.text.contains("abacus"), "{error:?}");
        assert_eq!((answer.result, error.function_argument), (None, None));
        subject.end().await;
    }
}

/// Every call about an ephemeral resource or anything else that has another name than ours.
#[tokio::test]
async fn types_that_there_are_not_are_diagnostics_with_their_name() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        for (call, diagnostics) in unknown_type(&subject).await {
            let problems = Problem::all(diagnostics);
            assert_says(only_error(&problems), &["windlass_abacus"]);
            assert!(problems[0].summary.starts_with("Could not "), "{call}: {problems:?}");
        }
        subject.end().await;
    }
}

async fn unknown_type(subject: &Subject) -> Vec<(&'static str, Vec<pb::Diagnostic>)> {
    let type_name = || "windlass_abacus".to_owned();
    macro_rules! call {
        ($method:ident { $field:ident }) => {{
            let request = pb::$method::Request { $field: type_name(), ..Default::default() };
            let answer = subject.client().$method(request).await.unwrap().into_inner();
            (stringify!($method), answer.diagnostics)
        }};
    }
    vec![
        call!(validate_resource_type_config { type_name }),
        call!(validate_data_source_config { type_name }),
        call!(validate_ephemeral_resource_config { type_name }),
        call!(upgrade_resource_state { type_name }),
        call!(read_resource { type_name }),
        call!(plan_resource_change { type_name }),
        call!(apply_resource_change { type_name }),
        call!(import_resource_state { type_name }),
        call!(move_resource_state { target_type_name }),
        call!(read_data_source { type_name }),
        call!(open_ephemeral_resource { type_name }),
        call!(renew_ephemeral_resource { type_name }),
        call!(close_ephemeral_resource { type_name }),
    ]
}

/// A core takes this code for "the provider does not have it", and any other for a failure.
#[tokio::test]
async fn calls_of_features_that_there_are_not_are_unimplemented() {
    let subject = Subject::start(MODES[0]).await;
    macro_rules! code {
        ($method:ident, $request:ident) => {{
            let answer = subject.client().$method(pb::$request::Request::default()).await;
            answer.map(|_| ()).unwrap_err().code()
        }};
    }
    let codes = [
        code!(get_metadata, get_metadata),
        code!(get_resource_identity_schemas, get_resource_identity_schemas),
        code!(upgrade_resource_identity, upgrade_resource_identity),
        code!(generate_resource_config, generate_resource_config),
        code!(list_resource, list_resource),
        code!(validate_list_resource_config, validate_list_resource_config),
        code!(plan_action, plan_action),
        code!(invoke_action, invoke_action),
        code!(validate_action_config, validate_action_config),
    ];
    assert_eq!(codes, [Code::Unimplemented; 9]);
    subject.end().await;
}
