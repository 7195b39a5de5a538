//! Proving that a store has what was stored.

use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;

use crate::{
    archive::hex,
    error::Error,
    manifest::{Manifest, Part},
    store::{Store, StoreError},
};

/// How much is read at once.
const CHUNK: usize = 256 << 10;

/// Reads all parts of a snapshot back from `store`: each has its size and its hash, and so has the
/// whole.
///
/// # Errors
/// [`Error::Corrupt`] where one has not, or is not there.
pub async fn verify(store: &dyn Store, manifest: &Manifest) -> Result<(), Error> {
    let mut whole = Sha256::new();
    for part in &manifest.parts {
        let corrupt = |what: String| corrupt(manifest, part, what);
        let Some(mut content) = store.get(&manifest.snapshot, &part.file).await? else {
            return Err(corrupt("it is not there".to_owned()));
        };
        let (mut hasher, mut size, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK]);
        loop {
            let count = content.read(&mut chunk).await.map_err(|source| StoreError::Failed {
                operation: format!("read {} of {}", part.file, manifest.snapshot),
                store: store.url(),
                source: source.into(),
            })?;
            if count == 0 {
                break;
            }
            hasher.update(&chunk[..count]);
            whole.update(&chunk[..count]);
            size += count as u64;
        }
        if size != part.size {
            return Err(corrupt(format!("it has {size} bytes instead of {}", part.size)));
        }
        if hex(hasher) != part.sha256 {
            return Err(corrupt("it has another hash".to_owned()));
        }
    }
    if hex(whole) != manifest.sha256 {
        return Err(Error::Corrupt {
            file: "the archive".to_owned(),
            snapshot: manifest.snapshot.to_string(),
            what: "it has another hash".to_owned(),
        });
    }
    Ok(())
}

fn corrupt(manifest: &Manifest, part: &Part, what: String) -> Error {
    Error::Corrupt { file: part.file.clone(), snapshot: manifest.snapshot.to_string(), what }
}
