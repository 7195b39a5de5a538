//! ApplyResourceChange.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use protocol_tests::{Planned, Stored, failed};
use tfvalue::Value;

use crate::subject::{MODES, Subject, assert_says, only_error, plan, refused, text, with};

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn a_file_is_created_updated_and_deleted() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        let file = subject.file();
        let config = subject.file_config("d/a b'\"$x", [("content", Value::from("hello\n"))]);
        let path = subject.path("d/a b'\"$x");
        let created = subject.make(&file, &Stored::default(), &config).await;
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode_of(&path)), ("hello\n", 0o644));
        assert!(created.value.is_wholly_known(), "{created:?}");

        let config = with(&with(&config, "content", "bye\n"), "mode", "0600");
        let updated = subject.make(&file, &created, &config).await;
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode_of(&path)), ("bye\n", 0o600));
        assert_ne!(text(&updated.value, "content_hash"), text(&created.value, "content_hash"));

        let deleted = subject.make(&file, &updated, &Value::Null).await;
        assert_eq!(deleted.value, Value::Null);
        assert!(!path.exists());
        // Gone already is fine.
        assert_eq!(subject.make(&file, &updated, &Value::Null).await.value, Value::Null);
        subject.end().await;
    }
}

/// The core replaces by two calls: a destruction, and a create with a null prior state.
#[tokio::test]
async fn a_replaced_file_is_in_its_new_place_only() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        let file = subject.file();
        let config = subject.file_config("old", [("content", Value::from("x"))]);
        let old = subject.make(&file, &Stored::default(), &config).await;
        subject.make(&file, &old, &Value::Null).await;
        let config = subject.file_config("new", [("content", Value::from("x"))]);
        subject.make(&file, &Stored::default(), &config).await;
        assert!(subject.path("new").exists() && !subject.path("old").exists());
        subject.end().await;
    }
}

/// The first plan does not know what the second one, inside apply, does: the core demands that
/// both agree in what was known.
#[tokio::test]
async fn what_was_unknown_is_applied_after_a_second_plan() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        let file = subject.file();
        let config = subject.file_config("a", [("content", Value::from("late"))]);
        let first = plan(&file, &Stored::default(), &with(&config, "content", Value::Unknown)).await;
        let second = plan(&file, &Stored::default(), &config).await;
        for (name, value) in first.planned.value.as_map().unwrap() {
            if value.is_wholly_known() {
                assert_eq!(second.planned.value.attribute(name), Some(value), "{name}");
            }
        }
        assert_eq!(file.apply(&second).await.unwrap().problems, []);
        assert_eq!(fs::read_to_string(subject.path("a")).unwrap(), "late");
        subject.end().await;
    }
}

#[tokio::test]
async fn a_write_only_content_is_written_and_stored_nowhere_else() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        let file = subject.file();
        let secret = [("content_wo", Value::from("hunter2")), ("content_wo_version", Value::from("7"))];
        let config = with(&subject.file_config("a", secret), "mode", "0600");
        let stored = subject.make(&file, &Stored::default(), &config).await;
        assert_eq!(fs::read_to_string(subject.path("a")).unwrap(), "hunter2");
        assert_eq!(stored.value.attribute("content_wo"), Some(&Value::Null));
        let all = format!("{:?} {}", stored.value, String::from_utf8_lossy(&stored.private));
        assert!(!all.contains("hunter2"), "{all}");
        assert_eq!(plan(&file, &stored, &config).await.planned.value, stored.value);
        subject.make(&file, &stored, &Value::Null).await;
        subject.end().await;
    }
}

#[tokio::test]
async fn a_create_that_fails_leaves_null() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        let file = subject.file();
        fs::create_dir(subject.path("taken")).unwrap();
        let config = subject.file_config("taken", [("content", Value::from("x"))]);
        let planned = file.plan(&Stored::default(), &config).await.unwrap();
        // What is in the way may be gone by then: the plan tells of it and goes on.
        let [warning] = &planned.problems[..] else { panic!("{:?}", planned.problems) };
        assert_says(warning, &["Could not create file ", "as things are", "a directory in its place"]);
        let reached = file.apply(&planned).await.unwrap();
        assert!(refused(&reached).summary.starts_with("Could not create file "), "{reached:?}");
        assert!(subject.path("taken").is_dir());
        subject.end().await;
    }
}

