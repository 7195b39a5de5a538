//! Proving that a store has what was stored.

use std::io;

use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::spawn_blocking,
};

use crate::{
    archive::{self, ArchiveError, HERE, Rules, hex},
    crypt::SnapshotKey,
    error::Error,
    fetch::Fetching,
    manifest::{Manifest, Part},
    pack::{opened, unpacked},
    pipe::{PipeReader, Tee},
    store::{Content, Store, StoreError},
    vet::Links,
};

/// How much is read at once.
const CHUNK: usize = 1 << 20;

/// Reads all parts of a snapshot back from `store`: each has its size and its hash, and so has the
/// whole.
///
/// # Errors
/// [`Error::Corrupt`] where one has not, or is not there.
pub async fn verify(store: &dyn Store, manifest: &Manifest) -> Result<(), Error> {
    // The hash of the only part is that of the whole.
    let mut whole = (manifest.parts.len() != 1).then(Sha256::new);
    let mut only = String::new();
    for part in &manifest.parts {
        let corrupt = |what: String| corrupt(manifest, part, what);
        let Some(content) = store.get(&manifest.snapshot, &part.file).await? else {
            return Err(corrupt("it is not there".to_owned()));
        };
        let (mut tee, [stored]) = Tee::new();
        // While one chunk is hashed, the next one is read.
        let hashing = spawn_blocking(move || hashed(stored, whole));
        if let Err(source) = read_back(content, &mut tee).await {
            return Err(StoreError::Failed {
                operation: format!("read {} of {}", part.file, manifest.snapshot),
                store: store.url(),
                source: source.into(),
            }
            .into());
        }
        tee.end().await;
        let hashes = hashing.await.map_err(Error::Thread)?.map_err(ArchiveError::Read)?;
        whole = hashes.whole;
        if hashes.size != part.size {
            return Err(corrupt(format!("it has {} bytes instead of {}", hashes.size, part.size)));
        }
        if hashes.sha256 != part.sha256 {
            return Err(corrupt("it has another hash".to_owned()));
        }
        only = hashes.sha256;
    }
    if whole.map_or(only, hex) != manifest.sha256 {
        return Err(Error::Corrupt {
            file: "the archive".to_owned(),
            snapshot: manifest.snapshot.to_string(),
            what: "it has another hash".to_owned(),
        });
    }
    Ok(())
}

/// What a store gave back of a part.
struct Hashes {
    size: u64,
    sha256: String,
    /// The hash of it and of all before it.
    whole: Option<Sha256>,
}

fn hashed(mut stored: PipeReader, mut whole: Option<Sha256>) -> io::Result<Hashes> {
    let (mut hasher, mut size) = (Sha256::new(), 0);
    while let Some(chunk) = stored.next()? {
        hasher.update(&chunk);
        if let Some(whole) = &mut whole {
            whole.update(&chunk);
        }
        size += chunk.len() as u64;
    }
    Ok(Hashes { size, sha256: hex(hasher), whole })
}

async fn read_back(mut content: Content, tee: &mut Tee) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = content.read(&mut chunk).await?;
        if count == 0 {
            return Ok(());
        }
        tee.write_all(&chunk[..count]).await?;
    }
}

/// Looks whether all parts of a snapshot are in `store`, and reads nothing of them.
///
/// # Errors
/// [`Error::Corrupt`] where one is not there.
pub async fn check_parts(store: &dyn Store, manifest: &Manifest) -> Result<(), Error> {
    for part in &manifest.parts {
        if store.get(&manifest.snapshot, &part.file).await?.is_none() {
            return Err(corrupt(manifest, part, "it is not there".to_owned()));
        }
    }
    Ok(())
}

/// Restores a snapshot to nowhere: all parts are read back from `store`, opened with `key`, unpacked, and gone through
/// entry by entry, each of which has to be what the manifest says. Of a database that says that its dump begins as one
/// and has its hash; what is in it tells only the server that it is restored to.
///
/// # Errors
/// [`Error::Locked`] without its key, [`Error::Corrupt`] and [`Error::Archive`] where it is not what it should be.
pub async fn prove(store: &dyn Store, manifest: &Manifest, key: Option<&SnapshotKey>) -> Result<(), Error> {
    let entries = manifest.contents(key)?;
    let fetching = Fetching { store, manifest, key };
    if !manifest.source.has_files() {
        // One part after another, each with an entry of its own.
        for (part, entry) in manifest.parts.iter().zip(&entries) {
            let (format, key) = (manifest.format, key.cloned());
            let read = move |stored| {
                let packed = opened(stored, key.as_ref()).map_err(ArchiveError::Read)?;
                archive::measure(unpacked(packed, format).map_err(ArchiveError::Read)?)
            };
            let (size, sha256) = through(&fetching, std::slice::from_ref(part), read).await?;
            if (Some(size), Some(sha256)) != (entry.size, entry.sha256.clone()) {
                return Err(corrupt(manifest, part, "what is in it has another hash".to_owned()));
            }
        }
        return Ok(());
    }
    let (format, key) = (manifest.format, key.cloned());
    let read = move |stored| {
        let packed = opened(stored, key.as_ref()).map_err(ArchiveError::Read)?;
        let archive = unpacked(packed, format).map_err(ArchiveError::Read)?;
        // Which links it may have was decided when it was taken.
        let rules = Rules { links: Links::Any, ..Rules::default() };
        archive::copy(archive, io::sink(), (&entries, HERE), rules).map(drop)
    };
    through(&fetching, &manifest.parts, read).await
}

/// Has a thread read what is stored of some parts, each of which has its hash.
async fn through<T: Send + 'static>(
    fetching: &Fetching<'_>,
    parts: &[Part],
    read: impl FnOnce(PipeReader) -> Result<T, ArchiveError> + Send + 'static,
) -> Result<T, Error> {
    let (mut tee, [stored]) = Tee::new();
    let reading = spawn_blocking(move || read(stored));
    let fetching = async {
        for part in parts {
            let fetched = fetching.part(part, &mut tee).await;
            if fetched.is_err() {
                let is_ours = tee.is_broken;
                drop(tee);
                return (fetched, is_ours);
            }
        }
        tee.end().await;
        (Ok(()), false)
    };
    let ((fetched, is_ours), read) = tokio::join!(fetching, reading);
    // One end that fails takes the other with it, so the first cause is looked for.
    if !is_ours {
        fetched?;
    }
    Ok(read.map_err(Error::Thread)??)
}

fn corrupt(manifest: &Manifest, part: &Part, what: String) -> Error {
    Error::Corrupt { file: part.file.clone(), snapshot: manifest.snapshot.to_string(), what }
}
