//! `windlass_corpus_snapshots`: what snapshots a store has, and whether the newest one is too old.
//!
//! It reads manifests and nothing else, and contacts no host but for a repository of restic.

use std::sync::Arc;

use async_trait::async_trait;
use backup::{Manifest, Moment, ResticSnapshot, Source, Stored, inspect, store::StoreError};
use framework::{
    Attribute, Context, DataSource, Diagnostic, Diagnostics, Field, Model, Schema, Timeouts, error_chain,
};

use crate::{
    corpora::{duration, duration_attribute, name_attribute, open, repository, store_attribute},
    failure::{Failure, Stop, UNCHANGED},
    hosted::{Hosts, check_connection},
};

/// The type of the data source.
const TYPE: &str = "windlass_corpus_snapshots";

/// The data source `windlass_corpus_snapshots`.
pub(crate) struct SnapshotsDataSource {
    hosts: Arc<Hosts>,
}

impl SnapshotsDataSource {
    /// The data source, with the stores that the provider knows.
    pub(crate) fn new(hosts: Arc<Hosts>) -> Self {
        Self { hosts }
    }
}

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct SnapshotsFacts {
    store: Field<String>,
    name: Field<String>,
    max_age: Field<String>,
    host: Field<String>,
    taken_on: Field<String>,
    since: Field<String>,
    until: Field<String>,
    snapshots: Field<Vec<OneSnapshot>>,
    latest: Field<String>,
    stale: Field<bool>,
}

impl SnapshotsFacts {
    /// Whether it is about this one, by the machine and the time.
    fn asks_for(&self, found: &Found) -> bool {
        let on = self.taken_on.as_str().is_none_or(|host| found.one.host.as_str() == Some(host));
        let since = bound(&self.since).is_none_or(|since| found.taken_at.is_some_and(|at| at >= since));
        let until = bound(&self.until).is_none_or(|until| found.taken_at.is_some_and(|at| at <= until));
        on && since && until
    }

    /// Whether no moment is between the two that were given.
    fn ends_before_it_begins(&self) -> bool {
        bound(&self.since).zip(bound(&self.until)).is_some_and(|(since, until)| until < since)
    }
}

fn bound(field: &Field<String>) -> Option<Moment> {
    field.as_str().and_then(Moment::parse)
}

/// An optional attribute that holds a moment.
fn moment_attribute(name: &str) -> Attribute {
    Attribute::string(name).check(|text: &String| {
        Moment::parse(text)
            .map(drop)
            .ok_or_else(|| "is not a moment in RFC 3339, such as 2026-11-01T00:00:00Z".to_owned())
    })
}

/// A snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct OneSnapshot {
    id: Field<String>,
    created_at: Field<String>,
    host: Field<String>,
    path: Field<String>,
    volume: Field<String>,
    database: Field<String>,
    size_bytes: Field<u64>,
    stored_bytes: Field<u64>,
    file_count: Field<u64>,
    sha256: Field<String>,
    verified_at: Field<String>,
    keep_until: Field<String>,
}

impl OneSnapshot {
    fn of(manifest: &Manifest) -> Self {
        let (mut path, mut volume, mut database) = (Field::Null, Field::Null, Field::Null);
        match manifest.source.clone() {
            Source::Path { path: name, .. } => path = Field::Known(name),
            Source::Volume { volume: name, .. } => volume = Field::Known(name),
            Source::Postgres { database: name, .. } => database = Field::Known(name),
            Source::Adopted { .. } | Source::Exec { .. } => {}
        }
        let moment = |moment: Option<Moment>| Field::from(moment.map(|moment| moment.to_string()));
        Self {
            id: Field::Known(manifest.snapshot.to_string()),
            created_at: moment(Some(manifest.started_at)),
            host: Field::Known(manifest.host.name.clone()),
            path,
            volume,
            database,
            size_bytes: Field::Known(manifest.totals.size_bytes),
            stored_bytes: Field::Known(manifest.totals.stored_bytes),
            file_count: Field::Known(manifest.totals.files),
            sha256: Field::Known(manifest.sha256.clone()),
            verified_at: moment(manifest.verified_at),
            keep_until: moment(manifest.keep_until),
        }
    }
}

