//! A snapshot that comes back, for whoever orders it: a command, or a drill.

use std::str::FromStr;

use backup::{
    Chosen, Error, Links, Manifest, Overwrite, Owner, Quiesce, Repository, Restored, Restoring,
    RestoringResticSnapshot, Sections, SnapshotId, Store, Wanted, latest, snapshot,
};
use serde::Serialize;
use sops::Identities;
use tokio_util::sync::CancellationToken;

use super::settings::QuiesceSettings;
use super::target::{Target, targets};
use crate::exit::Failure;
use crate::machine::Machine;
use crate::opening::identities;
use crate::progress::{Progress, Shown};
use crate::settings::Settings;
use crate::terminal;

/// The word for the newest snapshot.
pub const LATEST: &str = "latest";

/// Which snapshot is meant. What is neither of both is refused: another one than was meant must not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// The newest.
    Latest,
    /// This one.
    Id(SnapshotId),
    /// One of a repository of restic.
    OfRestic(Chosen),
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            LATEST => Ok(Self::Latest),
            id if id.parse::<Chosen>().is_ok() => Ok(Self::OfRestic(Chosen::Id(id.to_owned()))),
            id => id.parse().map(Self::Id).map_err(|error| format!("{error}; `{LATEST}` is the newest one")),
        }
    }
}

/// What is to come back, and where.
pub struct Order {
    /// The corpus, by its name.
    pub corpus: String,
    /// The store; default: those of the corpus.
    pub store: Option<String>,
    /// Which snapshot it is.
    pub snapshot: Which,
    /// The host, as a connection.
    pub host: String,
    /// What it becomes there.
    pub wanted: Wanted,
    /// Whether data may go for it.
    pub overwrite: Overwrite,
    /// Which links it may have.
    pub links: Links,
    /// Whose the files become.
    pub owner: Option<Owner>,
    /// The words of a command that changes the data before they take their place.
    pub transform: Vec<String>,
    /// What holds still while they do.
    pub quiesce: Option<QuiesceSettings>,
    /// SQL between the sections of a dump.
    pub sections: Option<Sections>,
}

/// What was restored, as it is printed.
#[derive(Serialize)]
pub struct Done {
    /// Its id.
    pub snapshot: String,
    /// Where it came from.
    pub store: String,
    /// Its files, where that is known.
    pub file_count: Option<u64>,
    /// The bytes in them.
    pub size_bytes: Option<u64>,
    /// Where the data are that were there before, if they are still there.
    pub replaced_left_at: Option<String>,
    /// Whose all of it is now, although it was not.
    pub all_owned_by: Option<String>,
    /// Which extended attributes and ACLs are lost.
    pub attributes_lost: Option<String>,
}

impl Done {
    /// Tells it to a person.
    pub fn tell(&self) {
        let files = self.file_count.map_or_else(String::new, |files| format!(": {files} files"));
        terminal::answer(format_args!("{} from {}{files}", self.snapshot, self.store));
        if let Some(left) = &self.replaced_left_at {
            terminal::note(format_args!("What was there before could not be removed: it is at {left}."));
        }
        if let Some(owner) = &self.all_owned_by {
            terminal::note(format_args!(
                "All of it belongs to {owner} now, and not to those whose it was: only root gives files to others. Restore as \
                 root, or with `?sudo=1` in the connection, to keep the owners."
            ));
        }
        if let Some(lost) = &self.attributes_lost {
            terminal::note(format_args!(
                "{lost} Restore to a host with GNU tar (1.27 or newer) and a file system that has them, a volume as root, to \
                 keep them."
            ));
        }
    }
}

impl Order {
    fn failed(&self) -> Failure {
        Failure::new(format!("Could not restore the corpus {:?}", self.corpus))
    }

    /// Restores it, from the first store that has it whole.
    ///
    /// # Errors
    /// When it could not be; what is on the host is as it was.
    pub async fn restore(
        &self,
        settings: &Settings,
        shown: Shown,
        cancel: &CancellationToken,
    ) -> Result<Done, Failure> {
        if let Wanted::Path(path) = &self.wanted
            && (!path.starts_with('/') || path.trim_end_matches('/').is_empty())
        {
            let why = format!("The path {path:?} has to be absolute, and not the root directory.");
            return Err(self.failed().with(why));
        }
        let progress = Progress::begin(shown);
        let names = [self.corpus.clone()];
        let corpora = targets(settings, &names, self.store.as_deref())?;
        let from = corpora.first().ok_or_else(|| self.failed())?;
        if let Some(repository) = from.repository(settings)? {
            return self.restore_from(settings, (from, &repository), cancel).await;
        }
        let stores = from.watched(settings, &progress)?;
        let identities = identities()?;
        let machine = Machine::open(settings, &self.host).await?;
        let result = async {
            let quiesce = self.quiesce(&machine).await?;
            let (machine, identities, quiesce, progress) =
                (&machine, &identities, quiesce.as_ref(), &progress);
            let coming = Coming { order: self, from, machine, quiesce, identities, progress, cancel };
            let last = stores.len().saturating_sub(1);
            for (number, store) in stores.iter().enumerate() {
                match coming.from(store.as_ref()).await {
                    Ok((manifest, restored)) => return Ok((manifest, restored, store.url())),
                    Err(error) if error.is_of_store() && number < last => {
                        terminal::note(Failure::new(format!("Passed over {}", store.url())).because(&error));
                    }
                    Err(error) => return Err(self.failed().because(&error).with(error.left_behind())),
                }
            }
            Err(self.failed())
        };
        let result = result.await;
        machine.close().await;
        let (manifest, restored, store) = result?;
        Ok(Done {
            snapshot: manifest.snapshot.to_string(),
            store,
            file_count: Some(manifest.totals.files),
            size_bytes: Some(manifest.totals.size_bytes),
            replaced_left_at: restored.replaced_left_at,
            all_owned_by: restored.all_owned_by.map(|owner| owner.to_string()),
            attributes_lost: restored.unset.map(|unset| unset.to_string()),
        })
    }

