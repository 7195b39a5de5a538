//! ReadResource: drift is found, and what is gone is null.

use std::{fs, os::unix::fs::PermissionsExt as _};

use protocol_tests::{Mode, Stored, failed};
use tfvalue::Value;

use crate::{
    apply::closed_port,
    subject::{MODES, Subject, assert_says, only_error, plan, text, with},
};

async fn with_file(mode: Mode) -> (Subject, Stored) {
    let subject = Subject::configured(mode).await;
    let config = subject.file_config("a", [("content", Value::from("x"))]);
    let stored = subject.make(&subject.file(), &Stored::default(), &config).await;
    (subject, stored)
}

#[tokio::test]
async fn what_nobody_touched_reads_as_it_was() {
    for mode in MODES {
        let (subject, stored) = with_file(mode).await;
        let read = subject.file().read(&stored).await.unwrap();
        assert_eq!((read.stored.value, read.problems), (stored.value, Vec::new()));
        subject.end().await;
    }
}

#[tokio::test]
async fn a_change_by_hand_is_seen_and_repaired() {
    for mode in MODES {
        let (subject, stored) = with_file(mode).await;
        let file = subject.file();
        fs::write(subject.path("a"), "by hand").unwrap();
        fs::set_permissions(subject.path("a"), fs::Permissions::from_mode(0o600)).unwrap();
        let read = file.read(&stored).await.unwrap().stored;
        assert_ne!(text(&read.value, "content_hash"), text(&stored.value, "content_hash"));
        assert_eq!(text(&read.value, "mode"), "0600");
        let config = subject.file_config("a", [("content", Value::from("x"))]);
        let planned = plan(&file, &read, &config).await;
        assert_ne!(planned.planned.value, read.value);
        let repaired = file.apply(&planned).await.unwrap();
        assert_eq!(repaired.stored.value, stored.value);
        assert_eq!(fs::read_to_string(subject.path("a")).unwrap(), "x");
        subject.end().await;
    }
}

#[tokio::test]
async fn what_is_gone_is_null() {
    for mode in MODES {
        let (subject, stored) = with_file(mode).await;
        fs::remove_file(subject.path("a")).unwrap();
        let read = subject.file().read(&stored).await.unwrap();
        assert_eq!((read.stored.value, read.problems), (Value::Null, Vec::new()));
        subject.end().await;
    }
}

#[tokio::test]
async fn something_else_in_its_place_is_an_error_and_no_loss() {
    let (subject, stored) = with_file(MODES[0]).await;
    fs::remove_file(subject.path("a")).unwrap();
    fs::create_dir(subject.path("a")).unwrap();
    let read = subject.file().read(&stored).await.unwrap();
    assert_says(only_error(&read.problems), &["directory"]);
    subject.end().await;
}

#[tokio::test]
async fn settings_that_are_unknown_keep_the_last_known_state_with_a_warning() {
    for mode in MODES {
        let (subject, stored) = with_file(mode).await;
        subject.configure_with([("ssh", Value::Unknown)]).await;
        fs::remove_file(subject.path("a")).unwrap();
        let read = subject.file().read(&stored).await.unwrap();
        assert_eq!(read.stored.value, stored.value);
        assert!(read.problems.len() == 1 && !failed(&read.problems), "{:?}", read.problems);
        subject.end().await;
    }
}

/// Nobody answers at the connection: an error, the last known state, or none, as asked for.
#[tokio::test]
async fn an_unreachable_host_is_what_on_unreachable_says() {
    for mode in MODES {
        let (subject, stored) = with_file(mode).await;
        let connection = format!("ssh://root@127.0.0.1:{}", closed_port());
        let stored = Stored { value: with(&stored.value, "host", connection), ..stored };
        for (word, kept, errors) in [("error", true, true), ("keep", true, false), ("forget", false, false)] {
            subject.configure_with([("on_unreachable", Value::from(word))]).await;
            let read = subject.file().read(&stored).await.unwrap();
            assert_eq!(failed(&read.problems), errors, "{word}: {:?}", read.problems);
            assert_eq!(read.problems.len(), 1, "{word}: {:?}", read.problems);
            assert_says(&read.problems[0], &["127.0.0.1"]);
            if !errors {
                assert_eq!(read.stored.value == stored.value, kept, "{word}");
                assert_eq!(read.stored.value.is_null(), !kept, "{word}");
            }
        }
        subject.end().await;
    }
}