/// What the plan has to know of a snapshot, beside what is told of it.
struct Found {
    one: OneSnapshot,
    taken_at: Option<Moment>,
}

impl Found {
    fn of(manifest: &Manifest) -> Self {
        Self { one: OneSnapshot::of(manifest), taken_at: Some(manifest.started_at) }
    }

    fn of_restic(snapshot: &ResticSnapshot) -> Self {
        let moment = |moment: Option<Moment>| Field::from(moment.map(|moment| moment.to_string()));
        let [files, size, stored] = snapshot.totals().map_or([None; 3], |totals| totals.map(Some));
        let volume = snapshot.volume();
        let path = snapshot.paths.first().filter(|_| volume.is_none()).cloned();
        let one = OneSnapshot {
            id: Field::Known(snapshot.id.clone()),
            created_at: moment(snapshot.moment()),
            host: Field::Known(snapshot.hostname.clone()),
            path: Field::from(path),
            volume: Field::from(volume),
            database: Field::Null,
            size_bytes: Field::from(size),
            stored_bytes: Field::from(stored),
            file_count: Field::from(files),
            sha256: Field::Null,
            verified_at: Field::Null,
            keep_until: moment(snapshot.keep_until()),
        };
        Self { one, taken_at: snapshot.moment() }
    }
}

#[async_trait]
impl DataSource for SnapshotsDataSource {
    type Model = SnapshotsFacts;

    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn schema(&self) -> Schema {
        Schema::new(0)
            .describe(
                "The snapshots of a corpus in a store, newest first, and whether the newest is too old: that backups \
                 stopped is noticed by the next plan. A folder without a valid manifest is not a snapshot; one whose \
                 manifest was changed is a warning.",
            )
            .attribute(store_attribute("The store"))
            .attribute(name_attribute("Whose snapshots: the `name` of the windlass_corpus_backup that takes them."))
            .attribute(duration_attribute("max_age").describe(
                "How old the newest snapshot may be, such as `26h`. When it is older, or there is none, `stale` is true and \
                 the plan warns.",
            ))
            .attribute(Attribute::string("host").check(check_connection).describe(
                "Of a `restic:` store: the host whose restic is asked, as a connection. Default: the machine that runs tofu, \
                 which needs restic then, and has to see the repository by the same place. Its snapshots have no `sha256` \
                 and no `verified_at`, and `host` is what the host called itself; numbers of one that an old restic took are \
                 null.",
            ))
            .attribute(Attribute::string("taken_on").describe(
                "Only snapshots whose `host` is this, letter by letter: those of one machine, where several share a `name`.",
            ))
            .attribute(moment_attribute("since").describe(
                "Only snapshots that were begun then or later, in RFC 3339, such as `2026-11-01T00:00:00Z`.",
            ))
            .attribute(moment_attribute("until").describe(
                "Only snapshots that were begun then or before: with `latest`, the newest one from before a mishap.",
            ))
            .attribute(Attribute::list("snapshots", OneSnapshot::object_type()).computed().describe(
                "The snapshots, or those of them that are asked for, newest first: `id`, `created_at`, `host`, `path`, `volume` and `database` \
                 (where it was taken; all but one of these three are null, and all of a file that `windlass backup adopt` took in), `size_bytes` (in \
                 its files), `stored_bytes` (of its archive), `file_count`, `sha256` (of its archive), `verified_at` (when \
                 it was read back) and `keep_until` (null, or when the hold ends).",
            ))
            .attribute(Attribute::string("latest").computed().describe("The id of the newest one of them; null when there is none."))
            .attribute(Attribute::bool("stale").computed().describe("Whether it is older than `max_age`, or there is none; false without `max_age`."))
            .timeouts(Timeouts { read: Some(std::time::Duration::from_secs(600)), ..Timeouts::default() })
    }

