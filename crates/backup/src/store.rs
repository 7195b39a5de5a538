//! Where snapshots live: one trait, and one suite that every kind of store passes.
//!
//! In a store every snapshot is a folder that is named by its id. Its parts are written first, the
//! manifest last and at once: until then the folder is debris of an upload that is under way or was
//! cut off, and nothing takes it for a snapshot.

mod access;
#[cfg(test)]
pub(crate) mod conformance;
mod file;
mod github;
mod s3;
#[cfg(feature = "s3-server")]
pub mod s3_server;
mod sftp;
mod url;

use std::fmt;

use async_trait::async_trait;
use tokio::io::AsyncRead;

use crate::{
    manifest::{MANIFEST, Manifest, ManifestError},
    moment::Moment,
    name::{Name, SnapshotId},
};

pub use access::{Access, AccessError, Reach, Reached, Variable};
pub use file::FileStore;
pub use github::{GitHubSettings, GitHubStore};
pub use s3::{Lock, LockMode, S3Settings, S3Store};
pub use sftp::SftpStore;
pub use url::{StoreUrl, UrlError};

/// The largest manifest that is read: a hundred thousand files have one of some 30 MB.
const LARGEST_MANIFEST: u64 = 1 << 30;

/// What the content of a stored file is read from.
pub type Content = Box<dyn AsyncRead + Send + Unpin>;

/// A failure of a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It could not do something.
    #[error("could not {operation} in {store}")]
    Failed {
        /// What was being done, as a verb phrase.
        operation: String,
        /// Where.
        store: String,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It does not let us.
    #[error("{store} did not let us {operation}, with the key from {key_from}")]
    Denied {
        /// What was being done, as a verb phrase.
        operation: String,
        /// Where.
        store: String,
        /// Where the key was found.
        key_from: String,
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The bucket that it would be in is not there.
    #[error("there is no bucket {bucket:?} for {store}")]
    NoBucket {
        /// Its name.
        bucket: String,
        /// Where it would be needed.
        store: String,
        /// What the server said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Something there keeps a snapshot from being removed.
    #[error("{id} in {store} cannot be removed: {held}")]
    Held {
        /// Which one.
        id: String,
        /// Where.
        store: String,
        /// What.
        held: Held,
    },
    /// There is no such snapshot.
    #[error("there is no snapshot {id} in {store}")]
    NoSnapshot {
        /// Which one.
        id: String,
        /// Where.
        store: String,
    },
    /// What is called a manifest is none.
    #[error("{id} in {store} is not a snapshot")]
    NoManifest {
        /// Which one.
        id: String,
        /// Where.
        store: String,
        /// Why not.
        #[source]
        source: ManifestError,
    },
}

/// What keeps a snapshot in its store, whoever wants to remove it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// A lock, until then.
    Until(Moment),
    /// A legal hold, until somebody takes that off.
    LegalHold,
    /// Something that the server tells in these words.
    Refused(String),
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Until(moment) => write!(f, "its objects are locked until {moment}"),
            Self::LegalHold => f.write_str("its objects have a legal hold"),
            Self::Refused(said) => f.write_str(said),
        }
    }
}

/// A folder in a store that is named like a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Its name.
    pub id: SnapshotId,
    /// Whether it has a manifest.
    pub is_sealed: bool,
    /// When something in it was last written, by the clock of the store.
    pub changed_at: Moment,
}

/// A place for snapshots.
#[async_trait]
pub trait Store: fmt::Debug + Send + Sync {
    /// Where it is, without credentials.
    fn url(&self) -> String;

    /// What tells this place from every other one, also where their URLs are the same: a copy in the same place is
    /// none.
    fn location(&self) -> String {
        at_server(self.url(), None)
    }

    /// The folders that are named like snapshots, in any order.
    ///
    /// # Errors
    /// When it cannot be told. A store that is not there at all has none, and that is an error too.
    async fn folders(&self) -> Result<Vec<Folder>, StoreError>;

