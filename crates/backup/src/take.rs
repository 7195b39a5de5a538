//! Taking a snapshot of a directory on a host.
//!
//! `tar` runs there and writes to its stdout. What comes is read twice at once as it passes: one thread
//! goes through the archive and hashes every file, another one packs it for the store. So nothing is
//! written down on the way, and what is in memory does not grow with the corpus. Only when `tar` has
//! ended well, when the archive had its end, when the store has all of it and gave it back unharmed,
//! the manifest is written.

use std::{collections::BTreeMap, time::Duration};

use remote::{
    Executor,
    collect::{Limits, Streamed, last_lines, stream},
    files::{Files, Kind as FileKind, random_name},
};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::{
    archive::{self, ArchiveError},
    error::Error,
    host_tar::{HostTar, create_command},
    manifest::{Entry, FORMAT_VERSION, Format, Host, Kind, Manifest, Part, Source, Totals},
    moment::Moment,
    name::{Name, SnapshotId},
    pack::{Packed, pack},
    pipe::{Tee, pipe},
    store::{Store, snapshots_of},
    verify::verify,
    vet::Links,
};

/// How far clocks may be apart.
const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// How old an upload without a manifest is for sure one that was cut off.
const DEBRIS_AGE: Duration = Duration::from_secs(24 * 3600);

/// How GNU tar ends when files changed while it read them.
const CHANGED: u32 = 1;

/// How many lines of tar's words an error has.
const SAID_LINES: usize = 10;

/// What a snapshot is to be taken of, and where it goes.
#[derive(Debug)]
pub struct Taking<'a> {
    /// The host.
    pub exec: &'a dyn Executor,
    /// What the manifest says of the host.
    pub host: Host,
    /// Whose snapshot it is.
    pub name: &'a Name,
    /// The directory there, and what is left out.
    pub source: Source,
    /// Where it goes.
    pub store: &'a dyn Store,
    /// How it is packed.
    pub format: Format,
    /// Which links it may have.
    pub links: Links,
    /// Nobody removes it before that.
    pub keep_until: Option<Moment>,
    /// Whether it is read back from the store before it counts.
    pub verify: bool,
    /// Stops it.
    pub cancel: CancellationToken,
}

