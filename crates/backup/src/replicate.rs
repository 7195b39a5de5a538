//! Bringing a snapshot from one store into another.

use sops::{Identities, Recipient};
use tokio::io::AsyncReadExt as _;

use crate::{
    error::Error,
    manifest::{MANIFEST, Manifest},
    moment::Moment,
    name::{Name, SnapshotId},
    prune::candidates,
    retention::Retention,
    store::{Store, StoreError, failed, manifest_of, snapshots_of},
    verify::verify,
};

/// How much is read at once.
const CHUNK: usize = 256 << 10;

/// That the stores of copies are other places than `store`, and than each other. It should be known before anything
/// is written.
///
/// # Errors
/// [`Error::SamePlace`] with the first that is not.
pub fn check_places(store: &dyn Store, copies: &[&dyn Store]) -> Result<(), Error> {
    let mut seen = vec![store.location()];
    for copy in copies {
        let location = copy.location();
        if seen.contains(&location) {
            return Err(Error::SamePlace { store: copy.url() });
        }
        seen.push(location);
    }
    Ok(())
}

/// The snapshots of `name` in `from` that are missing in `to`, newest first, as far as `retention` keeps them there.
///
/// # Errors
/// When a store cannot be asked.
pub async fn missing_copies(
    (from, to): (&dyn Store, &dyn Store),
    name: &Name,
    retention: Retention,
    now: Moment,
) -> Result<Vec<SnapshotId>, StoreError> {
    let there = snapshots_of(to, name).await?;
    let (here, _) = candidates(from, name).await?;
    let goes = retention.expired(&here, now);
    let is_missing = |id: &SnapshotId| !there.contains(id) && !goes.contains(id);
    Ok(here.into_iter().map(|candidate| candidate.id).filter(is_missing).collect())
}

/// Copies the snapshot that `manifest` is of, part by part, reads all of it back from `to`, and only then makes a
/// snapshot of it there; its manifest says when that was. One that is there already is read back, and stays.
///
/// # Errors
/// All of [`Error`]. Nothing of it is left in `to` then, unless it was there before.
pub async fn replicate(from: &dyn Store, to: &dyn Store, manifest: &Manifest) -> Result<Manifest, Error> {
    let id = &manifest.snapshot;
    if from.location() == to.location() {
        return Err(Error::SamePlace { store: to.url() });
    }
    match manifest_of(to, id).await {
        Ok(there) => {
            verify(to, &there).await?;
            return Ok(Manifest { verified_at: Some(Moment::now()), ..there });
        }
        Err(StoreError::NoSnapshot { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    // What another try left that was cut off.
    to.remove(id).await?;
    let copied = copy(from, to, manifest).await;
    if copied.is_err()
        && let Err(error) = to.remove(id).await
    {
        tracing::warn!(snapshot = %id, %error, "could not remove what is left of a copy");
    }
    copied
}

async fn copy(from: &dyn Store, to: &dyn Store, manifest: &Manifest) -> Result<Manifest, Error> {
    let id = &manifest.snapshot;
    for part in &manifest.parts {
        let content = from.get(id, &part.file).await?.ok_or_else(|| Error::Corrupt {
            file: part.file.clone(),
            snapshot: id.to_string(),
            what: "it is not there".to_owned(),
        })?;
        to.put(id, &part.file, content).await?;
    }
    verify(to, manifest).await?;
    seal(to, Manifest { verified_at: Some(Moment::now()), ..manifest.clone() }).await
}

/// Gives an encrypted snapshot to other recipients, by another envelope of its key; what is stored stays. Whoever could
/// open it has its key, and can open a copy that was made before.
///
/// # Errors
/// When none of the private keys opens it; the old manifest is there then.
pub async fn rekey(
    store: &dyn Store,
    manifest: &Manifest,
    identities: &Identities,
    recipients: &[Recipient],
) -> Result<Manifest, Error> {
    let rekeyed = manifest.rekeyed(identities, recipients)?.sealed()?;
    let document = rekeyed.to_json()?;
    store.reseal(&manifest.snapshot, &document).await?;
    read_back(store, rekeyed, &document).await
}

/// Makes a snapshot of a folder by its manifest, and reads that back: what a store says it has proves nothing.
pub(crate) async fn seal(store: &dyn Store, manifest: Manifest) -> Result<Manifest, Error> {
    let manifest = manifest.sealed()?;
    let document = manifest.to_json()?;
    store.seal(&manifest.snapshot, &document).await?;
    read_back(store, manifest, &document).await
}

/// That the store gives back `manifest`, byte by byte: a second one of many files would take as much memory as the
/// first.
async fn read_back(store: &dyn Store, manifest: Manifest, document: &[u8]) -> Result<Manifest, Error> {
    let id = &manifest.snapshot;
    let mut is_same = false;
    if let Some(mut stored) = store.get(id, MANIFEST).await? {
        let (mut rest, mut chunk) = (document, vec![0; CHUNK]);
        is_same = loop {
            let count = stored
                .read(&mut chunk)
                .await
                .map_err(|error| failed(store, format!("read the manifest of {id}"), error))?;
            match rest.strip_prefix(&chunk[..count]) {
                Some(behind) if count > 0 => rest = behind,
                same => break same.is_some() && rest.is_empty(),
            }
        };
    }
    if is_same {
        return Ok(manifest);
    }
    Err(Error::Corrupt {
        file: MANIFEST.to_owned(),
        snapshot: id.to_string(),
        what: "it is another one".to_owned(),
    })
}
