//! A bucket whose objects are locked.

use std::time::Duration;

use super::*;
use crate::{
    Pruned, Retention, expired, prune,
    store::{Held, Lock, LockMode},
};

const DAY: u64 = 86_400;

fn locking(server: &S3Server) -> S3Store {
    let lock = Some(Lock { mode: LockMode::Compliance, days: 30 });
    let settings = S3Settings { lock, ..server.settings() };
    S3Store { part: 5 << 20, ..S3Store::new(BUCKET, "prod", &settings).unwrap() }
}

#[tokio::test]
async fn it_is_a_store_whose_bucket_has_versions() {
    let server = S3Server::start_with_lock(None);
    for part in [upload::PART, 5 << 20] {
        let store = S3Store::new(BUCKET, "some/prefix", &server.settings()).unwrap();
        conformance::check(&S3Store { part, ..store }).await;
    }
    assert_eq!(server.versions(), 0, "what was removed is gone, and not hidden");
}

#[tokio::test]
async fn what_the_store_or_the_bucket_locks_stays_and_hinders_nothing_else() {
    for default in [None, Some(("COMPLIANCE", 30))] {
        let (server, (_place, source)) = (S3Server::start_with_lock(default), large());
        let store = if default.is_some() { store(&server) } else { locking(&server) };
        let (first, second) = (take(&store, &source).await.unwrap(), take(&store, &source).await.unwrap());
        let locked = server.locked();
        assert_eq!(locked.len(), 4, "two archives in parts, and their manifests: {locked:?}");
        let (in_29, in_31) = [29, 31].map(|days| Moment::now().after(Duration::from_secs(days * DAY))).into();
        assert!(
            locked.values().all(|(mode, until)| mode == "COMPLIANCE" && in_29 < *until && *until < in_31)
        );

        // It would go, and is told to stay: by who only looks, and by who removes.
        let (name, one) = ("prod".parse().unwrap(), Retention { last: 1, ..Retention::default() });
        let told = expired(&store, &name, one, Moment::now()).await.unwrap();
        assert_eq!(told, prune(&store, &name, one, Moment::now()).await.unwrap());
        let [(id, Held::Until(until))] = &told.held[..] else { panic!("{told:?}") };
        assert!(told.gone.is_empty() && *id == first.snapshot && in_29 < *until);
        assert_eq!(told.held_lines(), [format!("{id}: its objects are locked until {until}")]);
        let error = store.remove(id).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{id} in s3://bucket/prod cannot be removed: its objects are locked until {until}")
        );
        for manifest in [&first, &second] {
            verify(&store, manifest).await.unwrap();
        }

        // Once the lock is over, nothing of it is left, also no version of it.
        server.end_locks();
        let pruned = prune(&store, &name, one, Moment::now()).await.unwrap();
        assert_eq!(pruned, Pruned { gone: vec![first.snapshot.clone()], held: Vec::new() });
        assert!(
            server.versions() == 2
                && server.keys().iter().all(|key| key.contains(&second.snapshot.to_string()))
        );
    }
}

#[tokio::test]
async fn a_lock_that_nobody_may_see_is_told_when_it_refuses() {
    let (server, (_place, source)) = (S3Server::start_with_lock(Some(("GOVERNANCE", 1))), large());
    let store = store(&server);
    let taken = take(&store, &source).await.unwrap();
    server.answer(|asked| match asked.method.as_str() {
        "HEAD" => crate::store::s3_server::Answer::Instead(404, String::new()),
        _ => crate::store::s3_server::Answer::Its,
    });
    let error = store.remove(&taken.snapshot).await.unwrap_err();
    let StoreError::Held { held: Held::Refused(said), .. } = &error else { panic!("{error:?}") };
    assert!(said.starts_with("the server says AccessDenied: ") && said.ends_with("object lock"), "{said}");
}
