//! Restoring a snapshot to a host.
//!
//! The archive goes through a thread that looks at every entry before it passes it on, compares it with
//! the manifest, and writes it anew; so `tar` on the host sees nothing that nobody has vetted. It
//! extracts beside the target. Only when every part and every file had its hash, the target and what was
//! extracted change places; what was there goes after that.

use remote::{
    Command, Executor, Input,
    collect::{Limits, last_lines, run_checked, run_checked_with},
};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::{
    archive::{self, ArchiveError, HERE, Kept, Rules},
    attributes::Attributes,
    corpus::Corpus,
    crypt::SnapshotKey,
    error::Error,
    exec,
    fetch::Fetching,
    helper::{Helper, PLACE},
    host_tar::{Extras, HostTar, extract_command},
    manifest::{Entry, Manifest, Source},
    name::{Name, SnapshotId},
    owner::Owner,
    pack::{opened, unpacked},
    pipe::{PipeReader, PipeWriter, Tee, pipe},
    place::{Placing, Restored, Unset},
    postgres::{RestoringPostgres, Sections},
    quiesce::{Quiesce, quiesced},
    stage::Overwrite,
    store::{Store, StoreError, manifest_of, snapshots_of},
    transform::{Place, transform},
    turn::Turn,
    verify::verify,
    vet::Links,
    volume::{Volume, Way},
};

/// How many lines of what tar said are told.
const SAID_LINES: usize = 5;