impl Taking<'_> {
    /// Takes the snapshot. When that fails, there is none, and nothing of it is left in the store.
    ///
    /// # Errors
    /// All of [`Error`].
    pub async fn take(&self, now: Moment) -> Result<Manifest, Error> {
        let id = self.next_id(now).await?;
        self.clear_debris(now).await;
        let taken = self.take_as(&id).await;
        if taken.is_err()
            && let Err(error) = self.store.remove(&id).await
        {
            tracing::warn!(snapshot = %id, %error, "could not remove what is left of an upload");
        }
        taken
    }

    /// An id behind all that are there, so that the newest one is the one that was taken last, whatever
    /// clocks say.
    async fn next_id(&self, now: Moment) -> Result<SnapshotId, Error> {
        let newest = snapshots_of(self.store, self.name).await?.into_iter().next();
        let mut moment = now;
        if let Some(newest) = newest {
            if newest.moment() > now.after(CLOCK_SKEW) {
                return Err(Error::Clock { newest: newest.to_string(), now });
            }
            moment = moment.max(newest.moment().after(Duration::from_secs(1)));
        }
        Ok(SnapshotId::new(self.name, moment, &random_name()?))
    }

    /// Removes what uploads of this name left that were cut off. That it cannot be is no reason not to
    /// take a snapshot.
    async fn clear_debris(&self, now: Moment) {
        let Ok(folders) = self.store.folders().await else { return };
        let is_debris = |id: &SnapshotId| id.name() == self.name && now.since(id.moment()) > DEBRIS_AGE;
        for (id, _) in folders.into_iter().filter(|(id, sealed)| !*sealed && is_debris(id)) {
            match self.store.remove(&id).await {
                Ok(()) => tracing::info!(snapshot = %id, "removed what was left of an upload"),
                Err(error) => {
                    tracing::warn!(snapshot = %id, %error, "could not remove what is left of an upload")
                }
            }
        }
    }

    async fn take_as(&self, id: &SnapshotId) -> Result<Manifest, Error> {
        self.check_source().await?;
        let tar = HostTar::of(self.exec).await?;
        if !self.source.exclude.is_empty() && !tar.can_exclude {
            return Err(Error::CannotExclude { version: tar.version, host: self.exec.name().to_owned() });
        }
        let file = format!("snapshot.{}", self.format.word());
        let (entries, packed) = self.copy(id, &file, &tar).await?;
        let parts = vec![Part { file, size: packed.size, sha256: packed.sha256.clone() }];
        let totals = Totals::of(&entries, &parts);
        if totals.files + totals.symlinks == 0 {
            return Err(Error::Empty { path: self.source.path.clone(), host: self.exec.name().to_owned() });
        }
        let mut manifest = Manifest {
            format_version: FORMAT_VERSION,
            snapshot: id.clone(),
            kind: Kind::Path,
            source: self.source.clone(),
            host: self.host.clone(),
            started_at: id.moment(),
            finished_at: Moment::now(),
            verified_at: None,
            keep_until: self.keep_until,
            tools: BTreeMap::from([
                ("windlass".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
                ("tar".to_owned(), tar.version),
            ]),
            format: self.format,
            sha256: packed.sha256,
            parts,
            totals,
            entries,
            seal: String::new(),
        };
        if self.verify {
            verify(self.store, &manifest).await?;
            manifest.verified_at = Some(Moment::now());
        }
        let document = manifest.to_json()?;
        self.store.seal(id, &document).await?;
        Ok(Manifest::from_json(&document)?)
    }

    async fn check_source(&self) -> Result<(), Error> {
        let (path, host) = (&self.source.path, self.exec.name().to_owned());
        let files = Files::on(self.exec).privileged(true).cancelled_by(&self.cancel);
        match files.kinds(&[path]).await?.get(path) {
            None => Err(Error::SourceMissing { path: path.clone(), host }),
            Some(FileKind::Directory) => Ok(()),
            Some(kind) => Err(Error::NotDirectory { path: path.clone(), host, kind: kind.to_string() }),
        }
    }

    /// Copies the corpus to the store.
    async fn copy(&self, id: &SnapshotId, file: &str, tar: &HostTar) -> Result<(Vec<Entry>, Packed), Error> {
        let (mut tee, [listed, packed]) = Tee::new();
        let (out, stored) = pipe();
        let (links, format) = (self.links, self.format);
        let listing = spawn_blocking(move || archive::list(listed, links));
        let packing = spawn_blocking(move || pack(packed, format, out));
        let command = create_command(tar, &self.source);
        let limits = Limits::cancelled_by(&self.cancel);
        let source = async {
            let ended = stream(self.exec, &command, remote::Input::Nothing, &mut tee, &limits).await;
            let is_ours = tee.is_broken;
            let ended = match ended {
                Ok(ended) => self.check_end(tar, ended, &command),
                Err(error) => Err(error.into()),
            };
            if ended.is_ok() {
                tee.end().await;
            } else {
                drop(tee);
            }
            (ended, is_ours)
        };
        let (source, listing, packing, stored) =
            tokio::join!(source, listing, packing, self.store.put(id, file, Box::new(stored)));
        let (listing, packing) = (listing.map_err(Error::Thread)?, packing.map_err(Error::Thread)?);
        // One end that fails takes the others with it, so the first cause is looked for.
        if let Err(ArchiveError::Refused(refusal)) = listing {
            return Err(ArchiveError::Refused(refusal).into());
        }
        let (ended, is_ours) = source;
        if !is_ours {
            ended?;
        }
        stored?;
        let packed = packing.map_err(|source| Error::Pack { operation: "pack", source })?;
        Ok((listing?, packed))
    }

    /// What the end of tar means.
    fn check_end(&self, tar: &HostTar, ended: Streamed, command: &remote::Command) -> Result<(), Error> {
        if ended.status == 0 {
            return Ok(());
        }
        let said = last_lines(&String::from_utf8_lossy(&ended.stderr), SAID_LINES);
        if tar.is_gnu && ended.status == CHANGED {
            let (path, host) = (self.source.path.clone(), self.exec.name().to_owned());
            return Err(Error::Changed { path, host, said });
        }
        let output = remote::Output { status: ended.status, stdout: Vec::new(), stderr: ended.stderr };
        Ok(remote::checked(self.exec, command, &output)?)
    }
}
