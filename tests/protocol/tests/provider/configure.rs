//! PrepareProviderConfig and Configure.

use tfplugin5::pb::DynamicValue;
use tfvalue::{Type, Value};

use crate::subject::{MODES, Subject, assert_says, only_error};

/// An element of a repeatable block with these attributes.
fn block(ty: &Type, name: &str, given: &[(&str, Value)]) -> Value {
    let Type::Object(attributes) = ty else { panic!("{ty:?} is no object") };
    let Type::List(element) = &attributes[name] else { panic!("{name} is no list") };
    let Type::Object(attributes) = element.as_ref() else { panic!("{name} has no objects") };
    let mut values: Vec<(String, Value)> =
        attributes.keys().map(|name| (name.clone(), Value::Null)).collect();
    for (name, value) in given {
        values.retain(|(known, _)| known != name);
        values.push(((*name).to_owned(), value.clone()));
    }
    Value::list_of([Value::map_of(values)])
}

#[tokio::test]
async fn a_configuration_comes_back_as_it_was() {
    for mode in MODES {
        let subject = Subject::start(mode).await;
        let shape = subject.provider().unwrap();
        let config = shape.config([("on_unreachable", Value::from("keep"))]).unwrap();
        let config = Some(shape.encode(&config).unwrap());
        let request = tfplugin5::pb::prepare_provider_config::Request { config: config.clone() };
        let answer = subject.client().prepare_provider_config(request).await.unwrap().into_inner();
        assert_eq!((answer.prepared_config, answer.diagnostics.len()), (config, 0));
        subject.end().await;
    }
}

#[tokio::test]
async fn what_is_wrong_is_said_with_the_path() {
    for mode in MODES {
        let subject = Subject::start(mode).await;
        let shape = subject.provider().unwrap();
        let port = block(&shape.ty, "ssh", &[("port", Value::from(70_000))]);
        let timeout = block(&shape.ty, "ssh", &[("connect_timeout", Value::from("soon"))]);
        let cases = [
            ("on_unreachable", Value::from("ignore"), "on_unreachable"),
            ("ssh", port, "ssh[0].port"),
            ("ssh", timeout, "ssh[0].connect_timeout"),
        ];
        for (name, value, path) in cases {
            let config = shape.config([(name, value)]).unwrap();
            let problems = subject.prepare(shape.encode(&config).unwrap()).await.unwrap();
            assert_eq!(only_error(&problems).path, path);
        }
        subject.end().await;
    }
}

#[tokio::test]
async fn what_is_unknown_never_fails() {
    for mode in MODES {
        let subject = Subject::start(mode).await;
        let shape = subject.provider().unwrap();
        let names: Vec<String> = match &shape.ty {
            Type::Object(attributes) => attributes.keys().cloned().collect(),
            other => panic!("{other:?} is no object"),
        };
        let key = block(&shape.ty, "ssh", &[("private_key", Value::Unknown), ("port", Value::Unknown)]);
        let everything = names.iter().map(|name| vec![(name.as_str(), Value::Unknown)]);
        for given in everything.chain([vec![("ssh", key)]]) {
            let config = shape.encode(&shape.config(given.clone()).unwrap()).unwrap();
            assert_eq!(subject.prepare(config.clone()).await.unwrap(), [], "{given:?}");
            assert_eq!(subject.configure(config).await.unwrap(), [], "{given:?}");
        }
        subject.end().await;
    }
}

#[tokio::test]
async fn a_configuration_in_json_is_accepted() {
    let subject = Subject::start(MODES[0]).await;
    let json = br#"{"on_unreachable":"forget","ssh":[],"registry":[]}"#.to_vec();
    let config = DynamicValue { msgpack: Vec::new(), json };
    assert_eq!(subject.configure(config).await.unwrap(), []);
    subject.end().await;
}

#[tokio::test]
async fn a_wrong_word_in_the_environment_names_the_variable() {
    let home = tempfile::tempdir().unwrap();
    let launch = crate::subject::launch(MODES[0]).env("WINDLASS_ON_UNREACHABLE", "ignore");
    let subject = Subject::launched(launch.env("HOME", home.path()), home).await;
    let shape = subject.provider().unwrap();
    let config = shape.config([("on_unreachable", Value::Null)]).unwrap();
    let problems = subject.configure(shape.encode(&config).unwrap()).await.unwrap();
    assert_says(only_error(&problems), &["WINDLASS_ON_UNREACHABLE", "\"ignore\""]);
    subject.end().await;
}
