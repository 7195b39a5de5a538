//! Releases of a server that is as strict as GitHub.

use super::{
    fake::{Fake, REPOSITORY, TOKEN},
    *,
};
use crate::store::conformance;

fn store_with(fake: &Fake, token: &str) -> GitHubStore {
    let settings = GitHubSettings {
        endpoint: Some(format!("http://{}/", fake.address)),
        token: Secret::new(token),
        token_from: "the test".to_owned(),
        patience: Duration::from_secs(5),
    };
    GitHubStore { piece: 4_000_000, ..GitHubStore::new(REPOSITORY, &settings).unwrap() }
}

fn content(bytes: impl Into<Vec<u8>>) -> Content {
    Box::new(std::io::Cursor::new(bytes.into()))
}

async fn read(store: &GitHubStore, id: &SnapshotId, name: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    store.get(id, name).await.unwrap()?.read_to_end(&mut bytes).await.unwrap();
    Some(bytes)
}

#[tokio::test]
async fn it_is_a_store() {
    let fake = Fake::start().await;
    fake.state().limit = 4_000_001;
    conformance::check(&store_with(&fake, TOKEN)).await;
    assert!(fake.releases().is_empty() && fake.tags().is_empty(), "{:?} {:?}", fake.releases(), fake.tags());
}

#[tokio::test]
async fn what_is_too_large_goes_in_pieces_and_is_nothing_without_the_last_one() {
    let fake = Fake::start().await;
    let store = GitHubStore { piece: 4, ..store_with(&fake, TOKEN) };
    fake.state().limit = 5;
    let (id, name) = (conformance::id("prod", 1000), "archive");
    store.put(&id, name, content("aaaabbbbcc")).await.unwrap();
    store.put(&id, "exact", content("dddd")).await.unwrap();
    assert_eq!(
        fake.releases(),
        [format!("[{id}]: archive.piece000 archive.piece001 archive.piece002.last exact")]
    );
    assert_eq!(read(&store, &id, name).await.unwrap(), b"aaaabbbbcc");
    assert_eq!(read(&store, &id, "exact").await.unwrap(), b"dddd");
    // A source that fails in the second piece leaves the first one, which is no file.
    store.put(&id, "half", Box::new(conformance::Broken::after(b"eeeeff"))).await.unwrap_err();
    assert_eq!(read(&store, &id, "half").await, None);
    // Pieces that the server does not take are told.
    let store = GitHubStore { piece: 5, ..store };
    let error = store.put(&id, "more", content("ggggg")).await.unwrap_err();
    assert!(crate::error::chain(&error).contains("something went wrong"), "{error:?}");
}

#[tokio::test]
async fn what_a_failed_upload_leaves_is_taken_away_and_it_is_tried_again() {
    let fake = Fake::start().await;
    let (store, id) = (store_with(&fake, TOKEN), conformance::id("prod", 1000));
    fake.state().gateway_errors = 2;
    store.put(&id, "archive", content("whole")).await.unwrap();
    assert_eq!(fake.releases(), [format!("[{id}]: archive")]);
    assert_eq!(read(&store, &id, "archive").await.unwrap(), b"whole");
    // Not for ever; and what is left is no file.
    fake.state().gateway_errors = 10;
    store.put(&id, "other", content("whole")).await.unwrap_err();
    assert_eq!(fake.releases(), [format!("[{id}]: archive")]);
    fake.state().gateway_errors = 0;
    // The manifest, too; until it is there, nobody sees the release.
    fake.state().gateway_errors = 1;
    store.seal(&id, b"{}").await.unwrap();
    assert_eq!(
        (fake.releases(), fake.tags()),
        (vec![format!("{id}: archive {MANIFEST}")], vec![id.to_string()])
    );
}

#[tokio::test]
async fn a_release_that_was_made_without_an_answer_is_found() {
    let fake = Fake::start().await;
    let (store, id) = (store_with(&fake, TOKEN), conformance::id("prod", 1000));
    fake.state().lost_creations = 1;
    store.put(&id, "archive", content("whole")).await.unwrap();
    assert_eq!(fake.releases(), [format!("[{id}]: archive")]);
}

#[tokio::test]
async fn who_asks_too_often_waits() {
    let fake = Fake::start().await;
    let (store, id) = (store_with(&fake, TOKEN), conformance::id("prod", 1000));
    fake.state().limited = 2;
    store.put(&id, "archive", content("whole")).await.unwrap();
    assert_eq!(fake.state().asked[..3], vec![format!("GET /repos/{REPOSITORY}/releases"); 3]);
    // Longer than there is patience for.
    fake.state().limited = 100;
    let error = store.folders().await.unwrap_err();
    assert!(crate::error::chain(&error).contains("wants no more requests for 1 s"), "{error:?}");
}

#[tokio::test]
async fn who_is_not_let_in_is_told_where_the_token_is_from() {
    let fake = Fake::start().await;
    let error = store_with(&fake, "another").folders().await.unwrap_err();
    assert_eq!(
        crate::error::chain(&error),
        "github://acme/backups did not let us list the releases, with the key from the test: the server says 401 \
         Unauthorized: Bad credentials"
    );
}

#[tokio::test]
async fn a_store_has_more_than_a_page() {
    let fake = Fake::start().await;
    let store = store_with(&fake, TOKEN);
    for number in 0..101 {
        let id = conformance::id("prod", 1000 + number);
        store.api.create(&id.to_string()).await.unwrap();
    }
    assert_eq!(store.folders().await.unwrap().len(), 101);
}