    /// Writes `content` to the new file `name` of a snapshot that has no manifest yet.
    ///
    /// # Errors
    /// When not all of it was stored. Whatever is there then is not the whole file.
    async fn put(&self, id: &SnapshotId, name: &str, content: Content) -> Result<(), StoreError>;

    /// Makes a snapshot of a folder, by its manifest, at once.
    ///
    /// # Errors
    /// When it is none yet, or already is one.
    async fn seal(&self, id: &SnapshotId, manifest: &[u8]) -> Result<(), StoreError>;

    /// Puts another manifest into the place of that of a snapshot, at once.
    ///
    /// # Errors
    /// When there is none to be replaced, and when it could not be: the old one is there then.
    async fn reseal(&self, id: &SnapshotId, manifest: &[u8]) -> Result<(), StoreError>;

    /// A file of a snapshot, or `None` where there is none of that name.
    ///
    /// # Errors
    /// When it cannot be read.
    async fn get(&self, id: &SnapshotId, name: &str) -> Result<Option<Content>, StoreError>;

    /// Whether whoever has our credentials can remove snapshots. `None` where only removing one would tell.
    ///
    /// # Errors
    /// When it cannot be asked.
    async fn can_remove(&self) -> Result<Option<bool>, StoreError> {
        Ok(None)
    }

    /// What keeps a snapshot from being removed now, as far as the store tells that beforehand.
    ///
    /// # Errors
    /// When it cannot be told.
    async fn held(&self, _id: &SnapshotId) -> Result<Option<Held>, StoreError> {
        Ok(None)
    }

    /// Removes a folder with all that is in it, its manifest first; one that is gone is none to remove.
    ///
    /// # Errors
    /// [`StoreError::Held`] when the store keeps it; nothing of it is gone then. Any other one when something of it is
    /// left. It is no snapshot any more then.
    async fn remove(&self, id: &SnapshotId) -> Result<(), StoreError>;
}

/// The snapshots of `name` in a store, newest first, as far as they have a manifest. Nobody has looked
/// at those.
///
/// # Errors
/// As [`Store::folders`].
pub async fn snapshots_of(store: &dyn Store, name: &Name) -> Result<Vec<SnapshotId>, StoreError> {
    let folders = store.folders().await?;
    let sealed = folders.into_iter().filter(|folder| folder.is_sealed && folder.id.name() == name);
    let mut ids: Vec<SnapshotId> = sealed.map(|folder| folder.id).collect();
    ids.sort_by(|a, b| b.cmp(a));
    Ok(ids)
}

/// The manifest of a snapshot.
///
/// # Errors
/// [`StoreError::NoSnapshot`] where there is none, [`StoreError::NoManifest`] where it is not valid, or
/// is that of another snapshot.
pub async fn manifest_of(store: &dyn Store, id: &SnapshotId) -> Result<Manifest, StoreError> {
    use tokio::io::AsyncReadExt as _;

    let Some(content) = store.get(id, MANIFEST).await? else {
        return Err(StoreError::NoSnapshot { id: id.to_string(), store: store.url() });
    };
    let mut document = Vec::new();
    let read = content.take(LARGEST_MANIFEST).read_to_end(&mut document).await;
    read.map_err(|error| failed(store, format!("read the manifest of {id}"), error))?;
    let no_manifest = |source| StoreError::NoManifest { id: id.to_string(), store: store.url(), source };
    let manifest = Manifest::from_json(&document).map_err(no_manifest)?;
    if manifest.snapshot != *id {
        let says = format!("it is that of {}", manifest.snapshot);
        return Err(no_manifest(ManifestError::Contradiction(says)));
    }
    Ok(manifest)
}

/// A place by its URL and the address of its server, where that is not in the URL.
fn at_server(url: String, endpoint: Option<&str>) -> String {
    let url = url.trim_end_matches('/');
    endpoint.map_or_else(|| url.to_owned(), |endpoint| format!("{url} at {}", endpoint.trim_end_matches('/')))
}

/// What `store` could not do.
pub(crate) fn failed(
    store: &(impl Store + ?Sized),
    operation: impl Into<String>,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> StoreError {
    StoreError::Failed { operation: operation.into(), store: store.url(), source: source.into() }
}
