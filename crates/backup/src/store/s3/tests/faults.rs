//! What goes wrong on the way leaves nothing that looks like a snapshot.

use std::time::Duration;

use super::*;
use crate::store::{
    manifest_of,
    s3_server::{Answer, Asked},
    snapshots_of,
};

/// What Amazon is known to say with status 200.
const ERROR: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>InternalError</Code>\
                     <Message>We encountered an internal error.</Message></Error>";

fn is_manifest(asked: &Asked) -> bool {
    asked.path.ends_with(crate::MANIFEST)
}

#[tokio::test]
async fn a_connection_that_is_cut_at_any_tenth_leaves_no_snapshot() {
    let (server, (_place, source)) = (S3Server::start(), large());
    let store = store(&server);
    let began = server.taken();
    take(&store, &source).await.unwrap();
    let all = server.taken() - began;
    let whole = server.keys();
    for tenth in 0..10 {
        server.cut_after(all * tenth / 10);
        let error = take(&store, &source).await.unwrap_err();
        assert!(matches!(error, Error::Store(_)), "{tenth}: {error:?}");
        server.mend();
        let name = "prod".parse().unwrap();
        assert_eq!(snapshots_of(&store, &name).await.unwrap().len(), 1, "{tenth}");
        assert_eq!(server.keys(), whole, "{tenth}");
    }
    // What was there is whole, and the next one is taken.
    let (found, _) = latest(&store, &"prod".parse().unwrap()).await.unwrap();
    verify(&store, &found).await.unwrap();
    take(&store, &source).await.unwrap();
}

#[tokio::test]
async fn a_part_that_did_not_arrive_is_sent_again() {
    let (server, (_place, source)) = (S3Server::start(), large());
    let store = store(&server);
    let mut failures = vec![Answer::Lost, Answer::Instead(503, String::new()), Answer::Lost];
    server.answer(move |asked| {
        let is_part = asked.query.contains("partNumber=2");
        if is_part { failures.pop().unwrap_or(Answer::Its) } else { Answer::Its }
    });
    let taken = take(&store, &source).await.unwrap();
    let sent = server.asked().into_iter().filter(|asked| asked.query.contains("partNumber=2")).count();
    assert_eq!(sent, 4);
    verify(&store, &taken).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_is_lost_is_no_failure() {
    let (server, (_place, source)) = (S3Server::start(), large());
    let store = store(&server);
    let mut lost = 0;
    server.answer(move |asked| {
        let is_last = asked.method == "PUT" && is_manifest(asked);
        lost += u32::from(is_last);
        if is_last && lost == 1 { Answer::Lost } else { Answer::Its }
    });
    let taken = take(&store, &source).await.unwrap();
    assert_eq!(manifest_of(&store, &taken.snapshot).await.unwrap(), taken);
}

#[tokio::test]
async fn an_error_that_says_ok_is_an_error() {
    let (server, (_place, source)) = (S3Server::start(), large());
    let store = store(&server);
    let faults: [fn(&Asked) -> bool; 5] = [
        |asked| asked.query.contains("list-type=2"),
        |asked| asked.query.contains("partNumber=3"),
        |asked| asked.method == "POST" && asked.query.contains("uploadId="),
        |asked| asked.method == "PUT" && is_manifest(asked),
        |asked| asked.method == "GET" && asked.path.ends_with(".tar"),
    ];
    for (number, is_hit) in faults.into_iter().enumerate() {
        server.answer(
            move |asked| {
                if is_hit(asked) { Answer::Instead(200, ERROR.to_owned()) } else { Answer::Its }
            },
        );
        take(&store, &source).await.unwrap_err();
        server.answer(|_| Answer::Its);
        assert_eq!(store.folders().await.unwrap(), [], "{number}");
        assert_eq!((server.keys().len(), server.pending_parts()), (0, 0), "{number}");
    }
    // Neither is it a manifest.
    let taken = take(&store, &source).await.unwrap();
    server.answer(
        |asked| {
            if is_manifest(asked) { Answer::Instead(200, ERROR.to_owned()) } else { Answer::Its }
        },
    );
    manifest_of(&store, &taken.snapshot).await.unwrap_err();
}

#[tokio::test]
async fn a_manifest_that_was_taken_and_not_kept_makes_no_snapshot() {
    let (server, (_place, source)) = (S3Server::start(), large());
    let store = store(&server);
    // With a tag, as a server answers that has stored it.
    server.answer(
        |asked| {
            if asked.method == "PUT" && is_manifest(asked) { Answer::Forgotten } else { Answer::Its }
        },
    );
    take(&store, &source).await.unwrap_err();
    server.answer(|_| Answer::Its);
    assert_eq!(store.folders().await.unwrap(), []);
}

#[tokio::test]
async fn what_an_upload_left_that_was_cut_off_goes_once_nothing_came_for_a_day() {
    let (server, (_place, source)) = (S3Server::start(), large());
    let store = store(&server);
    // One that died in the middle: it ends nothing.
    server.answer(|asked| {
        if asked.query.contains("partNumber=2") || asked.method == "DELETE" {
            Answer::Instead(400, String::new())
        } else {
            Answer::Its
        }
    });
    take(&store, &source).await.unwrap_err();
    server.answer(|_| Answer::Its);
    let left = store.folders().await.unwrap();
    let [folder] = &left[..] else { panic!("{left:?}") };
    assert_eq!((folder.is_sealed, server.pending_parts()), (false, 1));
    assert_eq!(snapshots_of(&store, &"prod".parse().unwrap()).await.unwrap(), []);

    // It may be under way still, however long ago it began.
    take(&store, &source).await.unwrap();
    assert_eq!(server.pending_parts(), 1);
    server.age_parts(Duration::from_secs(25 * 3600));
    take(&store, &source).await.unwrap();
    assert_eq!(server.pending_parts(), 0);
    assert!(store.folders().await.unwrap().iter().all(|folder| folder.is_sealed));
}
