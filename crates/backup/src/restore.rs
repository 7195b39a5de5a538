//! Restoring a snapshot to a host.
//!
//! The archive goes through a thread that looks at every entry before it passes it on, compares it with
//! the manifest, and writes it anew; so `tar` on the host sees nothing that nobody has vetted. It
//! extracts beside the target. Only when every part and every file had its hash, the target and what was
//! extracted change places; what was there goes after that.

use remote::{
    Command, Executor, Input,
    collect::{Limits, run_checked_with},
};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::{
    archive::{self, ArchiveError, HERE},
    corpus::Corpus,
    crypt::SnapshotKey,
    error::Error,
    exec,
    fetch::Fetching,
    helper::{Helper, PLACE},
    host_tar::extract_command,
    manifest::{Manifest, Source},
    name::{Name, SnapshotId},
    owner::Owner,
    pack::{opened, unpacked},
    pipe::{PipeReader, PipeWriter, Tee, pipe},
    postgres::RestoringPostgres,
    quiesce::{Quiesce, quiesced},
    stage::{Overwrite, Stage},
    store::{Store, StoreError, manifest_of, snapshots_of},
    transform::{Place, transform},
    verify::verify,
    vet::Links,
    volume::{Volume, Way},
};

/// A snapshot on its way back.
#[derive(Debug)]
pub struct Restoring<'a> {
    /// The host.
    pub exec: &'a dyn Executor,
    /// Where the snapshot is.
    pub store: &'a dyn Store,
    /// Which one it is.
    pub manifest: &'a Manifest,
    /// What on the host it becomes.
    pub corpus: &'a Corpus,
    /// Whether something else may go for it.
    pub overwrite: Overwrite,
    /// Which links it may have.
    pub links: Links,
    /// Whose all of it becomes; nobody means those whose it was. It is for files.
    pub owner: Option<Owner>,
    /// The words of a command on the host that changes the data before they take their place.
    pub transform: &'a [String],
    /// What holds still while the data change places.
    pub quiesce: Option<&'a Quiesce>,
    /// The key of an encrypted one ([`Manifest::unlock`]).
    pub key: Option<SnapshotKey>,
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
        let fits = match self.corpus {
            Corpus::Path(_) | Corpus::Volume(_) => self.manifest.source.has_files(),
            Corpus::Exec(_) => matches!(self.manifest.source, Source::Exec { .. }),
            Corpus::Postgres(_) => !self.manifest.source.has_files(),
        };
        if !fits {
            let snapshot = self.manifest.snapshot.to_string();
            let (of, target) = (self.manifest.source.kind(), self.corpus.subject().kind());
            return Err(Error::WrongKind { snapshot, of, target });
        }
        // Nothing on the host is touched for what cannot be opened.
        self.manifest.contents(self.key.as_ref())?;
        match self.corpus {
            Corpus::Postgres(postgres) => {
                let restoring = RestoringPostgres {
                    exec: self.exec,
                    fetching: self.fetching(),
                    postgres,
                    corpus: self.corpus,
                    overwrite: self.overwrite,
                    transform: self.transform,
                    quiesce: self.quiesce,
                    cancel: &self.cancel,
                };
                Ok(Restored { replaced_left_at: restoring.restore().await? })
            }
            Corpus::Exec(exec) => {
                if self.overwrite == Overwrite::Never {
                    let (subject, host) = (exec.subject(), self.exec.name().to_owned());
                    return Err(Error::Unconfirmed { subject, host });
                }
                // The command cannot be stopped once it has begun: what is not whole is seen before.
                verify(self.store, self.manifest).await?;
                let restoring = async {
                    let restored = exec::restore(self.exec, self.fetching(), exec, &self.cancel).await;
                    let changed = match restored {
                        Ok(()) => self.transform(Place::Container(&exec.container)).await,
                        Err(error) => Err(error),
                    };
                    changed.map_err(|source| Error::Unfinished {
                        container: exec.container.clone(),
                        host: self.exec.name().to_owned(),
                        source: source.into(),
                    })
                };
                self.quiesced(restoring).await?;
                Ok(Restored { replaced_left_at: None })
            }
            Corpus::Path(path) => self.directory(path, None).await,
            Corpus::Volume(volume) => {
                let is_new = volume.make().await?;
                let restored = self.volume(volume, is_new).await;
                match restored {
                    Err(error) if is_new => Err(left_over(volume, error, volume.unmake().await)),
                    restored => restored,
                }
            }
        }
    }

    async fn volume(&self, volume: &Volume, is_new: bool) -> Result<Restored, Error> {
        // Those that hold still first are looked at then.
        if self.quiesce.is_none() {
            volume.check_unused().await?;
        }
        match volume.way(self.exec).await? {
            Way::Directory(path) => self.directory(&path, Some(volume)).await,
            Way::Container(helper) if !self.transform.is_empty() => {
                helper.remove().await;
                let host = self.exec.name().to_owned();
                Err(Error::CannotTransform { volume: volume.name.clone(), host })
            }
            Way::Container(helper) => {
                let mut is_spoiled = false;
                let filling = async {
                    volume.check_unused().await?;
                    let filled = self.fill_volume(volume, &helper, is_new).await;
                    filled.map_err(|(error, may_be_in_it)| {
                        is_spoiled = may_be_in_it;
                        error
                    })
                };
                let filled = self.quiesced(filling).await;
                // As long as it is there, it has the volume.
                helper.remove().await;
                match filled {
                    Ok(()) => Ok(Restored { replaced_left_at: None }),
                    // It was empty, and has to be again.
                    Err(error) if is_spoiled && !is_new => {
                        Err(left_over(volume, error, volume.make_anew().await))
                    }
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// Runs the command that changes the data, if there is one.
    async fn transform(&self, place: Place<'_>) -> Result<(), Error> {
        transform(self.exec, self.transform, place, &self.cancel).await
    }

    /// Does `work` while what has to hold still does.
    async fn quiesced<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        quiesced(self.quiesce, self.corpus, &self.cancel, work).await
    }

    /// Extracts into a volume that nothing is in; where that fails, it says whether something may be in
    /// it now.
    async fn fill_volume(
        &self,
        volume: &Volume,
        helper: &Helper<'_>,
        is_new: bool,
    ) -> Result<(), (Error, bool)> {
        if !is_new && !helper.is_empty().await.map_err(|error| (error, false))? {
            let (name, host) = (volume.name.clone(), self.exec.name().to_owned());
            let error = match self.overwrite {
                Overwrite::Never => Error::NotEmpty { subject: self.corpus.subject(), host },
                Overwrite::Yes => Error::NeedsRoot { volume: name, host },
            };
            return Err((error, false));
        }
        self.fill(&helper.write_command(), PLACE).await.map_err(|error| (error, true))
    }

    /// Puts it into the place of a directory, which may be that of a volume.
    async fn directory(&self, path: &str, volume: Option<&Volume>) -> Result<Restored, Error> {
        let stage = Stage::make(self.exec, path, self.overwrite, self.corpus.subject()).await?;
        let swapping = async {
            let place = stage.place();
            self.fill(&extract_command(&place), HERE).await?;
            self.transform(Place::Directory(&place)).await?;
            self.quiesced(async {
                // One may have been started meanwhile.
                if let Some(volume) = volume {
                    volume.check_unused().await?;
                }
                stage.swap(self.overwrite).await
            })
            .await
        };
        let swapped = swapping.await;
        let left = match &swapped {
            // It holds the only copy of what was there.
            Err(Error::Swap { stranded_at: Some(_), .. }) => None,
            _ => stage.remove().await,
        };
        swapped?;
        Ok(Restored { replaced_left_at: left })
    }

    /// Has `command` extract it, in whose archive the corpus is called `root`.
    async fn fill(&self, command: &Command, root: &'static str) -> Result<(), Error> {
        let (mut tee, [packed]) = Tee::new();
        let (out, archive) = pipe();
        let (entries, key) = (self.manifest.contents(self.key.as_ref())?, self.key.clone());
        let (format, rules) = (self.manifest.format, (self.links, self.owner));
        let vetting = spawn_blocking(move || vet((packed, key), format, out, (&entries, root), rules));
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
        let limits = Limits::cancelled_by(&self.cancel);
        let extracting = run_checked_with(self.exec, command, Input::Reader(Box::new(archive)), &limits);
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
            self.fetching().part(part, out).await?;
        }
        Ok(())
    }

    fn fetching(&self) -> Fetching<'_> {
        Fetching { store: self.store, manifest: self.manifest, key: self.key.as_ref() }
    }
}

/// What is told of a restore that failed: why, and that what it left could not be removed.
fn left_over(volume: &Volume, error: Error, cleared: Result<(), Error>) -> Error {
    let Err(failure) = cleared else { return error };
    tracing::warn!(volume = volume.name, error = %failure, "could not remove what is left of a restore");
    let host = volume.docker.engine.host().to_owned();
    Error::LeftOver { volume: volume.name.clone(), host, source: Box::new(error) }
}

/// Passes on what is in `packed`, entry by entry, as far as it is what `entries` says.
fn vet(
    (stored, key): (PipeReader, Option<SnapshotKey>),
    format: crate::Format,
    out: PipeWriter,
    (entries, root): (&[crate::Entry], &str),
    rules: (Links, Option<Owner>),
) -> Result<(), ArchiveError> {
    let packed = opened(stored, key.as_ref()).map_err(ArchiveError::Read)?;
    let archive = unpacked(packed, format).map_err(ArchiveError::Read)?;
    archive::copy(archive, out, (entries, root), rules)?.end().map_err(ArchiveError::Pass)
}
