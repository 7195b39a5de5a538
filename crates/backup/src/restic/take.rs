//! Taking snapshots, looking after them, and letting them go.

use std::{collections::BTreeMap, sync::OnceLock};

use remote::{
    Executor,
    files::{Files, Kind as FileKind},
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{answers::ResticSnapshot, commands, run::Restic};
use crate::{
    corpus::Corpus,
    error::Error,
    moment::Moment,
    name::{Name, SnapshotId},
    quiesce::{Quiesce, quiesced},
    repository::Repository,
    restic_error::ResticError,
    retention::{Candidate, Retention},
    subject::Subject,
    volume::Way,
};

/// How much of the data of a repository a check reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// How it hangs together, and a twentieth of its data, another one each time.
    Some,
    /// All of it.
    All,
}

impl Check {
    fn word(self) -> &'static str {
        match self {
            Self::Some => "--read-data-subset=5%",
            Self::All => "--read-data",
        }
    }
}

/// What a snapshot in a repository is to be taken of.
pub struct TakingWithRestic<'a> {
    /// The host, whose restic takes it.
    pub exec: &'a dyn Executor,
    /// Whose snapshot it is.
    pub name: &'a Name,
    /// What it is taken of: a directory, or a volume that root finds in one.
    pub corpus: &'a Corpus,
    /// Patterns of what is left out.
    pub exclude: &'a [String],
    /// Where it goes.
    pub repository: &'a Repository,
    /// Whether the repository is made, where there is none. One that was there before may be on a disk that is not
    /// mounted now.
    pub makes: bool,
    /// What holds still while it is copied.
    pub quiesce: Option<&'a Quiesce>,
    /// Nobody removes it before that.
    pub keep_until: Option<Moment>,
    /// How much is read back before it counts.
    pub check: Check,
    /// Stops it.
    pub cancel: CancellationToken,
}

/// A snapshot that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenByRestic {
    /// Its id, of 64 hexadecimal digits.
    pub id: String,
    /// When it was begun.
    pub started_at: Moment,
    /// Its files.
    pub files: u64,
    /// The bytes in them.
    pub size_bytes: u64,
    /// The bytes that were new to the repository, as they are stored.
    pub stored_bytes: u64,
    /// When the repository was checked.
    pub verified_at: Moment,
}

