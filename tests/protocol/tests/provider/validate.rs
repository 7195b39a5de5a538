//! ValidateResourceTypeConfig.

use protocol_tests::CAPABILITIES;
use tfplugin5::pb::ClientCapabilities;
use tfvalue::Value;

use crate::subject::{MODES, Subject, assert_says, only_error, with};

#[tokio::test]
async fn every_problem_is_told_at_once_with_its_path() {
    for mode in MODES {
        let subject = Subject::start(mode).await;
        let config = subject.file_config("a", [("content", Value::from("x")), ("mode", Value::from("9"))]);
        let config = with(&with(&config, "path", "relative"), "host", "http://web");
        let problems = subject.file().validate(&config, CAPABILITIES).await.unwrap();
        let mut paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["host", "mode", "path"]);
        subject.end().await;
    }
}

#[tokio::test]
async fn attributes_that_exclude_each_other_are_named() {
    let subject = Subject::start(MODES[0]).await;
    let both = subject.file_config("a", [("content", Value::from("x")), ("source", Value::from("/y"))]);
    let neither = subject.file_config("a", []);
    for config in [both, neither] {
        let problems = subject.file().validate(&config, CAPABILITIES).await.unwrap();
        assert_says(only_error(&problems), &["content", "source", "content_wo"]);
    }
    subject.end().await;
}

#[tokio::test]
async fn what_is_unknown_is_not_judged() {
    for mode in MODES {
        let subject = Subject::start(mode).await;
        let mut config = subject.file_config("a", [("content", Value::Unknown)]);
        for name in ["host", "path", "source", "content_wo", "mode", "on_destroy"] {
            config = with(&config, name, Value::Unknown);
        }
        assert_eq!(subject.file().validate(&config, CAPABILITIES).await.unwrap(), []);
        subject.end().await;
    }
}

#[tokio::test]
async fn write_only_needs_a_core_that_knows_it() {
    for mode in MODES {
        let subject = Subject::start(mode).await;
        let file = subject.file();
        let secret = [("content_wo", Value::from("hunter2")), ("content_wo_version", Value::from("1"))];
        let config = subject.file_config("a", secret);
        assert_eq!(file.validate(&config, CAPABILITIES).await.unwrap(), []);
        let problems = file.validate(&config, ClientCapabilities::default()).await.unwrap();
        let problem = only_error(&problems);
        assert_eq!(problem.path, "content_wo");
        assert_says(problem, &["OpenTofu 1.11", "Terraform 1.11"]);
        assert!(!problem.says("hunter2"));
        // Not set, it is nobody's problem.
        let config = subject.file_config("a", [("content", Value::from("x"))]);
        assert_eq!(file.validate(&config, ClientCapabilities::default()).await.unwrap(), []);
        subject.end().await;
    }
}

#[tokio::test]
async fn validation_needs_no_configured_provider_and_no_host() {
    let subject = Subject::start(MODES[0]).await;
    let host = subject.host();
    let config = host.config([("address", Value::from("192.0.2.1")), ("port", Value::from(0))]).unwrap();
    let problems = host.validate(&config, CAPABILITIES).await.unwrap();
    assert_eq!(only_error(&problems).path, "port");
    subject.end().await;
}