    async fn read(&self, cx: &Context, config: SnapshotsFacts) -> Result<SnapshotsFacts, Diagnostics> {
        let subject = config.name.as_str().unwrap_or_default().to_owned();
        let title = format!("Could not list the snapshots of corpus {subject:?}");
        if config.ends_before_it_begins() {
            return Err(Diagnostic::error(title)
                .detail("`until` is before `since`, so that no snapshot can be from between them.")
                .detail(UNCHANGED)
                .detail("Swap the two, or leave one of them out.")
                .at("until")
                .into());
        }
        let found = found(&self.hosts, &config).await;
        let (found, broken) = found.map_err(|failure| failure.into_diagnostics(&title, UNCHANGED))?;
        for error in broken {
            let title = format!("A snapshot of corpus {subject:?} is broken");
            cx.warn(Diagnostic::warning(title).detail(format!("{}.", error_chain(&error))).at("store"));
        }
        let found: Vec<Found> = found.into_iter().filter(|found| config.asks_for(found)).collect();
        let newest = found.first();
        let age = newest.and_then(|found| Some(Moment::now().since(found.taken_at?)));
        let limit = duration(&config.max_age);
        let stale = limit.is_some_and(|limit| age.is_none_or(|age| age > limit));
        if stale {
            let happened = match newest {
                Some(found) => {
                    format!("The newest snapshot is {}.", found.one.id.as_str().unwrap_or_default())
                }
                None => "There is no snapshot.".to_owned(),
            };
            let title = format!("There is no recent snapshot of corpus {subject:?}");
            let limit = config.max_age.as_str().unwrap_or_default();
            let next = format!("`max_age` allows {limit}. Find out why none was taken.");
            cx.warn(Diagnostic::warning(title).detail(happened).detail(next).at("max_age"));
        }
        Ok(SnapshotsFacts {
            latest: newest.map_or(Field::Null, |found| found.one.id.clone()),
            snapshots: Field::Known(found.into_iter().map(|found| found.one).collect()),
            stale: Field::Known(stale),
            ..config
        })
    }
}

/// The snapshots, newest first, and what is none though it has a manifest.
async fn found(hosts: &Hosts, config: &SnapshotsFacts) -> Result<(Vec<Found>, Vec<StoreError>), Failure> {
    let name = crate::corpora::name(&config.name)?;
    let Some(repository) = repository(hosts, &config.store)? else {
        if !config.host.is_null() {
            let next = "Take it out: other stores are asked from here.";
            return Err(Stop::new("`host` is for a repository of restic, and the store is none.", next)
                .at("host")
                .into());
        }
        let Stored { manifests, broken } = inspect(open(hosts, &config.store)?.as_ref(), &name).await?;
        return Ok((manifests.iter().map(Found::of).collect(), broken));
    };
    let host = config.host.as_str().unwrap_or("local://").to_owned();
    let Some(host) = hosts.reach(&Field::Known(host)).await? else {
        let next = "Make what the provider's settings depend on first (`-target`).";
        return Err(Stop::new("How to reach the host is not known before apply.", next).at("host").into());
    };
    let found = repository.snapshots_of(host.executor.as_ref(), &name, &Default::default()).await?;
    Ok((found.iter().map(Found::of_restic).collect(), Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_ends_before_it_begins_is_no_empty_list() {
        let asked = |since: &str, until: &str| {
            let (since, until) = (since.to_owned().into(), until.to_owned().into());
            SnapshotsFacts { since, until, ..SnapshotsFacts::default() }.ends_before_it_begins()
        };
        assert!(asked("2026-11-02T00:00:00Z", "2026-11-01T00:00:00Z"));
        assert!(!asked("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"));
        // In other zones the later text may be the earlier moment.
        assert!(!asked("2026-11-01T10:00:00+02:00", "2026-11-01T09:00:00Z"));
        assert!(!SnapshotsFacts::default().ends_before_it_begins());
    }
}