impl TakingWithRestic<'_> {
    /// Takes the snapshot. When that fails, the repository has none of it.
    ///
    /// # Errors
    /// Those of the host, and [`Error::Restic`].
    pub async fn take(&self) -> Result<TakenByRestic, Error> {
        let path = self.path().await?;
        let restic = self.restic();
        restic.open(self.makes).await?;
        let (started_at, stored) = (Moment::now(), OnceLock::new());
        let taking = async {
            let mut tags = vec![commands::tag(self.name)];
            tags.extend(self.keep_until.map(commands::keep_tag));
            if let Corpus::Volume(volume) = self.corpus {
                tags.push(commands::volume_tag(&volume.name));
            }
            let taken = restic.backup(commands::backup(&path, &tags, self.exclude), &path).await;
            if let Ok(summary) = &taken {
                let _ = stored.set(summary.snapshot_id.clone());
            }
            taken
        };
        let taking = async {
            let Some(quiesce) = self.quiesce else { return Ok(taking.await) };
            match timeout(quiesce.timeout, taking).await {
                Ok(taken) => Ok(taken),
                // What comes later is no part of this moment.
                Err(_) => Err(quiesce.expired()),
            }
        };
        let taken = quiesced(self.quiesce, self.corpus, &self.cancel, taking).await;
        let summary = match taken {
            Ok(Ok(summary)) => summary,
            Ok(Err((error, id))) => return Err(self.undone(id, error).await),
            // It was taken, and those that were to hold still did not.
            Err(error) => return Err(self.undone(stored.get().cloned(), error).await),
        };
        let id = summary.snapshot_id.clone();
        if summary.total_files_processed == 0 {
            let error = Error::Empty { subject: self.corpus.subject(), host: self.exec.name().to_owned() };
            return Err(self.undone(Some(id), error).await);
        }
        if let Err(error) = restic.done(commands::check(self.check.word()), "check the repository").await {
            return Err(self.undone(Some(id), error).await);
        }
        Ok(TakenByRestic {
            id,
            started_at,
            files: summary.total_files_processed,
            size_bytes: summary.total_bytes_processed,
            stored_bytes: summary.data_added_packed,
            verified_at: Moment::now(),
        })
    }

    /// Takes a snapshot that does not count out of the repository, and gives back why.
    async fn undone(&self, id: Option<String>, error: Error) -> Error {
        let Some(id) = id else { return error };
        let cancel = CancellationToken::new();
        let restic = Restic { exec: self.exec, repository: self.repository, cancel: &cancel };
        let forgotten = restic.done(commands::forget(std::slice::from_ref(&id), false), "take it back").await;
        if let Err(error) = forgotten {
            tracing::warn!(snapshot = id, %error, "could not take a snapshot back that does not count");
        }
        error
    }

    /// The directory that it is taken of.
    async fn path(&self) -> Result<String, Error> {
        let host = self.exec.name().to_owned();
        match self.corpus {
            Corpus::Path(path) => {
                let files = Files::on(self.exec).privileged(true).cancelled_by(&self.cancel);
                match files.kinds(&[path]).await?.get(path) {
                    None => Err(Error::SourceMissing { subject: Subject::Path(path.clone()), host }),
                    Some(FileKind::Directory) => Ok(path.clone()),
                    Some(kind) => {
                        Err(Error::NotDirectory { path: path.clone(), host, kind: kind.to_string() })
                    }
                }
            }
            Corpus::Volume(volume) => match volume.way(self.exec).await? {
                Way::Directory(path) => Ok(path),
                Way::Container(helper) => {
                    helper.remove().await;
                    Err(not_files(self.corpus, host))
                }
            },
            Corpus::Postgres(_) | Corpus::Exec(_) => Err(not_files(self.corpus, host)),
        }
    }

    fn restic(&self) -> Restic<'_> {
        Restic { exec: self.exec, repository: self.repository, cancel: &self.cancel }
    }
}

/// The error that a corpus is not made of files that restic could read.
pub(super) fn not_files(corpus: &Corpus, host: String) -> Error {
    ResticError::NotFiles { subject: corpus.subject().to_string(), host }.into()
}

impl Repository {
    /// The snapshots of `name`, newest first, as restic on a host sees them.
    ///
    /// # Errors
    /// Those of the host, and [`Error::Restic`].
    pub async fn snapshots_of(
        &self,
        exec: &dyn Executor,
        name: &Name,
        cancel: &CancellationToken,
    ) -> Result<Vec<ResticSnapshot>, Error> {
        let restic = Restic { exec, repository: self, cancel };
        restic.check_version().await?;
        restic.snapshots(Some(&commands::tag(name)), &[]).await
    }

    /// Checks the repository.
    ///
    /// # Errors
    /// As [`Repository::snapshots_of`], and when it is damaged.
    pub async fn check(
        &self,
        exec: &dyn Executor,
        check: Check,
        cancel: &CancellationToken,
    ) -> Result<(), Error> {
        let restic = Restic { exec, repository: self, cancel };
        restic.check_version().await?;
        restic.done(commands::check(check.word()), "check the repository").await.map(drop)
    }

    /// What `retention` does not keep of `name`, oldest first; with `is_planned`, once there is one more. No other name's
    /// is looked at.
    ///
    /// # Errors
    /// As [`Repository::snapshots_of`].
    pub async fn expired(
        &self,
        exec: &dyn Executor,
        name: &Name,
        (retention, is_planned): (Retention, bool),
        (now, cancel): (Moment, &CancellationToken),
    ) -> Result<Vec<String>, Error> {
        if retention.is_unlimited() {
            return Ok(Vec::new());
        }
        let snapshots = self.snapshots_of(exec, name, cancel).await?;
        Ok(expired(name, &snapshots, (retention, is_planned), now))
    }

