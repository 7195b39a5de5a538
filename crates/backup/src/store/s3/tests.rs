//! A bucket of a real server that speaks S3.

mod faults;
mod locks;
mod through;

use std::fs;

use remote::Local;
use secret::Secret;
use tokio_util::sync::CancellationToken;

use super::{S3Settings, S3Store, upload};
use crate::{
    Compress, Corpus, Error, Format, Host, Links, Manifest, Moment, Overwrite, Restoring, Store as _, Taking,
    latest, replicate,
    store::{
        StoreError, conformance,
        s3_server::{Answer, BUCKET, S3Server},
    },
    verify,
};

/// The store below `prod` in the bucket of `server`, with the smallest parts.
fn store(server: &S3Server) -> S3Store {
    S3Store { part: 5 << 20, ..S3Store::new(BUCKET, "prod", &server.settings()).unwrap() }
}

#[test]
fn buckets_of_one_name_are_two_places_where_their_servers_are_two() {
    let at = |endpoint: Option<&str>| {
        let settings = S3Settings {
            endpoint: endpoint.map(str::to_owned),
            region: "eu".into(),
            access_key_id: "id".into(),
            secret_access_key: "key".into(),
            session_token: None,
            key_from: "the test".into(),
            patience: std::time::Duration::ZERO,
            via: None,
            lock: None,
        };
        S3Store::new(BUCKET, "prod", &settings).unwrap().location()
    };
    let [one, other] = ["https://a.example.org", "https://b.example.org"].map(Some).map(at);
    assert!(one != other && one != at(None), "{one}");
    assert_eq!(one, at(Some("https://a.example.org/")));
}

/// How a server refuses what somebody has no right to.
const DENIED: &str = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";

#[tokio::test(flavor = "multi_thread")]
async fn credentials_that_cannot_remove_anything_are_enough_to_take_a_snapshot() {
    let server = S3Server::start();
    let (bucket, place) = (store(&server), tempfile::tempdir().unwrap());
    fs::write(place.path().join("a"), "a").unwrap();
    assert_eq!(bucket.can_remove().await.unwrap(), Some(true));
    server.answer(|asked| {
        if asked.method == "DELETE" { Answer::Instead(403, DENIED.to_owned()) } else { Answer::Its }
    });
    assert_eq!(bucket.can_remove().await.unwrap(), Some(false));
    let manifest = take(&bucket, place.path().to_str().unwrap()).await.unwrap();
    assert!(bucket.remove(&manifest.snapshot).await.is_err());
    assert!(latest(&bucket, &"prod".parse().unwrap()).await.is_ok());
    assert!(server.keys().iter().all(|key| !key.ends_with(super::NOTHING)));
}

/// The size of the file in [`large`].
const SIZE: u64 = 11_000_000;