    /// What of the host holds still meanwhile.
    async fn quiesce(&self, machine: &Machine) -> Result<Option<Quiesce>, Failure> {
        let Some(quiesce) = &self.quiesce else { return Ok(None) };
        let stacks = machine.for_stacks().await.map_err(|error| self.failed().because(&error))?;
        quiesce.quiesce(&self.corpus, stacks).map(Some)
    }

    /// Restores from a repository, by the restic of the host that it is restored to.
    async fn restore_from(
        &self,
        settings: &Settings,
        (from, repository): (&Target<'_>, &Repository),
        cancel: &CancellationToken,
    ) -> Result<Done, Failure> {
        let chosen = match &self.snapshot {
            Which::Latest => Chosen::Latest,
            Which::OfRestic(chosen) => chosen.clone(),
            Which::Id(id) => {
                return Err(self.failed().with(format!("{id} is not the id of a snapshot of restic.")));
            }
        };
        let machine = Machine::open(settings, &self.host).await?;
        let restored = async {
            let quiesce = self.quiesce(&machine).await?;
            let failed = |error: Error| self.failed().because(&error).with(error.left_behind());
            let corpus = machine.find(&self.wanted).await.map_err(failed)?;
            let restoring = RestoringResticSnapshot {
                exec: machine.executor.as_ref(),
                repository,
                name: &from.name,
                chosen: &chosen,
                corpus: &corpus,
                overwrite: self.overwrite,
                owner: self.owner,
                transform: &self.transform,
                quiesce: quiesce.as_ref(),
                cancel: cancel.clone(),
            };
            restoring.restore().await.map_err(failed)
        };
        let restored = restored.await;
        machine.close().await;
        let (found, restored) = restored?;
        let [file_count, size_bytes, _] = found.totals().map_or([None; 3], |totals| totals.map(Some));
        Ok(Done {
            snapshot: found.id,
            store: repository.url(),
            file_count,
            size_bytes,
            replaced_left_at: restored.replaced_left_at,
            all_owned_by: restored.all_owned_by.map(|owner| owner.to_string()),
            attributes_lost: restored.unset.map(|unset| unset.to_string()),
        })
    }
}

/// A snapshot on its way.
struct Coming<'a> {
    order: &'a Order,
    from: &'a Target<'a>,
    machine: &'a Machine,
    quiesce: Option<&'a Quiesce>,
    /// What opens encrypted ones.
    identities: &'a Identities,
    progress: &'a Progress,
    cancel: &'a CancellationToken,
}

impl Coming<'_> {
    async fn from(&self, store: &dyn Store) -> Result<(Manifest, Restored), Error> {
        let manifest = match &self.order.snapshot {
            Which::Id(id) => snapshot(store, &self.from.name, id).await?,
            Which::OfRestic(_) => {
                return Err(Error::NoSnapshot { name: self.from.name.to_string(), store: store.url() });
            }
            Which::Latest => {
                let (manifest, broken) = latest(store, &self.from.name).await?;
                for error in broken {
                    terminal::note(Failure::new("Passed over a newer snapshot").because(&error));
                }
                manifest
            }
        };
        let key = match &manifest.encryption {
            Some(_) => manifest.unlock(self.identities)?,
            None => None,
        };
        self.progress.expect(manifest.totals.stored_bytes);
        let corpus = self.machine.find(&self.order.wanted).await?;
        let restoring = Restoring {
            exec: self.machine.executor.as_ref(),
            store,
            manifest: &manifest,
            corpus: &corpus,
            overwrite: self.order.overwrite,
            links: self.order.links,
            owner: self.order.owner,
            sections: self.order.sections.as_ref(),
            transform: &self.order.transform,
            quiesce: self.quiesce,
            key,
            cancel: self.cancel.clone(),
        };
        let restored = restoring.restore().await?;
        Ok((manifest, restored))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_id_does_not_become_the_newest_snapshot() {
        assert_eq!("latest".parse(), Ok(Which::Latest));
        assert!(matches!("snapshot-a-20261129T163200Z-1a2b3c4d".parse(), Ok(Which::Id(_))));
        for text in ["", "nope", "Latest", "snapshot-a-20261129T163200Z-1a2b3c4"] {
            let error = text.parse::<Which>().unwrap_err();
            assert!(error.ends_with("`latest` is the newest one"), "{error}");
        }
    }
}
