//! What nobody would notice until the day of a restore is found; what is healthy raises no alarm.

#![allow(clippy::unwrap_used, reason = "what fails in a test fails it")]

mod world;

use std::{fs, time::Duration};

use backup::{
    Candidate, Container, Database, Expected, Finding, Manifest, Moment, Retention, Server, SnapshotId,
    Stored, Wanted, inspect, judge, judge_copy,
};
use remote::conformance::Tools;
use world::World;

const HOUR: u64 = 3600;

/// A manifest that others are made of.
async fn template(world: &World) -> Manifest {
    fs::write(world.source().join("a"), "a").unwrap();
    let taken = world.taking(&Tools::here()).take().await.unwrap();
    Manifest { entries: Vec::new(), ..taken }
}

/// A name whose snapshots are taken and pruned, without a store.
struct Rounds {
    stored: Stored,
    template: Manifest,
    retention: Retention,
}

impl Rounds {
    fn take(&mut self, now: Moment) {
        let newest = self.stored.manifests.first().map(|one| one.snapshot.clone());
        let snapshot = SnapshotId::new(self.template.snapshot.name(), now, "round");
        let manifest = Manifest {
            snapshot,
            previous: newest,
            started_at: now,
            verified_at: Some(now),
            ..self.template.clone()
        };
        self.stored.manifests.insert(0, manifest);
        let candidates: Vec<Candidate> = self
            .stored
            .manifests
            .iter()
            .map(|one| Candidate { id: one.snapshot.clone(), verified: true, keep_until: None })
            .collect();
        let gone = self.retention.expired(&candidates, now);
        self.stored.manifests.retain(|one| !gone.contains(&one.snapshot));
    }
}

#[tokio::test]
async fn a_thousand_healthy_rounds_raise_no_alarm_and_what_is_wrong_does() {
    let world = World::new();
    let template = template(&world).await;
    let of = Wanted::Path(world.source().to_str().unwrap().to_owned());
    let retention = Retention { daily: 14, weekly: 4, monthly: 3, ..Retention::default() };
    let mut rounds = Rounds { stored: Stored::default(), template, retention };
    let limit = Duration::from_secs(26 * HOUR);
    let expected =
        Expected { max_age: Some(limit), retention: Some(retention), of: Some(&of), encrypted: false };
    let mut now = Moment::parse("2026-01-01T02:00:00Z").unwrap();
    for round in 0..1000_u64 {
        // Now and then by hand as well, and never at the same minute.
        now = now.after(Duration::from_secs(if round % 7 == 3 { HOUR } else { 24 * HOUR + round % 50 }));
        rounds.take(now);
        assert_eq!(judge(&rounds.stored, &expected, now.after(Duration::from_secs(HOUR))), [], "{round}");
    }
    let newest = rounds.stored.manifests[0].snapshot.clone();

    // The timer is off.
    let late = now.after(Duration::from_secs(30 * HOUR));
    let age = Duration::from_secs(30 * HOUR);
    assert_eq!(
        judge(&rounds.stored, &expected, late),
        [Finding::Stale { newest: newest.clone(), age, limit }]
    );
    // A clock is wrong.
    let early = Moment::from_unix(now.unix() - 3600).unwrap();
    assert_eq!(judge(&rounds.stored, &expected, early), [Finding::Future { newest: newest.clone() }]);
    // It is of another directory, and of another database.
    let other = Wanted::Path("/srv/other".into());
    let database = Wanted::Database(Database {
        server: Server::Container(Container::Named("db".into())),
        image: None,
        database: "shop".into(),
        user: "postgres".into(),
        password: None,
        globals: true,
    });
    for of in [&other, &database] {
        let found = judge(&rounds.stored, &Expected { of: Some(of), ..expected }, now);
        assert!(matches!(&found[..], [Finding::AnotherSource { .. }]), "{found:?}");
    }
    // It should be encrypted.
    let found = judge(&rounds.stored, &Expected { encrypted: true, ..expected }, now);
    assert_eq!(found, [Finding::InClear { newest: newest.clone() }]);
    // Somebody prunes with other numbers.
    let gone = rounds.stored.manifests.remove(1).snapshot;
    assert_eq!(judge(&rounds.stored, &expected, now), [Finding::Vanished { gone }]);
    // Nobody has read it back.
    rounds.stored.manifests.truncate(1);
    rounds.stored.manifests[0].previous = None;
    rounds.stored.manifests[0].verified_at = None;
    assert_eq!(judge(&rounds.stored, &expected, now), [Finding::Unverified { newest: newest.clone() }]);
    // A copy is missing, and all of it.
    let copy = judge_copy(&rounds.stored, &Stored::default());
    assert_eq!(copy, Some(Finding::NotCopied { newest }));
    assert_eq!(judge(&Stored::default(), &expected, now), [Finding::None]);
}

#[tokio::test]
async fn what_a_store_has_is_looked_at_and_what_is_broken_is_told() {
    let world = World::new();
    let first = template(&world).await;
    let second = world.taking(&Tools::here()).take().await.unwrap();
    assert_eq!((first.previous, second.previous.as_ref()), (None, Some(&first.snapshot)));
    let manifest = world.root().join("store").join(first.snapshot.to_string()).join(backup::MANIFEST);
    let mut bytes = fs::read(&manifest).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(&manifest, bytes).unwrap();
    let stored = inspect(&world.store(), &world.name).await.unwrap();
    assert_eq!((stored.manifests.len(), stored.broken.len()), (1, 1));
    let found = judge(&stored, &Expected::default(), Moment::now());
    assert!(
        matches!(&found[..], [Finding::Broken { said }] if said.contains("is not a snapshot")),
        "{found:?}"
    );
}
