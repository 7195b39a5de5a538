//! PlanResourceChange.

use protocol_tests::{Mode, Stored};
use tfvalue::Value;

use crate::subject::{MODES, Subject, assert_says, only_error, plan, text, with};

/// sha256sum of "hello\n".
const HELLO: &str = "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

async fn with_file(mode: Mode) -> (Subject, Value, Stored) {
    let subject = Subject::configured(mode).await;
    let config = subject.file_config("a", [("content", Value::from("hello\n"))]);
    let stored = subject.make(&subject.file(), &Stored::default(), &config).await;
    (subject, config, stored)
}

#[tokio::test]
async fn a_create_knows_what_can_be_known() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        let config = subject.file_config("a", [("content", Value::from("hello\n"))]);
        let planned = plan(&subject.file(), &Stored::default(), &config).await;
        let value = &planned.planned.value;
        assert_eq!(text(value, "content_hash"), HELLO);
        assert_eq!((text(value, "mode"), text(value, "on_destroy")), ("0644", "delete"));
        assert_eq!(value.attribute("owner"), Some(&Value::Unknown));
        assert_eq!(planned.replace, [""; 0]);
        // Planning is not doing.
        assert!(!subject.path("a").exists());
        subject.end().await;
    }
}

#[tokio::test]
async fn the_same_again_plans_nothing() {
    for mode in MODES {
        let (subject, config, stored) = with_file(mode).await;
        let planned = plan(&subject.file(), &stored, &config).await;
        assert_eq!((planned.planned.value, planned.replace), (stored.value, Vec::new()));
        subject.end().await;
    }
}

#[tokio::test]
async fn another_content_is_an_update_and_another_path_a_replacement() {
    for mode in MODES {
        let (subject, config, stored) = with_file(mode).await;
        let planned = plan(&subject.file(), &stored, &with(&config, "content", "bye\n")).await;
        assert_eq!(planned.replace, [""; 0]);
        assert_ne!(text(&planned.planned.value, "content_hash"), HELLO);
        assert_eq!(text(&planned.planned.value, "owner"), text(&stored.value, "owner"));

        let elsewhere = subject.path("b").to_str().unwrap().to_owned();
        let planned = plan(&subject.file(), &stored, &with(&config, "path", elsewhere)).await;
        assert_eq!(planned.replace, ["path"]);
        subject.end().await;
    }
}

#[tokio::test]
async fn an_unknown_host_or_content_plans_as_unknown() {
    for mode in MODES {
        let (subject, config, stored) = with_file(mode).await;
        let file = subject.file();
        for prior in [&Stored::default(), &stored] {
            let planned = plan(&file, prior, &with(&config, "host", Value::Unknown)).await;
            assert_eq!(planned.planned.value.attribute("host"), Some(&Value::Unknown));
            assert_eq!(planned.replace, [""; 0]);
            let planned = plan(&file, prior, &with(&config, "content", Value::Unknown)).await;
            assert_eq!(planned.planned.value.attribute("content_hash"), Some(&Value::Unknown));
        }
        subject.end().await;
    }
}

/// Settings that depend on something made in the same apply.
#[tokio::test]
async fn a_provider_whose_settings_are_unknown_plans() {
    for mode in MODES {
        let subject = Subject::start(mode).await;
        subject.configure_with([("ssh", Value::Unknown)]).await;
        let config = subject.file_config("a", [("content", Value::from("hello\n"))]);
        let planned = plan(&subject.file(), &Stored::default(), &config).await;
        assert_eq!(text(&planned.planned.value, "content_hash"), HELLO);
        subject.end().await;
    }
}

/// Promise 7: a host that is not there yet plans; nobody even tries to reach it.
#[tokio::test]
async fn a_host_that_does_not_answer_plans() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        let host = subject.host();
        let config = host.config([("address", Value::from("192.0.2.1"))]).unwrap();
        let planned = plan(&host, &Stored::default(), &config).await;
        for name in ["connection", "machine_id", "host_key", "docker_version"] {
            assert_eq!(planned.planned.value.attribute(name), Some(&Value::Unknown), "{name}");
        }
        subject.end().await;
    }
}

#[tokio::test]
async fn a_destruction_plans_null() {
    for mode in MODES {
        let (subject, _, stored) = with_file(mode).await;
        let planned = plan(&subject.file(), &stored, &Value::Null).await;
        assert_eq!(planned.planned.value, Value::Null);
        assert!(subject.path("a").exists());
        subject.end().await;
    }
}

#[tokio::test]
async fn a_write_only_value_is_in_no_plan() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        let secret = [("content_wo", Value::from("hunter2")), ("content_wo_version", Value::from("7"))];
        let config = subject.file_config("a", secret);
        let planned = plan(&subject.file(), &Stored::default(), &config).await;
        assert_eq!(planned.planned.value.attribute("content_wo"), Some(&Value::Null));
        assert_eq!(text(&planned.planned.value, "content_hash"), "version:7");
        let all =
            format!("{:?} {}", planned.planned.value, String::from_utf8_lossy(&planned.planned.private));
        assert!(!all.contains("hunter2"), "{all}");
        subject.end().await;
    }
}

#[tokio::test]
async fn a_source_that_cannot_be_read_blames_the_attribute() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        let fifo = subject.path("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        for source in ["/no/such/file", "/etc", fifo.to_str().unwrap()] {
            let config = subject.file_config("a", [("source", Value::from(source))]);
            let planned = subject.file().plan(&Stored::default(), &config).await.unwrap();
            let problem = only_error(&planned.problems);
            assert_eq!(problem.path, "source");
            assert_says(problem, &[source]);
        }
        subject.end().await;
    }
}
