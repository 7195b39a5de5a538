//! Taking a snapshot of a corpus on a host.
//!
//! `tar` (or what the corpus needs instead) runs there and writes to its stdout. What comes is read twice at once as it passes: one thread
//! goes through the archive and hashes every file, another one packs it for the store. So nothing is
//! written down on the way, and what is in memory does not grow with the corpus. Only when it has
//! ended well, when the archive had its end, when the store has all of it and gave it back unharmed,
//! the manifest is written.

use std::{collections::BTreeMap, time::Duration};

use remote::{Executor, files::random_name};
use sops::Recipient;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    compress::Compress,
    copy::Copying,
    corpus::{CLOCK_SKEW, Corpus},
    crypt::{self, SnapshotKey},
    error::Error,
    exec,
    fetch::Fetching,
    gather::{Gathered, Gathering},
    manifest::{FORMAT_VERSION, Format, Host, Manifest, Totals},
    moment::Moment,
    name::{Name, SnapshotId},
    postgres::{Proof, Proving},
    quiesce::{Quiesce, quiesced},
    replicate::seal,
    store::{Folder, Store, snapshots_of},
    verify::{prove, verify},
    vet::Links,
};

/// For how long nothing has come of an upload that was cut off for sure. How long ago it began says
/// nothing: a large one takes days.
const DEBRIS_AGE: Duration = Duration::from_secs(24 * 3600);

/// What a snapshot is to be taken of, and where it goes.
pub struct Taking<'a> {
    /// The host.
    pub exec: &'a dyn Executor,
    /// What the manifest says of the host.
    pub host: Host,
    /// Whose snapshot it is.
    pub name: &'a Name,
    /// What it is taken of.
    pub corpus: &'a Corpus,
    /// Patterns of what is left out.
    pub exclude: &'a [String],
    /// Where it goes.
    pub store: &'a dyn Store,
    /// How it is packed.
    pub format: Format,
    /// Where that is done.
    pub compress: Compress,
    /// Which links it may have.
    pub links: Links,
    /// What holds still while it is copied.
    pub quiesce: Option<&'a Quiesce>,
    /// For whom it is encrypted; for nobody, it is not.
    pub encrypt_to: &'a [Recipient],
    /// Nobody removes it before that.
    pub keep_until: Option<Moment>,
    /// Whether it is read back from the store before it counts.
    pub verify: bool,
    /// What it has to be once it is restored, where it is, before it counts: files to nowhere, a database to a server that
    /// is made for that.
    pub proof: Option<&'a Proof>,
    /// Stops it.
    pub cancel: CancellationToken,
}

impl Taking<'_> {
    /// Takes the snapshot. When that fails, there is none, and nothing of it is left in the store.
    ///
    /// # Errors
    /// All of [`Error`].
    pub async fn take(&self, now: Moment) -> Result<Manifest, Error> {
        let (id, previous) = self.next_id(now).await?;
        self.clear_debris(now).await;
        let taken = self.take_as(&id, previous).await;
        if taken.is_err()
            && let Err(error) = self.store.remove(&id).await
        {
            tracing::warn!(snapshot = %id, %error, "could not remove what is left of an upload");
        }
        taken
    }

    /// An id behind all that are there, so that the newest one is the one that was taken last, whatever
    /// clocks say; and the newest so far.
    async fn next_id(&self, now: Moment) -> Result<(SnapshotId, Option<SnapshotId>), Error> {
        let newest = snapshots_of(self.store, self.name).await?.into_iter().next();
        let mut moment = now;
        if let Some(newest) = &newest {
            if newest.moment() > now.after(CLOCK_SKEW) {
                return Err(Error::Clock { newest: newest.to_string(), now });
            }
            moment = moment.max(newest.moment().after(Duration::from_secs(1)));
        }
        Ok((SnapshotId::new(self.name, moment, &random_name()?), newest))
    }

    /// Removes what uploads of this name left that were cut off. That it cannot be is no reason not to
    /// take a snapshot.
    async fn clear_debris(&self, now: Moment) {
        let Ok(folders) = self.store.folders().await else { return };
        let is_debris = |folder: &Folder| {
            !folder.is_sealed && folder.id.name() == self.name && now.since(folder.changed_at) > DEBRIS_AGE
        };
        for Folder { id, .. } in folders.into_iter().filter(is_debris) {
            match self.store.remove(&id).await {
                Ok(()) => tracing::info!(snapshot = %id, "removed what was left of an upload"),
                Err(error) => {
                    tracing::warn!(snapshot = %id, %error, "could not remove what is left of an upload")
                }
            }
        }
    }

    async fn take_as(&self, id: &SnapshotId, previous: Option<SnapshotId>) -> Result<Manifest, Error> {
        let key = (!self.encrypt_to.is_empty()).then(SnapshotKey::generate);
        let (on, store, compress, cancel) = (self.exec, self.store, self.compress, &self.cancel);
        let copying = Copying { exec: on, store, id, key: key.as_ref(), compress, cancel };
        let (exclude, format, links) = (self.exclude, self.format, self.links);
        let gathering = Gathering { copying, exclude, format, links, counts: self.proof.is_some() };
        let gathering = async {
            let gathering = gathering.gather(self.corpus);
            match self.quiesce {
                // What comes later is no part of this moment.
                Some(quiesce) => match timeout(quiesce.timeout, gathering).await {
                    Ok(gathered) => gathered,
                    Err(_) => Err(quiesce.expired()),
                },
                None => gathering.await,
            }
        };
        let gathered = quiesced(self.quiesce, self.corpus, cancel, gathering).await?;
        let Gathered { source, format, sha256, parts, entries, tool: (tool, version) } = gathered;
        let totals = Totals::of(&entries, &parts);
        if totals.files + totals.symlinks == 0 {
            let host = self.exec.name().to_owned();
            return Err(Error::Empty { subject: self.corpus.subject(), host });
        }
        let (entries, encryption) = match &key {
            Some(key) => (Vec::new(), Some(crypt::seal(key, self.encrypt_to, &entries)?)),
            None => (entries, None),
        };
        let mut manifest = Manifest {
            format_version: FORMAT_VERSION,
            snapshot: id.clone(),
            previous,
            source,
            host: self.host.clone(),
            started_at: id.moment(),
            finished_at: Moment::now(),
            verified_at: None,
            keep_until: self.keep_until,
            tools: BTreeMap::from([
                ("windlass".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
                (tool.to_owned(), version),
            ]),
            format,
            sha256,
            parts,
            totals,
            entries,
            encryption,
            seal: String::new(),
        };
        if self.verify {
            verify(self.store, &manifest).await?;
            if let Corpus::Exec(one) = self.corpus {
                let fetching = Fetching { store, manifest: &manifest, key: key.as_ref() };
                exec::verify(on, fetching, one, cancel).await?;
            }
            if let Some(proof) = self.proof {
                self.prove((&manifest, key.as_ref()), proof).await?;
            }
            manifest.verified_at = Some(Moment::now());
        }
        seal(self.store, manifest).await
    }

    /// Restores what the store has, and compares it.
    async fn prove(
        &self,
        (manifest, key): (&Manifest, Option<&SnapshotKey>),
        proof: &Proof,
    ) -> Result<(), Error> {
        match self.corpus {
            Corpus::Postgres(postgres) => {
                let fetching = Fetching { store: self.store, manifest, key };
                let (exec, cancel) = (self.exec, &self.cancel);
                Proving { exec, fetching, postgres, proof, cancel }.prove().await
            }
            _ => prove(self.store, manifest, key).await,
        }
    }
}
