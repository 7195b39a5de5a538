//! Reading parts of a snapshot back, none of which counts without its hash.

use std::io;

use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    task::spawn_blocking,
};

use crate::{
    archive::{ArchiveError, hex},
    crypt::SnapshotKey,
    error::Error,
    manifest::{Format, Manifest, Part},
    pack::pass_on,
    pipe::{PipeReader, Tee, pipe},
    store::{Store, StoreError},
};

/// How much of a part is read at once.
const CHUNK: usize = 1 << 20;

/// A snapshot in its store.
#[derive(Clone, Copy)]
pub(crate) struct Fetching<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) manifest: &'a Manifest,
    /// The key of an encrypted one.
    pub(crate) key: Option<&'a SnapshotKey>,
}

impl Fetching<'_> {
    /// Passes a part on to `out`, as it is stored. That it was another one is known only when all of it has passed.
    pub(crate) async fn part(
        &self,
        part: &Part,
        out: &mut (dyn AsyncWrite + Send + Unpin),
    ) -> Result<(), Error> {
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
        if hex(hasher) == part.sha256 { Ok(()) } else { Err(corrupt("it has another hash")) }
    }

    /// Has `reading` read what is stored of `parts`, in clear and unpacked. That a part is another one is known only
    /// when all of it has passed: then what is read ends with an error.
    pub(crate) async fn feed(
        &self,
        (parts, format): (&[Part], Format),
        reading: impl AsyncFnOnce(PipeReader) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (mut tee, [stored]) = Tee::new();
        let (out, content) = pipe();
        let key = self.key.cloned();
        let opening = spawn_blocking(move || pass_on(stored, (key, format), out));
        let fetching = async {
            let mut fetched = Ok(());
            for part in parts {
                if fetched.is_ok() {
                    fetched = self.part(part, &mut tee).await;
                }
            }
            let is_ours = tee.is_broken;
            if fetched.is_ok() {
                tee.end().await;
            } else {
                drop(tee);
            }
            (fetched, is_ours)
        };
        let ((fetched, is_ours), opened, read) = tokio::join!(fetching, opening, reading(content));
        // One end that fails takes the others with it, so the first cause is looked for.
        if !is_ours {
            fetched?;
        }
        match opened.map_err(Error::Thread)? {
            Ok(()) | Err(ArchiveError::Pass(_)) => read,
            Err(error) => Err(error.into()),
        }
    }

    /// A part that fits into memory, in clear.
    pub(crate) async fn small(&self, part: &Part) -> Result<Vec<u8>, Error> {
        let mut content = Vec::new();
        self.part(part, &mut content).await?;
        match self.key {
            Some(key) => key.decrypt(&content).map_err(|error| ArchiveError::Read(error).into()),
            None => Ok(content),
        }
    }
}
