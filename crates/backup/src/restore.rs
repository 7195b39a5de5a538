//! Restoring a snapshot to a directory on a host.
//!
//! The archive goes through a thread that looks at every entry before it passes it on, compares it with
//! the manifest, and writes it anew; so `tar` on the host sees nothing that nobody has vetted. It
//! extracts beside the target. Only when every part and every file had its hash, the target and what was
//! extracted change places; what was there goes after that.

use std::io;

use remote::{
    Executor, Input,
    collect::{Limits, run_checked_with},
    files::random_name,
};
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::spawn_blocking,
};
use tokio_util::sync::CancellationToken;

use crate::{
    archive::{self, ArchiveError, hex},
    error::Error,
    host_tar::extract_command,
    manifest::Manifest,
    name::{Name, SnapshotId},
    pack::unpacked,
    pipe::{PipeReader, PipeWriter, Tee, pipe},
    stage::{Overwrite, Stage},
    store::{Store, StoreError, manifest_of, snapshots_of},
    vet::Links,
};

/// How much of a part is read at once.
const CHUNK: usize = 256 << 10;

/// A snapshot on its way back.
#[derive(Debug)]
pub struct Restoring<'a> {
    /// The host.
    pub exec: &'a dyn Executor,
    /// Where the snapshot is.
    pub store: &'a dyn Store,
    /// Which one it is.
    pub manifest: &'a Manifest,
    /// The directory on the host that it becomes, as an absolute path.
    pub path: &'a str,
    /// Whether something else may go for it.
    pub overwrite: Overwrite,
    /// Which links it may have.
    pub links: Links,
    /// Stops it.
    pub cancel: CancellationToken,
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Where the data are that were there before, if they are still on the host.
    pub replaced_left_at: Option<String>,
}

/// The newest snapshot of `name` in `store` that is one, and what is wrong with newer folders that have
/// a manifest.
///
/// # Errors
/// [`Error::NoSnapshot`] where there is none.
pub async fn latest(store: &dyn Store, name: &Name) -> Result<(Manifest, Vec<StoreError>), Error> {
    let mut broken = Vec::new();
    for id in snapshots_of(store, name).await? {
        match manifest_of(store, &id).await {
            Ok(manifest) => return Ok((manifest, broken)),
            Err(error @ StoreError::NoManifest { .. }) => broken.push(error),
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::NoSnapshot { name: name.to_string(), store: store.url() })
}

/// The snapshot `id`, which has to be one of `name`.
///
/// # Errors
/// Where there is none.
pub async fn snapshot(store: &dyn Store, name: &Name, id: &SnapshotId) -> Result<Manifest, Error> {
    if id.name() != name {
        return Err(StoreError::NoSnapshot { id: id.to_string(), store: store.url() }.into());
    }
    Ok(manifest_of(store, id).await?)
}

impl Restoring<'_> {
    /// Restores it. When that fails, the target is as it was.
    ///
    /// # Errors
    /// All of [`Error`].
    pub async fn restore(&self) -> Result<Restored, Error> {
        let stage = Stage::make(self.exec, self.path, self.overwrite, &random_name()?).await?;
        let swapped = match self.fill(&stage).await {
            Ok(()) => stage.swap(self.overwrite).await,
            Err(error) => Err(error),
        };
        let left = match &swapped {
            // It holds the only copy of what was there.
            Err(Error::Swap { .. }) => None,
            _ => stage.remove().await,
        };
        swapped?;
        Ok(Restored { replaced_left_at: left })
    }

    async fn fill(&self, stage: &Stage<'_>) -> Result<(), Error> {
        let (mut tee, [packed]) = Tee::new();
        let (out, archive) = pipe();
        let (entries, format, links) = (self.manifest.entries.clone(), self.manifest.format, self.links);
        let vetting = spawn_blocking(move || vet(packed, format, out, &entries, links));
        let fetching = async {
            let fetched = self.fetch(&mut tee).await;
            let is_ours = tee.is_broken;
            if fetched.is_ok() {
                tee.end().await;
            } else {
                drop(tee);
            }
            (fetched, is_ours)
        };
        let (command, limits) = (extract_command(&stage.place()), Limits::cancelled_by(&self.cancel));
        let extracting = run_checked_with(self.exec, &command, Input::Reader(Box::new(archive)), &limits);
        let (fetched, vetted, extracted) = tokio::join!(fetching, vetting, extracting);
        // One end that fails takes the others with it, so the first cause is looked for.
        let (fetched, is_ours) = fetched;
        if !is_ours {
            fetched?;
        }
        match vetted.map_err(Error::Thread)? {
            Ok(()) | Err(ArchiveError::Pass(_)) => {}
            Err(error) => return Err(error.into()),
        }
        extracted?;
        Ok(())
    }

    /// Reads all parts from the store, each with its hash.
    async fn fetch(&self, out: &mut Tee) -> Result<(), Error> {
        for part in &self.manifest.parts {
            let corrupt = |what: &str| Error::Corrupt {
                file: part.file.clone(),
                snapshot: self.manifest.snapshot.to_string(),
                what: what.to_owned(),
            };
            let failed = |source: io::Error| StoreError::Failed {
                operation: format!("read {} of {}", part.file, self.manifest.snapshot),
                store: self.store.url(),
                source: source.into(),
            };
            let content = self.store.get(&self.manifest.snapshot, &part.file).await?;
            let mut content = content.ok_or_else(|| corrupt("it is not there"))?;
            let (mut hasher, mut chunk) = (Sha256::new(), vec![0; CHUNK]);
            loop {
                let count = content.read(&mut chunk).await.map_err(failed)?;
                if count == 0 {
                    break;
                }
                hasher.update(&chunk[..count]);
                out.write_all(&chunk[..count]).await.map_err(failed)?;
            }
            if hex(hasher) != part.sha256 {
                return Err(corrupt("it has another hash"));
            }
        }
        Ok(())
    }
}

/// Passes on what is in `packed`, entry by entry, as far as it is what `entries` says.
fn vet(
    packed: PipeReader,
    format: crate::Format,
    out: PipeWriter,
    entries: &[crate::Entry],
    links: Links,
) -> Result<(), ArchiveError> {
    let archive = unpacked(packed, format).map_err(ArchiveError::Read)?;
    archive::copy(archive, out, entries, links)?.end().map_err(ArchiveError::Pass)
}
