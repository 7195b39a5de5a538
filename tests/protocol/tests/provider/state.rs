//! UpgradeResourceState, ImportResourceState and MoveResourceState.

use protocol_tests::{Mode, Problem, Stored};
use tfplugin5::pb::{RawState, move_resource_state};
use tfvalue::Value;

use crate::subject::{MODES, Subject, assert_says, only_error, plan, refused, text};

async fn with_file(mode: Mode) -> (Subject, Stored) {
    let subject = Subject::configured(mode).await;
    let config = subject.file_config("a", [("content", Value::from("x"))]);
    let stored = subject.make(&subject.file(), &Stored::default(), &config).await;
    (subject, stored)
}

/// A state as it is in a state file: JSON.
fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::String(text) => text.as_str().into(),
        Value::Bool(truth) => (*truth).into(),
        Value::Map(object) => object.iter().map(|(name, value)| (name.clone(), json(value))).collect(),
        other => panic!("{other:?} is not in these states"),
    }
}

#[tokio::test]
async fn a_state_of_the_same_version_comes_back_as_it_was() {
    for mode in MODES {
        let (subject, stored) = with_file(mode).await;
        let upgraded = subject.file().upgrade(0, json(&stored.value).to_string()).await.unwrap();
        assert_eq!((upgraded.stored.value, upgraded.problems), (stored.value, Vec::new()));
        subject.end().await;
    }
}

#[tokio::test]
async fn new_attributes_are_null_and_old_ones_are_dropped() {
    for mode in MODES {
        let (subject, stored) = with_file(mode).await;
        let mut old = json(&stored.value);
        let object = old.as_object_mut().unwrap();
        object.remove("on_destroy");
        object.remove("timeouts");
        object.insert("colour".to_owned(), serde_json::json!({ "red": [1, 2.5, null] }));
        let upgraded = subject.file().upgrade(0, old.to_string()).await.unwrap();
        assert_eq!(upgraded.problems, []);
        let value = upgraded.stored.value;
        assert_eq!(value.attribute("on_destroy"), Some(&Value::Null));
        assert_eq!(value.attribute("colour"), None);
        assert_eq!(text(&value, "content_hash"), text(&stored.value, "content_hash"));
        subject.end().await;
    }
}

#[tokio::test]
async fn a_write_only_value_in_an_old_state_does_not_stay_there() {
    let (subject, stored) = with_file(MODES[0]).await;
    let mut old = json(&stored.value);
    old["content_wo"] = "hunter2".into();
    let upgraded = subject.file().upgrade(0, old.to_string()).await.unwrap();
    assert_eq!(upgraded.stored.value.attribute("content_wo"), Some(&Value::Null));
    subject.end().await;
}

#[tokio::test]
async fn what_is_no_state_is_refused_and_says_what_to_do() {
    for mode in MODES {
        let subject = Subject::start(mode).await;
        let deep = "[".repeat(100_000);
        let garbage =
            ["", "{", "[]", "7", "{\"path\":{}}", "{\"mode\":[\"0644\"]}", "\u{0}\u{1}", deep.as_str()];
        for text in garbage {
            let upgraded = subject.file().upgrade(0, text).await.unwrap();
            let problem = refused(&upgraded);
            assert_says(problem, &["Could not upgrade the state of windlass_file", "was not changed"]);
        }
        subject.end().await;
    }
}

#[tokio::test]
async fn an_import_and_the_read_after_it_make_a_state() {
    for mode in MODES {
        let (subject, stored) = with_file(mode).await;
        let file = subject.file();
        let id = format!("local://|{}", subject.path("a").display());
        let imported = file.import(&id).await.unwrap();
        assert_eq!(imported.problems, []);
        let read = file.read(&imported.stored).await.unwrap().stored;
        for name in ["path", "content_hash", "mode", "owner", "group"] {
            assert_eq!(read.value.attribute(name), stored.value.attribute(name), "{name}");
        }
        let config = subject.file_config("a", [("content", Value::from("x"))]);
        assert_eq!(plan(&file, &read, &config).await.replace, [""; 0]);
        subject.end().await;
    }
}

#[tokio::test]
async fn a_host_is_imported_by_its_connection() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        let imported = subject.host().import("ssh://deploy@192.0.2.1:2222?sudo=1").await.unwrap();
        assert_eq!(imported.problems, []);
        let value = imported.stored.value;
        assert_eq!((text(&value, "address"), text(&value, "user")), ("192.0.2.1", "deploy"));
        assert_eq!(value.attribute("port"), Some(&Value::from(2222)));
        assert_eq!(text(&value, "sudo"), "true");
        subject.end().await;
    }
}

#[tokio::test]
async fn wrong_ids_show_the_form_of_a_right_one() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        for id in ["", "/etc/motd", "local://|", "http://web|/etc/motd", "|/etc/motd", "ssh://|/x"] {
            let imported = subject.file().import(id).await.unwrap();
            assert_says(
                refused(&imported),
                &["Could not import windlass_file", "<connection>|<absolute path>"],
            );
        }
        for id in ["", "web", "local://"] {
            let imported = subject.host().import(id).await.unwrap();
            assert_says(refused(&imported), &["Could not import windlass_host"]);
        }
        subject.end().await;
    }
}

#[tokio::test]
async fn a_move_is_refused_with_both_names_and_the_way_out() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        let request = move_resource_state::Request {
            source_provider_address: "registry.terraform.io/hashicorp/null".to_owned(),
            source_type_name: "null_resource".to_owned(),
            source_state: Some(RawState { json: b"{}".to_vec(), ..Default::default() }),
            target_type_name: "windlass_file".to_owned(),
            ..Default::default()
        };
        let answer = subject.client().move_resource_state(request).await.unwrap().into_inner();
        let problems = Problem::all(answer.diagnostics);
        assert_says(only_error(&problems), &["null_resource", "windlass_file", "import"]);
        assert_eq!(answer.target_state, None);
        subject.end().await;
    }
}