    /// Lets go of that, with what only that had, and says which snapshots these were.
    ///
    /// # Errors
    /// As [`Repository::snapshots_of`].
    pub async fn prune(
        &self,
        exec: &dyn Executor,
        name: &Name,
        retention: Retention,
        (now, cancel): (Moment, &CancellationToken),
    ) -> Result<Vec<String>, Error> {
        let gone = self.expired(exec, name, (retention, false), (now, cancel)).await?;
        self.forget(exec, &gone, cancel).await?;
        Ok(gone)
    }

    /// Lets go of all snapshots of `name` but for those that are held, and says which these are.
    ///
    /// # Errors
    /// As [`Repository::snapshots_of`].
    pub async fn forget_all(
        &self,
        exec: &dyn Executor,
        name: &Name,
        (now, cancel): (Moment, &CancellationToken),
    ) -> Result<Vec<String>, Error> {
        let snapshots = self.snapshots_of(exec, name, cancel).await?;
        let (held, free): (Vec<_>, Vec<_>) =
            snapshots.into_iter().partition(|one| one.keep_until() > Some(now));
        let ids =
            |snapshots: Vec<ResticSnapshot>| snapshots.into_iter().map(|one| one.id).collect::<Vec<_>>();
        self.forget(exec, &ids(free), cancel).await?;
        Ok(ids(held))
    }

    async fn forget(
        &self,
        exec: &dyn Executor,
        ids: &[String],
        cancel: &CancellationToken,
    ) -> Result<(), Error> {
        let restic = Restic { exec, repository: self, cancel };
        for ids in ids.chunks(commands::AT_ONCE) {
            restic.done(commands::forget(ids, true), "let old snapshots go").await?;
        }
        Ok(())
    }
}

/// The ids of what `retention` does not keep, oldest first. Each was checked when it was taken: one that was not is
/// taken back.
fn expired(
    name: &Name,
    snapshots: &[ResticSnapshot],
    (retention, is_planned): (Retention, bool),
    now: Moment,
) -> Vec<String> {
    let by_id: BTreeMap<SnapshotId, &ResticSnapshot> = snapshots
        .iter()
        .filter_map(|one| Some((SnapshotId::new(name, one.moment()?, &one.id), one)))
        .collect();
    let candidate = |(id, one): (&SnapshotId, &&ResticSnapshot)| Candidate {
        id: id.clone(),
        verified: true,
        keep_until: one.keep_until(),
    };
    let mut candidates: Vec<Candidate> = by_id.iter().map(candidate).collect();
    let next = SnapshotId::new(name, now, "planned");
    candidates.extend(is_planned.then_some(Candidate { id: next, verified: true, keep_until: None }));
    let gone = retention.expired(&candidates, now);
    gone.iter().filter_map(|id| Some(by_id.get(id)?.id.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::answers::snapshots;
    use super::*;

    #[test]
    fn the_newest_and_what_is_held_stay() {
        let answer = r#"[
            {"time":"2026-11-26T09:00:00Z","id":"1a","tags":["windlass:prod","windlass-keep-until:20261230T000000Z"]},
            {"time":"2026-11-27T09:00:00Z","id":"2b","tags":["windlass:prod","windlass-keep-until:20261128T000000Z"]},
            {"time":"2026-11-28T09:00:00Z","id":"3c","tags":["windlass:prod"]},
            {"time":"2026-11-28T09:00:00Z","id":"4d","tags":["windlass:prod"]},
            {"time":"2026-11-29T09:00:00Z","id":"5e","tags":["windlass:prod"]}
        ]"#;
        let (name, now) = ("prod".parse().unwrap(), Moment::parse("2026-11-30T00:00:00Z").unwrap());
        let all = snapshots(answer).unwrap();
        let one = Retention { last: 1, ..Retention::default() };
        let mut gone = expired(&name, &all, (one, false), now);
        gone.sort();
        assert_eq!(gone, ["2b", "3c", "4d"]);
        assert_eq!(
            expired(&name, &all, (one, true), now).len(),
            4,
            "the newest goes once there is another one"
        );
        let daily = Retention { daily: 10, ..Retention::default() };
        assert_eq!(expired(&name, &all, (daily, false), now).len(), 1, "two of one day");
        assert_eq!(expired(&name, &all, (Retention::default(), true), now), Vec::<String>::new());
    }
}