/// What went wrong is told, and what there is stays recorded.
#[tokio::test]
async fn an_update_that_fails_leaves_the_prior_state() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        let file = subject.file();
        let config = subject.file_config("a", [("content", Value::from("good"))]);
        let stored = subject.make(&file, &Stored::default(), &config).await;
        let bad = with(&with(&config, "content", "bad"), "owner", "no-such-user-here");
        let planned = plan(&file, &stored, &bad).await;
        let reached = file.apply(&planned).await.unwrap();
        assert_says(only_error(&reached.problems), &["Could not update file ", "no-such-user-here"]);
        assert_eq!(reached.stored.value, stored.value);
        assert_eq!(fs::read_to_string(subject.path("a")).unwrap(), "good");
        // The next run goes on from there.
        assert_eq!(file.read(&reached.stored).await.unwrap().stored.value, stored.value);
        subject.end().await;
    }
}

/// The file is written, but what comes after it fails: what was reached is in the state.
#[tokio::test]
async fn a_create_that_fails_halfway_leaves_what_it_made() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        let file = subject.file();
        // The proof of a write-only content has to go below ~/.windlass/files, which is in the way here.
        fs::create_dir(subject.path(".windlass")).unwrap();
        fs::write(subject.path(".windlass/files"), "in the way").unwrap();
        let secret = [("content_wo", Value::from("hunter2")), ("content_wo_version", Value::from("1"))];
        let planned = plan(&file, &Stored::default(), &subject.file_config("a", secret)).await;
        let reached = file.apply(&planned).await.unwrap();
        assert!(failed(&reached.problems));
        let value = &reached.stored.value;
        assert!(value.is_wholly_known());
        assert_eq!(text(value, "path"), subject.path("a").to_str().unwrap());
        // A later destroy finds it and takes it away.
        fs::remove_file(subject.path(".windlass/files")).unwrap();
        subject.make(&file, &reached.stored, &Value::Null).await;
        assert!(!subject.path("a").exists());
        subject.end().await;
    }
}

#[tokio::test]
async fn a_closed_port_is_told_when_the_time_is_over() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        let host = subject.host();
        let config = host
            .config([
                ("address", Value::from("127.0.0.1")),
                ("port", Value::from(closed_port())),
                ("timeouts", timeouts(&host, "create", "1s")),
            ])
            .unwrap();
        let planned = plan(&host, &Stored::default(), &config).await;
        let reached = host.apply(&planned).await.unwrap();
        assert!(failed(&reached.problems));
        assert_eq!(reached.stored.value, Value::Null);
        assert_says(&reached.problems[0], &["Could not create host \"127.0.0.1\""]);
        subject.end().await;
    }
}

/// A port of this machine that nobody listens on.
pub fn closed_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A `timeouts` block with one limit.
pub fn timeouts(resource: &protocol_tests::Resource, name: &str, limit: &str) -> Value {
    let nested = resource.block.block_types.iter().find(|nested| nested.type_name == "timeouts").unwrap();
    let block = nested.block.as_ref().unwrap();
    protocol_tests::values::config(block, [(name, Value::from(limit))]).unwrap()
}

/// The provider checks nothing that the core has checked, but a plan that is none of its own is
/// no reason to fall over.
#[tokio::test]
async fn a_plan_with_strange_private_bytes_is_a_diagnostic() {
    for mode in MODES {
        let subject = Subject::configured(mode).await;
        let file = subject.file();
        let config = subject.file_config("a", [("content", Value::from("x"))]);
        let planned = plan(&file, &Stored::default(), &config).await;
        let private = b"{\"v\":99".to_vec();
        let strange = Planned { planned: Stored { private, ..planned.planned.clone() }, ..planned };
        let reached = file.apply(&strange).await.unwrap();
        assert!(failed(&reached.problems), "{reached:?}");
        assert!(!subject.path("a").exists());
        subject.end().await;
    }
}