/// Bytes that do not get smaller.
fn noise(count: u64) -> Vec<u8> {
    (0..count).map(|number| (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}

/// A directory with one file, whose archive goes to a bucket in three parts.
fn large() -> (tempfile::TempDir, String) {
    let place = tempfile::tempdir().unwrap();
    let source = place.path().canonicalize().unwrap().join("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("large"), noise(SIZE)).unwrap();
    let path = source.to_str().unwrap().to_owned();
    (place, path)
}

async fn take(store: &S3Store, path: &str) -> Result<Manifest, Error> {
    let taking = Taking {
        exec: &Local::new(),
        host: Host { name: "local://".into(), machine_id: "1".into() },
        name: &"prod".parse().unwrap(),
        corpus: &Corpus::Path(path.to_owned()),
        exclude: &[],
        store,
        compress: Compress::default(),
        format: Format::Tar,
        links: Links::Inside,
        quiesce: None,
        encrypt_to: &[],
        keep_until: None,
        verify: true,
        proof: None,
        cancel: CancellationToken::new(),
    };
    taking.take(Moment::now()).await
}

#[tokio::test]
async fn it_is_a_store() {
    let server = S3Server::start();
    for prefix in ["", "some/prefix"] {
        // In one request, and in parts.
        for part in [upload::PART, 5 << 20] {
            let store = S3Store::new(BUCKET, prefix, &server.settings()).unwrap();
            conformance::check(&S3Store { part, ..store }).await;
        }
    }
}

#[tokio::test]
async fn a_snapshot_goes_there_in_parts_and_comes_back() {
    let (server, (place, source)) = (S3Server::start(), large());
    let store = store(&server);
    let taken = take(&store, &source).await.unwrap();
    let parts = server.asked().into_iter().filter(|asked| asked.query.contains("partNumber=")).count();
    assert_eq!((taken.totals.stored_bytes > 10 << 20, parts, server.pending_parts()), (true, 3, 0));
    let (found, broken) = latest(&store, &"prod".parse().unwrap()).await.unwrap();
    assert_eq!((&found, broken.len()), (&taken, 0));
    let target = place.path().canonicalize().unwrap().join("target");
    let restoring = Restoring {
        exec: &Local::new(),
        store: &store,
        manifest: &found,
        corpus: &Corpus::Path(target.to_str().unwrap().to_owned()),
        overwrite: Overwrite::Never,
        links: Links::Inside,
        owner: None,
        sections: None,
        transform: &[],
        quiesce: None,
        key: None,
        cancel: CancellationToken::new(),
    };
    restoring.restore().await.unwrap();
    assert!(fs::read(target.join("large")).unwrap() == noise(SIZE));

    // Another bit is seen, and so is a part that is missing.
    let part = server.objects().join("prod").join(taken.snapshot.to_string()).join("snapshot.tar");
    let mut bytes = fs::read(&part).unwrap();
    bytes[6_000_000] ^= 1;
    fs::write(&part, &bytes).unwrap();
    verify(&store, &found).await.unwrap_err();
    fs::remove_file(&part).unwrap();
    verify(&store, &found).await.unwrap_err();
}

#[tokio::test]
async fn a_wrong_key_and_a_missing_bucket_are_told_and_no_empty_store() {
    let (server, id) = (S3Server::start(), conformance::id("prod", 0));
    let wrong = S3Settings { secret_access_key: Secret::new("another"), ..server.settings() };
    let unknown = S3Settings { access_key_id: "nobody".into(), ..server.settings() };
    for settings in [wrong, unknown] {
        let store = S3Store::new(BUCKET, "prod", &settings).unwrap();
        let error = store.folders().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "s3://bucket/prod did not let us list the snapshots, with the key from the test"
        );
        let StoreError::Denied { source, .. } = &error else { panic!("{error:?}") };
        assert!(source.to_string().starts_with("the server says "), "{source}");
        assert!(!format!("{error:?}").contains("another"));
        let put = store.put(&id, "archive", Box::new(&b"x"[..])).await.unwrap_err();
        assert!(matches!(put, StoreError::Denied { .. }), "{put:?}");
    }
    let store = S3Store::new("missing", "", &server.settings()).unwrap();
    for error in [store.folders().await.unwrap_err(), store.get(&id, crate::MANIFEST).await.err().unwrap()] {
        assert!(matches!(error, StoreError::NoBucket { .. }), "{error:?}");
        assert_eq!(error.to_string(), "there is no bucket \"missing\" for s3://missing");
    }
    assert!(server.keys().is_empty());
}

#[tokio::test]
async fn a_copy_is_made_from_store_to_store_and_proven_by_itself() {
    let (server, (_place, source)) = (S3Server::start(), large());
    let (store, dir) = (store(&server), tempfile::tempdir().unwrap());
    let copies = crate::store::FileStore::new(dir.path());
    let taken = take(&store, &source).await.unwrap();
    let copied = replicate(&store, &copies, &taken).await.unwrap();
    assert_eq!(
        Manifest { verified_at: taken.verified_at, seal: taken.seal.clone(), ..copied.clone() },
        taken
    );
    assert_eq!(crate::store::manifest_of(&copies, &taken.snapshot).await.unwrap(), copied);
    verify(&copies, &copied).await.unwrap();

    // It is there already, and is looked at again.
    let again = replicate(&store, &copies, &taken).await.unwrap();
    assert_eq!(Manifest { verified_at: copied.verified_at, ..again }, copied);
    let part = dir.path().join(taken.snapshot.to_string()).join("snapshot.tar");
    let mut bytes = fs::read(&part).unwrap();
    bytes[6_000_000] ^= 1;
    fs::write(&part, &bytes).unwrap();
    replicate(&store, &copies, &taken).await.unwrap_err();

    // What is not whole in the first store makes no copy.
    copies.remove(&taken.snapshot).await.unwrap();
    fs::write(server.objects().join("prod").join(taken.snapshot.to_string()).join("snapshot.tar"), bytes)
        .unwrap();
    let error = replicate(&store, &copies, &taken).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    assert_eq!(copies.folders().await.unwrap(), []);
}
