//! A directory of another server, by SFTP: its account need not be allowed anything else.

mod session;
#[cfg(test)]
mod tests;

use std::{io, sync::Arc};

use async_trait::async_trait;
use remote::Executor;
use russh_sftp::{
    client::{error::Error as SftpError, fs::File},
    protocol::{FileAttributes, OpenFlags},
};
use tokio::io::AsyncWriteExt as _;

use super::{Content, Folder, Store, StoreError, failed};
use crate::{manifest::MANIFEST, moment::Moment, name::SnapshotId};
use session::{Session, Sessions, is_absent};

/// What a file is called until all of it is there.
const PARTIAL: &str = ".partial";

/// The permission bits of files: nobody else's.
const MODE: u32 = 0o600;

/// How much is moved at once.
const CHUNK: usize = 1 << 20;

/// Snapshots in a directory of another server: `sftp://user@host/path`.
#[derive(Clone, Debug)]
pub struct SftpStore {
    url: String,
    root: String,
    sessions: Arc<Sessions>,
}

/// A failure that has its words.
type Cause = Box<dyn std::error::Error + Send + Sync>;

impl SftpStore {
    /// The store in the directory `root` of the server behind `executor`, which has to be there. Nothing is connected.
    pub fn new(url: String, root: impl Into<String>, executor: Arc<dyn Executor>) -> Self {
        Self { url, root: root.into(), sessions: Arc::new(Sessions::new(executor)) }
    }

    fn folder(&self, id: &SnapshotId) -> String {
        format!("{}/{id}", self.root)
    }

    async fn list(&self, session: &Session) -> Result<Vec<Folder>, SftpError> {
        let mut folders = Vec::new();
        for entry in session.files.read_dir(&self.root).await? {
            let Ok(id) = entry.file_name().parse::<SnapshotId>() else { continue };
            let mut newest = entry.metadata().mtime.unwrap_or_default();
            let mut is_sealed = false;
            let inside = match session.files.read_dir(self.folder(&id)).await {
                // Somebody has removed it meanwhile.
                Err(error) if is_absent(&error) => continue,
                inside => inside?,
            };
            for file in inside {
                newest = newest.max(file.metadata().mtime.unwrap_or_default());
                is_sealed |= file.file_name() == MANIFEST;
            }
            let changed_at = Moment::from_unix(newest.into()).unwrap_or_else(Moment::now);
            folders.push(Folder { id, is_sealed, changed_at });
        }
        Ok(folders)
    }