/// Prints the numbers of the user and of the group.
const WHO: [&str; 3] = ["sh", "-c", "id -u && id -g"];

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
    /// SQL between the sections of a database's dump.
    pub sections: Option<&'a Sections>,
    /// The words of a command on the host that changes the data before they take their place.
    pub transform: &'a [String],
    /// What holds still while the data change places.
    pub quiesce: Option<&'a Quiesce>,
    /// The key of an encrypted one ([`Manifest::unlock`]).
    pub key: Option<SnapshotKey>,
    /// Stops it.
    pub cancel: CancellationToken,
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
        let turn = Turn::take(self.exec, self.corpus, &self.cancel).await?;
        let restored = self.restore_alone(&turn).await;
        turn.end().await;
        restored
    }

    async fn restore_alone(&self, turn: &Turn) -> Result<Restored, Error> {
        match self.corpus {
            Corpus::Postgres(postgres) => {
                let restoring = RestoringPostgres {
                    exec: self.exec,
                    fetching: self.fetching(),
                    postgres,
                    corpus: self.corpus,
                    overwrite: self.overwrite,
                    sections: self.sections,
                    transform: self.transform,
                    quiesce: self.quiesce,
                    turn,
                    cancel: &self.cancel,
                };
                let replaced_left_at = restoring.restore().await?;
                Ok(Restored { replaced_left_at, all_owned_by: None, unset: None })
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
                Ok(Restored { replaced_left_at: None, all_owned_by: None, unset: None })
            }
            Corpus::Path(path) => self.directory(path, None, turn).await,
            Corpus::Volume(volume) => {
                let is_new = volume.make().await?;
                let restored = self.volume(volume, is_new, turn).await;
                match restored {
                    Err(error) if is_new => Err(left_over(volume, error, volume.unmake().await)),
                    restored => restored,
                }
            }
        }
    }

    async fn volume(&self, volume: &Volume, is_new: bool, turn: &Turn) -> Result<Restored, Error> {
        // Those that hold still first are looked at then.
        if self.quiesce.is_none() {
            volume.check_unused().await?;
        }
        match volume.way(self.exec).await? {
            Way::Directory(path) => self.directory(&path, Some(volume), turn).await,
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
                    Ok(unset) => Ok(Restored { replaced_left_at: None, all_owned_by: None, unset }),
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
    ) -> Result<Option<Unset>, (Error, bool)> {
        if !is_new && !helper.is_empty().await.map_err(|error| (error, false))? {
            let (name, host) = (volume.name.clone(), self.exec.name().to_owned());
            let error = match self.overwrite {
                Overwrite::Never => Error::NotEmpty { subject: self.corpus.subject(), host },
                Overwrite::Yes => Error::NeedsRoot { volume: name, host },
            };
            return Err((error, false));
        }
        let entries = self.manifest.contents(self.key.as_ref()).map_err(|error| (error, false))?;
        let count = with_attributes(&entries);
        let unset = (count > 0).then(|| Unset::All { count, by: "a container".to_owned() });
        // Docker takes no archive with holes.
        let filled = self.fill(&helper.write_command(), (entries, PLACE), Kept::default()).await;
        filled.map(|_| unset).map_err(|error| (error, true))
    }

    /// Puts it into the place of a directory, which may be that of a volume.
    async fn directory(&self, path: &str, volume: Option<&Volume>, turn: &Turn) -> Result<Restored, Error> {
        let entries = self.manifest.contents(self.key.as_ref())?;
        let all_owned_by = self.sole_owner(&entries).await?;
        let placing = Placing {
            exec: self.exec,
            corpus: self.corpus,
            volume,
            overwrite: self.overwrite,
            transform: self.transform,
            quiesce: self.quiesce,
            turn,
            cancel: &self.cancel,
        };
        let fill = |place: String| async move { self.extract(&place, entries).await };
        let restored = placing.place(path, fill).await?;
        Ok(Restored { all_owned_by, ..restored })
    }

    /// Has the host's tar extract `entries` in `place`, and says what that could not set.
    async fn extract(&self, place: &str, entries: Vec<Entry>) -> Result<Option<Unset>, Error> {
        let has_holes = entries.iter().any(|entry| !entry.holes.is_empty());
        let count = with_attributes(&entries);
        let mut kept = Kept::default();
        let (mut extras, mut unset) = (Extras::default(), None);
        if has_holes || count > 0 {
            let tar = HostTar::of(self.exec).await?;
            let has_acls = |entry: &Entry| entry.attributes.as_deref().is_some_and(Attributes::have_acls);
            kept = Kept { holes: tar.is_gnu, attributes: tar.keeps_attributes };
            let attributes = tar.keeps_attributes && count > 0;
            extras = Extras { attributes, acls: attributes && entries.iter().any(has_acls) };
            unset = (count > 0 && !attributes).then_some(Unset::All { count, by: tar.version });
        }
        let said = self.fill(&extract_command(place, extras), (entries, HERE), kept).await?;
        if extras.attributes && !said.trim().is_empty() {
            unset = Some(Unset::Some { said: last_lines(&said, SAID_LINES) });
        }
        Ok(unset)
    }

    /// Whose all of it will be, where that is somebody else than whose it was, and nobody asked for that.
    async fn sole_owner(&self, entries: &[Entry]) -> Result<Option<Owner>, Error> {
        let who = run_checked(self.exec, &Command::new(WHO).privileged(), Input::Nothing).await?;
        let who: Vec<u32> = who.stdout_text().split_whitespace().filter_map(|id| id.parse().ok()).collect();
        // Only root gives files to others; a host that does not tell has no say.
        let &[uid, gid] = &who[..] else { return Ok(None) };
        if uid == 0 {
            return Ok(None);
        }
        let login = Owner { uid, gid };
        match self.owner {
            Some(owner) if owner != login => {
                Err(Error::CannotOwn { owner, host: self.exec.name().to_owned() })
            }
            Some(_) => Ok(None),
            None => {
                let is_of_others = |entry: &Entry| (entry.uid, entry.gid) != (u64::from(uid), u64::from(gid));
                Ok(entries.iter().any(is_of_others).then_some(login))
            }
        }
    }

    /// Has `command` extract the `entries` of it, in whose archive the corpus is called `root`, and in which there is
    /// what is `kept`. Says what it wrote to stderr.
    async fn fill(
        &self,
        command: &Command,
        (entries, root): (Vec<Entry>, &'static str),
        kept: Kept,
    ) -> Result<String, Error> {
        let (mut tee, [packed]) = Tee::new();
        let (out, archive) = pipe();
        let (format, key) = (self.manifest.format, self.key.clone());
        let rules = Rules { links: self.links, owner: self.owner, kept };
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
        Ok(extracted?.stderr_text())
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

/// How many of `entries` have extended attributes or ACLs.
fn with_attributes(entries: &[Entry]) -> u64 {
    entries.iter().filter(|entry| entry.attributes.is_some()).count() as u64
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
    (entries, root): (&[Entry], &str),
    rules: Rules,
) -> Result<(), ArchiveError> {
    let packed = opened(stored, key.as_ref()).map_err(ArchiveError::Read)?;
    let archive = unpacked(packed, format).map_err(ArchiveError::Read)?;
    archive::copy(archive, out, (entries, root), rules)?.end().map_err(ArchiveError::Pass)
}
