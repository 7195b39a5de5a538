//! A bucket of a server that speaks S3.
//!
//! What is uploaded shows only when all of it is there, so an upload that was cut off leaves nothing that
//! looks like a file. A name is looked for before it is written, not written on a condition: the id of a
//! snapshot has a random part that nobody else knows, many servers have no such conditions, and a request
//! that may have arrived can be sent again without one.

mod client;
mod leftovers;
mod lock;
mod patience;
mod refusal;
#[cfg(test)]
mod tests;
mod through;
mod upload;

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use object_store::{
    Error as ObjectError, ObjectStore as _, ObjectStoreExt as _, aws::AmazonS3, client::HttpClient,
    path::Path,
};
use remote::Executor;
use secret::Secret;
use tokio::sync::OnceCell;
use tokio_util::io::StreamReader;

use super::{Content, Folder, Held, Store, StoreError, at_server};
use crate::{manifest::MANIFEST, moment::Moment, name::SnapshotId};

pub use lock::{Lock, LockMode};

/// Where a bucket is, and how one gets in.
#[derive(Clone, Debug)]
pub struct S3Settings {
    /// The server's address, such as `https://s3.example.org`; without one, that of Amazon for the region.
    pub endpoint: Option<String>,
    /// The region, which servers of one's own hardly look at.
    pub region: String,
    /// The name of the key.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: Secret,
    /// What keys for a while come with.
    pub session_token: Option<Secret>,
    /// Where the key was found, for messages: a noun, such as `the environment`.
    pub key_from: String,
    /// For how long a request is sent again that did not arrive or that the server was not able to answer.
    pub patience: Duration,
    /// The host that requests leave from, where that is not this machine: the address is one that it sees.
    pub via: Option<Arc<dyn Executor>>,
    /// How each new object is locked, where that is not left to the bucket.
    pub lock: Option<Lock>,
}

/// Snapshots in a bucket: `s3://bucket/prefix`.
#[derive(Clone, Debug)]
pub struct S3Store {
    /// The server's address, where it is not Amazon's.
    endpoint: Option<String>,
    bucket: String,
    prefix: Path,
    key_from: String,
    patience: Duration,
    /// How large the parts of an upload are, in bytes.
    part: usize,
    client: Arc<AmazonS3>,
    /// The same, which tells the server a checksum of all that it is sent, and locks that.
    locking: Arc<AmazonS3>,
    /// For questions that `client` does not know.
    web: HttpClient,
    /// The host that requests leave from, in words.
    via: Option<String>,
    /// Whether each new object is locked, by us.
    is_locking: bool,
    /// Whether objects of the bucket may be locked, once that is known.
    has_lock: Arc<OnceCell<bool>>,
}

/// What no object is called. (One request for all times: a bucket with versions remembers each removal.)
const NOTHING: &str = "windlass-doctor";

impl S3Store {
    /// The store in `bucket`, below `prefix`, which may be empty. Nothing is connected before it is used.
    ///
    /// # Errors
    /// When the settings cannot be those of a server.
    pub fn new(bucket: &str, prefix: &str, settings: &S3Settings) -> Result<Self, StoreError> {
        let client::Clients { client, locking, web } =
            client::build(bucket, settings).map_err(|source| StoreError::Failed {
                operation: "prepare requests".to_owned(),
                store: url(bucket, prefix),
                source,
            })?;
        Ok(Self {
            endpoint: settings.endpoint.clone(),
            bucket: bucket.to_owned(),
            prefix: Path::from(prefix),
            key_from: settings.key_from.clone(),
            patience: settings.patience,
            part: upload::PART,
            client: Arc::new(client),
            locking: Arc::new(locking),
            web,
            via: settings.via.as_ref().map(|host| host.name().to_owned()),
            is_locking: settings.lock.is_some(),
            has_lock: Arc::default(),
        })
    }

    fn folder(&self, id: &SnapshotId) -> Path {
        self.prefix.clone().join(id.to_string())
    }

    fn place(&self, id: &SnapshotId, name: &str) -> Path {
        self.folder(id).join(name)
    }

    /// The folder that an object of that key is right in, where it is named like a snapshot.
    fn folder_of(&self, key: &str) -> Option<SnapshotId> {
        let below = match self.prefix.as_ref() {
            "" => key,
            prefix => key.strip_prefix(prefix)?.strip_prefix('/')?,
        };
        let (folder, file) = below.split_once('/')?;
        if file.contains('/') { None } else { folder.parse().ok() }
    }

    /// What uploads.
    async fn writer(&self) -> &AmazonS3 {
        if self.has_lock().await { &self.locking } else { &self.client }
    }

