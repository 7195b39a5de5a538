//! Whether the snapshots of a name are what they should be: what nobody would notice until the day of a restore.
//!
//! [`inspect`] gathers what a store has; what that means is decided by pure functions.

use std::{fmt, time::Duration};

use crate::{
    corpus::CLOCK_SKEW,
    error::chain,
    manifest::{Manifest, Source},
    moment::Moment,
    name::{Name, SnapshotId},
    retention::{Candidate, Retention},
    store::{Store, StoreError, manifest_of, snapshots_of},
    wanted::{Container, Server, Wanted},
};

/// What a store has of a name.
#[derive(Debug, Default)]
pub struct Stored {
    /// The manifests, newest first, without what is in the snapshots, which may be a lot.
    pub manifests: Vec<Manifest>,
    /// What has a manifest and is no snapshot.
    pub broken: Vec<StoreError>,
}

/// What `store` has of `name`.
///
/// # Errors
/// When the store cannot be asked.
pub async fn inspect(store: &dyn Store, name: &Name) -> Result<Stored, StoreError> {
    let mut stored = Stored::default();
    for id in snapshots_of(store, name).await? {
        match manifest_of(store, &id).await {
            Ok(manifest) => stored.manifests.push(Manifest { entries: Vec::new(), ..manifest }),
            Err(error @ StoreError::NoManifest { .. }) => stored.broken.push(error),
            Err(error) => return Err(error),
        }
    }
    Ok(stored)
}

/// What is expected of the snapshots of a name. What is not set is not looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected<'a> {
    /// How old the newest may be.
    pub max_age: Option<Duration>,
    /// What the prunes of this name keep.
    pub retention: Option<Retention>,
    /// What they are taken of.
    pub of: Option<&'a Wanted>,
    /// Whether they are encrypted.
    pub encrypted: bool,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// There is none.
    None,
    /// The newest one is too old.
    Stale {
        /// It.
        newest: SnapshotId,
        /// How old it is.
        age: Duration,
        /// How old it may be.
        limit: Duration,
    },
    /// The newest one is of a time that has not come.
    Future {
        /// It.
        newest: SnapshotId,
    },
    /// Something that has a manifest is no snapshot.
    Broken {
        /// Why not.
        said: String,
    },
    /// The one before the newest is gone, though the retention keeps it.
    Vanished {
        /// It.
        gone: SnapshotId,
    },
    /// The newest one is of something else than what is to be backed up.
    AnotherSource {
        /// It.
        newest: SnapshotId,
        /// What it is of.
        is: String,
        /// What it should be of.
        should: String,
    },
    /// Nobody has read it back from this store.
    Unverified {
        /// It.
        newest: SnapshotId,
    },
    /// Everybody can read the newest one, and nobody else than some should.
    InClear {
        /// It.
        newest: SnapshotId,
    },
    /// A store of copies does not have the newest one.
    NotCopied {
        /// It.
        newest: SnapshotId,
    },
}

impl Finding {
    /// A word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Stale { .. } => "stale",
            Self::Future { .. } => "future",
            Self::Broken { .. } => "broken",
            Self::Vanished { .. } => "vanished",
            Self::AnotherSource { .. } => "another_source",
            Self::Unverified { .. } => "unverified",
            Self::InClear { .. } => "in_clear",
            Self::NotCopied { .. } => "not_copied",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("there is no snapshot"),
            Self::Stale { newest, age, limit } => {
                write!(
                    f,
                    "the newest snapshot, {newest}, is {} old, and may be {}",
                    roughly(*age),
                    roughly(*limit)
                )
            }
            Self::Future { newest } => write!(
                f,
                "the newest snapshot, {newest}, is of a time that has not come: a clock is, or was, wrong"
            ),
            Self::Broken { said } => f.write_str(said),
            Self::Vanished { gone } => write!(
                f,
                "{gone}, the snapshot before the newest, is gone, and the retention keeps it: somebody removed it, or \
                 prunes with other numbers"
            ),
            Self::AnotherSource { newest, is, should } => {
                write!(f, "the newest snapshot, {newest}, is of {is}, and should be of {should}")
            }
            Self::Unverified { newest } => {
                write!(f, "the newest snapshot, {newest}, was never read back from this store")
            }
            Self::InClear { newest } => {
                write!(f, "the newest snapshot, {newest}, is not encrypted, although recipients are named")
            }
            Self::NotCopied { newest } => write!(f, "the newest snapshot, {newest}, is not in this store"),
        }
    }
}

