//! A directory of the machine that runs us.

use std::{
    fs::File,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use tokio::{
    fs,
    io::AsyncReadExt as _,
    task::{JoinHandle, spawn_blocking},
};

use super::{Content, Folder, Store, StoreError, failed};
use crate::{manifest::MANIFEST, moment::Moment, name::SnapshotId};

/// What a file is called until all of it is on the disk.
const PARTIAL: &str = ".partial";

/// How much is written at once.
const CHUNK: usize = 1 << 20;

/// After how much the disk is told to begin with it.
const AHEAD: usize = 64 << 20;

/// Snapshots in a directory of this machine: `file:///path`.
#[derive(Clone, Debug)]
pub struct FileStore {
    root: PathBuf,
}

impl FileStore {
    /// The store in the directory `root`, which has to be there: one that is made in the place of a
    /// disk that is not mounted would fill up another one.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn folder(&self, id: &SnapshotId) -> PathBuf {
        self.root.join(id.to_string())
    }

    async fn write(&self, id: &SnapshotId, name: &str, mut content: Content) -> io::Result<()> {
        let folder = self.folder(id);
        match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        if fs::try_exists(folder.join(name)).await? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.write_over(&folder, name, &mut content).await?;
        sync(&self.root).await
    }

    /// Writes a file, in the place of another one of its name.
    async fn write_over(&self, folder: &Path, name: &str, content: &mut Content) -> io::Result<()> {
        let (place, partial) = (folder.join(name), folder.join(format!("{name}{PARTIAL}")));
        let options = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).clone();
        let file = Arc::new(options.open(&partial)?);
        let (mut behind, mut writing, mut syncing) = (0, None, None);
        loop {
            let mut chunk = Vec::with_capacity(CHUNK);
            while chunk.len() < CHUNK && content.read_buf(&mut chunk).await? > 0 {}
            let count = chunk.len();
            if count == 0 {
                break;
            }
            ended(writing.take()).await?;
            writing = Some(begin(&file, move |mut file| file.write_all(&chunk)));
            behind += count;
            if behind >= AHEAD {
                behind = 0;
                // Otherwise a large file would wait for all of it at its end. A disk tells an error of it once.
                ended(syncing.take()).await?;
                syncing = Some(begin(&file, File::sync_data));
            }
        }
        ended(writing).await?;
        ended(syncing).await?;
        ended(Some(begin(&file, File::sync_all))).await?;
        fs::rename(&partial, &place).await?;
        sync(folder).await
    }

    async fn write_manifest_over(&self, id: &SnapshotId, manifest: &[u8]) -> io::Result<()> {
        let folder = self.folder(id);
        fs::metadata(folder.join(MANIFEST)).await?;
        // What another try left that was cut off.
        gone_is_fine(fs::remove_file(folder.join(format!("{MANIFEST}{PARTIAL}"))).await)?;
        let mut content: Content = Box::new(io::Cursor::new(manifest.to_vec()));
        self.write_over(&folder, MANIFEST, &mut content).await
    }
}

/// Something that is done with a file by a thread that may wait for the disk.
type Doing = JoinHandle<io::Result<()>>;

fn begin(file: &Arc<File>, what: impl FnOnce(&File) -> io::Result<()> + Send + 'static) -> Doing {
    let file = file.clone();
    spawn_blocking(move || what(&file))
}

async fn ended(doing: Option<Doing>) -> io::Result<()> {
    match doing {
        Some(doing) => doing.await.map_err(io::Error::other)?,
        None => Ok(()),
    }
}

/// Has the names in `directory` on the disk.
async fn sync(directory: &Path) -> io::Result<()> {
    fs::File::open(directory).await?.sync_all().await
}

/// When something in `folder` was last written. What is removed meanwhile does not count.
async fn last_change(folder: &Path) -> io::Result<Moment> {
    let mut newest = std::time::UNIX_EPOCH;
    let mut names = fs::read_dir(folder).await?;
    newest = newest.max(fs::metadata(folder).await?.modified()?);
    while let Some(entry) = names.next_entry().await? {
        if let Ok(facts) = entry.metadata().await {
            newest = newest.max(facts.modified()?);
        }
    }
    let seconds = newest.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    Ok(i64::try_from(seconds).ok().and_then(Moment::from_unix).unwrap_or_else(Moment::now))
}