    async fn write(&self, id: &SnapshotId, name: &str, content: &mut Content) -> Result<(), Cause> {
        let (session, folder) = (self.sessions.get().await?, self.folder(id));
        let place = format!("{folder}/{name}");
        // That there is one already is no failure, and is told like any other one.
        if let Err(error) = session.files.create_dir(&folder).await {
            session.files.metadata(&folder).await.map_err(|_| error)?;
        }
        if session.files.try_exists(&place).await? {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists).into());
        }
        let partial = format!("{place}{PARTIAL}");
        self.write_file(&session, &partial, content).await?;
        Ok(session.files.rename(partial, place).await?)
    }

    /// Writes a file and has it on the disk, as far as the server can do that.
    async fn write_file(&self, session: &Session, path: &str, content: &mut Content) -> Result<(), Cause> {
        let flags = OpenFlags::CREATE | OpenFlags::EXCLUDE | OpenFlags::WRITE;
        let mode = FileAttributes { permissions: Some(MODE), ..FileAttributes::empty() };
        let file: File = session.files.open_with_flags_and_attributes(path, flags, mode).await?;
        let mut file = tokio::io::BufWriter::with_capacity(CHUNK, file);
        tokio::io::copy_buf(&mut tokio::io::BufReader::with_capacity(CHUNK, content), &mut file).await?;
        file.flush().await?;
        let file = file.into_inner();
        file.sync_all().await?;
        Ok(file.close().await?)
    }

    async fn replace_manifest(&self, id: &SnapshotId, manifest: &[u8]) -> Result<(), Cause> {
        let (session, place) = (self.sessions.get().await?, format!("{}/{MANIFEST}", self.folder(id)));
        session.files.metadata(&place).await?;
        let partial = format!("{place}{PARTIAL}");
        // What another try left that was cut off.
        match session.files.remove_file(&partial).await {
            Err(error) if !is_absent(&error) => return Err(error.into()),
            _ => {}
        }
        let mut content: Content = Box::new(io::Cursor::new(manifest.to_vec()));
        self.write_file(&session, &partial, &mut content).await?;
        session.rename_over(&partial, &place).await
    }

    async fn remove_folder(&self, id: &SnapshotId) -> Result<(), Cause> {
        let (session, folder) = (self.sessions.get().await?, self.folder(id));
        let mut names: Vec<String> = match session.files.read_dir(&folder).await {
            Err(error) if is_absent(&error) => return Ok(()),
            inside => inside?.map(|file| file.file_name()).collect(),
        };
        names.sort_by_key(|name| name != MANIFEST);
        for name in names {
            match session.files.remove_file(format!("{folder}/{name}")).await {
                Err(error) if !is_absent(&error) => return Err(error.into()),
                _ => {}
            }
        }
        match session.files.remove_dir(&folder).await {
            Err(error) if !is_absent(&error) => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The failure of an operation; a session that failed otherwise than by an answer is used no more.
    async fn told(&self, operation: String, error: Cause) -> StoreError {
        if !matches!(error.downcast_ref(), Some(SftpError::Status(_))) {
            self.sessions.forget().await;
        }
        failed(self, operation, error)
    }
}

#[async_trait]
impl Store for SftpStore {
    fn url(&self) -> String {
        self.url.clone()
    }

    async fn folders(&self) -> Result<Vec<Folder>, StoreError> {
        let listed = async { Ok(self.list(&*self.sessions.get().await?).await?) };
        match listed.await {
            Ok(folders) => Ok(folders),
            Err(error) => Err(self.told("list the snapshots".to_owned(), error).await),
        }
    }

    async fn put(&self, id: &SnapshotId, name: &str, mut content: Content) -> Result<(), StoreError> {
        match self.write(id, name, &mut content).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.told(format!("write {name} of {id}"), error).await),
        }
    }

    async fn seal(&self, id: &SnapshotId, manifest: &[u8]) -> Result<(), StoreError> {
        let content = io::Cursor::new(manifest.to_vec());
        self.put(id, MANIFEST, Box::new(content)).await
    }

    async fn reseal(&self, id: &SnapshotId, manifest: &[u8]) -> Result<(), StoreError> {
        match self.replace_manifest(id, manifest).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.told(format!("replace the manifest of {id}"), error).await),
        }
    }

    async fn get(&self, id: &SnapshotId, name: &str) -> Result<Option<Content>, StoreError> {
        let path = format!("{}/{name}", self.folder(id));
        let opened = async { Ok(self.sessions.get().await?.files.open(path).await) };
        match opened.await {
            Ok(Ok(file)) => Ok(Some(Box::new(tokio::io::BufReader::with_capacity(CHUNK, file)))),
            // A store that is not there has no file either, and that is another matter.
            Ok(Err(error)) if is_absent(&error) && name == MANIFEST => self.folders().await.map(|_| None),
            Ok(Err(error)) if is_absent(&error) => Ok(None),
            Ok(Err(error)) => Err(self.told(format!("read {name} of {id}"), error.into()).await),
            Err(error) => Err(self.told(format!("read {name} of {id}"), error).await),
        }
    }

    async fn remove(&self, id: &SnapshotId) -> Result<(), StoreError> {
        match self.remove_folder(id).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.told(format!("remove {id}"), error).await),
        }
    }
}