    async fn has(&self, place: &Path) -> Result<bool, ObjectError> {
        match self.client.head(place).await {
            Ok(_) => Ok(true),
            Err(ObjectError::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Adds the objects of the bucket to `folders`.
    async fn add_objects(&self, folders: &mut BTreeMap<SnapshotId, Folder>) -> Result<(), ObjectError> {
        let prefix = Some(&self.prefix).filter(|prefix| !prefix.as_ref().is_empty());
        let mut objects = self.client.list(prefix);
        while let Some(object) = objects.try_next().await? {
            let Some(id) = self.folder_of(object.location.as_ref()) else { continue };
            let changed_at = Moment::from_unix(object.last_modified.timestamp()).unwrap_or_else(Moment::now);
            let folder = folders.entry(id.clone()).or_insert(Folder { id, is_sealed: false, changed_at });
            folder.is_sealed |= object.location.filename() == Some(MANIFEST);
            folder.changed_at = folder.changed_at.max(changed_at);
        }
        Ok(())
    }

    async fn remove_objects(&self, id: &SnapshotId) -> Result<(), ObjectError> {
        let folder = self.folder(id);
        let objects = self.client.list(Some(&folder)).map_ok(|object| object.location);
        let mut places: Vec<Path> = objects.try_collect().await?;
        places.sort_by_key(|place| place.filename() != Some(MANIFEST));
        for place in places {
            match self.client.delete(&place).await {
                Err(error) if !matches!(error, ObjectError::NotFound { .. }) => return Err(error),
                _ => {}
            }
        }
        self.end_uploads(id).await
    }
}

/// The URL of a store, without credentials.
fn url(bucket: &str, prefix: &str) -> String {
    if prefix.is_empty() { format!("s3://{bucket}") } else { format!("s3://{bucket}/{prefix}") }
}

#[async_trait]
impl Store for S3Store {
    fn url(&self) -> String {
        url(&self.bucket, self.prefix.as_ref())
    }

    fn location(&self) -> String {
        let place = at_server(self.url(), self.endpoint.as_deref());
        match &self.via {
            // An address may mean another server from there.
            Some(host) => format!("{place} from {host}"),
            None => place,
        }
    }

    async fn folders(&self) -> Result<Vec<Folder>, StoreError> {
        let mut folders = BTreeMap::new();
        let listed = self.add_objects(&mut folders).await;
        listed.map_err(|error| self.told("list the snapshots", error))?;
        self.add_uploads(&mut folders).await;
        Ok(folders.into_values().collect())
    }

    async fn put(&self, id: &SnapshotId, name: &str, content: Content) -> Result<(), StoreError> {
        let uploaded = self.upload(&self.place(id, name), content).await;
        uploaded.map_err(|error| self.told(format!("write {name} of {id}"), error))
    }

    async fn seal(&self, id: &SnapshotId, manifest: &[u8]) -> Result<(), StoreError> {
        let content = io::Cursor::new(manifest.to_vec());
        self.put(id, MANIFEST, Box::new(content)).await
    }

    async fn reseal(&self, id: &SnapshotId, manifest: &[u8]) -> Result<(), StoreError> {
        let place = self.place(id, MANIFEST);
        let replaced = async {
            self.client.head(&place).await?;
            self.writer().await.put(&place, manifest.to_vec().into()).await
        };
        let replaced = replaced.await;
        replaced.map(drop).map_err(|error| self.told(format!("replace the manifest of {id}"), error))
    }

    async fn get(&self, id: &SnapshotId, name: &str) -> Result<Option<Content>, StoreError> {
        match self.client.get(&self.place(id, name)).await {
            Ok(found) => {
                let stream = found.into_stream().map_err(io::Error::from);
                Ok(Some(Box::new(StreamReader::new(stream))))
            }
            // A bucket that is not there has no file either, and that is another matter.
            Err(ObjectError::NotFound { .. }) if name != MANIFEST => Ok(None),
            Err(ObjectError::NotFound { .. }) => self.folders().await.map(|_| None),
            Err(error) => Err(self.told(format!("read {name} of {id}"), error)),
        }
    }

    async fn held(&self, id: &SnapshotId) -> Result<Option<Held>, StoreError> {
        if !self.has_lock().await {
            return Ok(None);
        }
        self.hold_of(id).await.map_err(|error| self.told(format!("look after the lock of {id}"), error))
    }

    async fn can_remove(&self) -> Result<Option<bool>, StoreError> {
        // What is locked there, each object tells.
        if self.has_lock().await {
            return Ok(None);
        }
        // Rights are looked at before the object, and there is none.
        match self.client.delete(&self.prefix.clone().join(NOTHING)).await {
            Ok(()) | Err(ObjectError::NotFound { .. }) => Ok(Some(true)),
            Err(error) => match self.told("remove what is not there".to_owned(), error) {
                StoreError::Denied { .. } => Ok(Some(false)),
                other => Err(other),
            },
        }
    }

    async fn remove(&self, id: &SnapshotId) -> Result<(), StoreError> {
        if self.has_lock().await {
            self.remove_versions(id).await?;
            let ended = self.end_uploads(id).await;
            return ended.map_err(|error| self.told(format!("remove {id}"), error));
        }
        let removed = self.remove_objects(id).await;
        removed.map_err(|error| self.told(format!("remove {id}"), error))
    }
}