fn gone_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[async_trait]
impl Store for FileStore {
    fn url(&self) -> String {
        format!("file://{}", self.root.display())
    }

    fn location(&self) -> String {
        let root = std::fs::canonicalize(&self.root);
        format!("file://{}", root.as_ref().unwrap_or(&self.root).display())
    }

    async fn folders(&self) -> Result<Vec<Folder>, StoreError> {
        let list = |error| failed(self, "list the snapshots", error);
        let mut names = fs::read_dir(&self.root).await.map_err(list)?;
        let mut folders = Vec::new();
        while let Some(entry) = names.next_entry().await.map_err(list)? {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let is_sealed = fs::try_exists(entry.path().join(MANIFEST)).await.map_err(list)?;
            let changed_at = last_change(&entry.path()).await.map_err(list)?;
            folders.push(Folder { id, is_sealed, changed_at });
        }
        Ok(folders)
    }

    async fn put(&self, id: &SnapshotId, name: &str, content: Content) -> Result<(), StoreError> {
        let written = self.write(id, name, content).await;
        written.map_err(|error| failed(self, format!("write {name} of {id}"), error))
    }

    async fn seal(&self, id: &SnapshotId, manifest: &[u8]) -> Result<(), StoreError> {
        let content = io::Cursor::new(manifest.to_vec());
        self.put(id, MANIFEST, Box::new(content)).await
    }

    async fn reseal(&self, id: &SnapshotId, manifest: &[u8]) -> Result<(), StoreError> {
        let written = self.write_manifest_over(id, manifest).await;
        written.map_err(|error| failed(self, format!("replace the manifest of {id}"), error))
    }

    async fn get(&self, id: &SnapshotId, name: &str) -> Result<Option<Content>, StoreError> {
        match fs::File::open(self.folder(id).join(name)).await {
            Ok(file) => Ok(Some(Box::new(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(self, format!("read {name} of {id}"), error)),
        }
    }

    async fn remove(&self, id: &SnapshotId) -> Result<(), StoreError> {
        let folder = self.folder(id);
        let removed = async {
            gone_is_fine(fs::remove_file(folder.join(MANIFEST)).await)?;
            gone_is_fine(fs::remove_dir_all(&folder).await)
        };
        let removed = removed.await;
        removed.map_err(|error| failed(self, format!("remove {id}"), error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance;

    #[tokio::test]
    async fn it_is_a_store() {
        let dir = tempfile::tempdir().unwrap();
        conformance::check(&FileStore::new(dir.path())).await;
    }

    #[tokio::test]
    async fn a_directory_that_is_not_there_is_no_empty_store() {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new(dir.path().join("unmounted"));
        let error = store.folders().await.unwrap_err();
        assert!(error.to_string().starts_with("could not list the snapshots in file:///"), "{error}");
        let id = conformance::id("prod", 0);
        assert!(store.put(&id, "a", Box::new(&b"x"[..])).await.is_err());
    }

    #[tokio::test]
    async fn what_is_too_large_to_wait_for_at_the_end_arrives_whole() {
        let dir = tempfile::tempdir().unwrap();
        let (store, id) = (FileStore::new(dir.path()), conformance::id("prod", 0));
        let size = 2 * AHEAD as u64 + 1;
        let content = tokio::io::AsyncReadExt::take(tokio::io::repeat(7), size);
        store.put(&id, "a", Box::new(content)).await.unwrap();
        let mut content = store.get(&id, "a").await.unwrap().unwrap();
        let (mut chunk, mut all) = (vec![0; CHUNK], 0);
        loop {
            let count = tokio::io::AsyncReadExt::read(&mut content, &mut chunk).await.unwrap();
            if count == 0 {
                break;
            }
            assert!(chunk[..count].iter().all(|byte| *byte == 7));
            all += count as u64;
        }
        assert_eq!(all, size);
    }

    #[tokio::test]
    async fn an_upload_that_was_cut_off_leaves_no_file_of_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new(dir.path());
        let id = conformance::id("prod", 0);
        let broken = conformance::Broken::after(b"half of it");
        store.put(&id, "archive", Box::new(broken)).await.unwrap_err();
        assert!(store.get(&id, "archive").await.unwrap().is_none());
        assert_eq!(conformance::folders(&store).await, [(id.clone(), false)]);
        store.remove(&id).await.unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
