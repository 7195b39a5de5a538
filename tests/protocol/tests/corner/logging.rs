//! What a core finds on stderr.

use crate::BINARY;
use protocol_tests::{Launch, Mode};
use serde_json::Value;
use tfplugin5::pb::configure;

/// The log of one Configure call under these variables.
async fn log(variables: &[(&str, &str)]) -> Vec<Value> {
    let mut launch = Launch::new(BINARY, Mode::Tls).unwrap();
    for (name, value) in variables {
        launch = launch.env(name, value);
    }
    let mut core = launch.start().await.unwrap();
    let terraform_version = "1.11.4".to_owned();
    let request = configure::Request { terraform_version, ..Default::default() };
    core.client().configure(request).await.unwrap();
    assert!(core.end().await.unwrap().success());
    let lines = core.stderr();
    assert!(lines.iter().all(|line| line.len() < 64 * 1024));
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn messages(log: &[Value]) -> Vec<&str> {
    log.iter().map(|line| line["@message"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn nothing_is_logged_unless_asked_for() {
    assert_eq!(log(&[]).await, [Value::Null; 0]);
    assert_eq!(log(&[("TF_LOG", "off")]).await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_line_has_what_hclog_needs() {
    let log = log(&[("TF_LOG", "info")]).await;
    assert_eq!(messages(&log), ["configured", "trouble"]);
    let line = &log[0];
    assert_eq!(line["@level"], "info");
    assert_eq!(line["@module"], "corner_provider");
    assert_eq!(line["version"], "1.11.4");
    assert!(line["long"].as_str().unwrap().ends_with("bytes cut]"));
    let timestamp = line["@timestamp"].as_str().unwrap();
    let shape: String =
        timestamp.chars().map(|character| if character.is_ascii_digit() { '0' } else { character }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000000Z");
}

#[tokio::test]
async fn at_trace_only_our_own_targets_are_chatty() {
    let log = log(&[("TF_LOG", "JSON")]).await;
    let own = messages(&log);
    assert!(own.contains(&"first line\nsecond line"), "{own:?}");
    assert!(own.contains(&"trouble") && !own.contains(&"chatter"), "{own:?}");
    for line in &log {
        let quiet = matches!(line["@level"].as_str().unwrap(), "warn" | "error");
        assert!(quiet || line["@module"] == "corner_provider", "{line}");
    }
}

#[tokio::test]
async fn the_provider_variable_goes_first() {
    let log = log(&[("TF_LOG", "TRACE"), ("TF_LOG_PROVIDER", "warn")]).await;
    assert_eq!(messages(&log), ["trouble"]);
}