/// A time as people tell it, in one unit.
pub fn roughly(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds if seconds < 2 * 3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// What is wrong with what a store has.
pub fn judge(stored: &Stored, expected: &Expected<'_>, now: Moment) -> Vec<Finding> {
    let broken = stored.broken.iter().map(|error| Finding::Broken { said: chain(error) });
    let mut findings: Vec<Finding> = broken.collect();
    let Some(manifest) = stored.manifests.first() else {
        findings.push(Finding::None);
        return findings;
    };
    let newest = || manifest.snapshot.clone();
    let age = now.since(manifest.started_at);
    if manifest.started_at > now.after(CLOCK_SKEW) {
        findings.push(Finding::Future { newest: newest() });
    }
    if let Some(limit) = expected.max_age.filter(|limit| age > *limit) {
        findings.push(Finding::Stale { newest: newest(), age, limit });
    }
    if manifest.verified_at.is_none() {
        findings.push(Finding::Unverified { newest: newest() });
    }
    if expected.encrypted && manifest.encryption.is_none() {
        findings.push(Finding::InClear { newest: newest() });
    }
    if let Some(of) = expected.of.filter(|of| !is_of(&manifest.source, of)) {
        let (is, should) = (said_of(&manifest.source), of.subject().to_string());
        findings.push(Finding::AnotherSource { newest: newest(), is, should });
    }
    findings.extend(expected.retention.and_then(|retention| vanished(stored, retention, now)));
    findings
}

/// Whether the newest snapshot of `stored` is missing in a store of copies.
pub fn judge_copy(stored: &Stored, copy: &Stored) -> Option<Finding> {
    let newest = stored.manifests.first()?;
    let has = |manifest: &Manifest| manifest.snapshot == newest.snapshot;
    (!copy.manifests.iter().any(has)).then(|| Finding::NotCopied { newest: newest.snapshot.clone() })
}

/// The snapshot that was the newest when the last one was taken, if it is gone and the retention keeps it. What was
/// taken before that may have gone by the numbers that were right then.
fn vanished(stored: &Stored, retention: Retention, now: Moment) -> Option<Finding> {
    let previous = stored.manifests.first()?.previous.as_ref()?;
    if stored.manifests.iter().any(|manifest| manifest.snapshot == *previous) {
        return None;
    }
    let mut candidates: Vec<Candidate> = stored.manifests.iter().map(Candidate::of).collect();
    candidates.push(Candidate { id: previous.clone(), verified: false, keep_until: None });
    let goes = retention.expired(&candidates, now).contains(previous);
    (!goes).then(|| Finding::Vanished { gone: previous.clone() })
}

/// Whether a snapshot of `source` is one of what is wanted. Containers of a service have names of their own.
fn is_of(source: &Source, wanted: &Wanted) -> bool {
    match (source, wanted) {
        (Source::Path { path, .. }, Wanted::Path(wanted)) => path == wanted,
        (Source::Volume { volume, .. }, Wanted::Volume(wanted)) => volume == wanted,
        (Source::Postgres { container, database, .. }, Wanted::Database(wanted)) => {
            *database == wanted.database && is_at(container.as_deref(), &wanted.server)
        }
        (Source::Exec { container, command }, Wanted::Stream(wanted)) => {
            is_in(container, &wanted.container) && *command == wanted.command
        }
        // Somebody has brought it here.
        (Source::Adopted { .. }, _) => true,
        _ => false,
    }
}

fn is_at(container: Option<&str>, wanted: &Server) -> bool {
    match (container, wanted) {
        (Some(container), Server::Container(wanted)) => is_in(container, wanted),
        // Where a URI leads is in no snapshot.
        (None, Server::Uri(_)) => true,
        _ => false,
    }
}

fn is_in(container: &str, wanted: &Container) -> bool {
    match wanted {
        Container::Named(name) => name == container,
        Container::Service { .. } => true,
    }
}

fn said_of(source: &Source) -> String {
    match source {
        Source::Path { path, .. } => path.clone(),
        Source::Volume { volume, .. } => format!("volume {volume:?}"),
        Source::Postgres { container: Some(container), database, .. } => {
            format!("database {database:?} in container {container:?}")
        }
        Source::Postgres { container: None, database, .. } => {
            format!("database {database:?} of a server that a URI leads to")
        }
        Source::Exec { container, command } => {
            format!("what {:?} in container {container:?} writes", command.join(" "))
        }
        Source::Adopted { artefact, .. } => format!("the file {artefact:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{manifest::DatabaseFacts, wanted::Database};

    #[test]
    fn a_server_that_a_uri_leads_to_is_not_one_in_a_container() {
        let source = |container: Option<&str>| Source::Postgres {
            container: container.map(str::to_owned),
            database: "shop".into(),
            globals: true,
            facts: DatabaseFacts {
                encoding: "UTF8".into(),
                collate: "C".into(),
                ctype: "C".into(),
                owner: "app".into(),
            },
        };
        let wanted = |server| {
            let (database, user) = ("shop".into(), "postgres".into());
            Wanted::Database(Database { server, image: None, database, user, password: None, globals: true })
        };
        let (by_uri, named) = (Server::Uri(None), Server::Container(Container::Named("db".into())));
        assert!(
            is_of(&source(None), &wanted(by_uri.clone()))
                && is_of(&source(Some("db")), &wanted(named.clone()))
        );
        assert!(!is_of(&source(Some("db")), &wanted(by_uri)) && !is_of(&source(None), &wanted(named)));
        assert_eq!(said_of(&source(None)), "database \"shop\" of a server that a URI leads to");
        assert_eq!(said_of(&source(Some("db"))), "database \"shop\" in container \"db\"");
    }
}
