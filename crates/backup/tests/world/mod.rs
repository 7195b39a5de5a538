//! A directory with a corpus, a store and a place to restore to.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use backup::{
    ArchiveError, Compress, Corpus, Error, Format, Host, Links, Manifest, Moment, Name, Overwrite, RawPath,
    Restored, Restoring, SnapshotKey, Taking, Why, store::FileStore,
};
use remote::Executor;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub struct World {
    dir: TempDir,
    store: FileStore,
    pub name: Name,
    corpus: Corpus,
    /// What encrypted snapshots are restored with.
    pub key: Option<SnapshotKey>,
}

pub struct TakingIn<'a>(Taking<'a>);

impl<'a> TakingIn<'a> {
    pub fn with(mut self, change: impl FnOnce(&mut Taking<'a>)) -> Self {
        change(&mut self.0);
        self
    }

    pub async fn take(self) -> Result<Manifest, Error> {
        self.take_at(Moment::now()).await
    }

    pub async fn take_at(self, now: Moment) -> Result<Manifest, Error> {
        self.0.take(now).await
    }
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["source", "store"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let store = FileStore::new(dir.path().join("store"));
        let path = dir.path().canonicalize().unwrap().join("source").to_str().unwrap().to_owned();
        Self { dir, store, name: "prod".parse().unwrap(), corpus: Corpus::Path(path), key: None }
    }

    pub fn root(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    pub fn source(&self) -> PathBuf {
        self.root().join("source")
    }

    pub fn target(&self) -> PathBuf {
        self.root().join("target")
    }

    pub fn store(&self) -> FileStore {
        self.store.clone()
    }

    pub fn taking<'a>(&'a self, exec: &'a dyn Executor) -> TakingIn<'a> {
        TakingIn(Taking {
            exec,
            host: Host { name: "local://".into(), machine_id: "1".into() },
            name: &self.name,
            corpus: &self.corpus,
            exclude: &[],
            store: &self.store,
            compress: Compress::default(),
            format: Format::TarZst,
            links: Links::Inside,
            quiesce: None,
            encrypt_to: &[],
            keep_until: None,
            verify: true,
            proof: None,
            cancel: CancellationToken::new(),
        })
    }

    pub async fn restore(
        &self,
        exec: &dyn Executor,
        manifest: &Manifest,
        overwrite: Overwrite,
    ) -> Result<Restored, Error> {
        self.restore_with(exec, manifest, (overwrite, &[])).await
    }

    /// The same, with a command that changes the data on the way.
    pub async fn restore_with(
        &self,
        exec: &dyn Executor,
        manifest: &Manifest,
        (overwrite, transform): (Overwrite, &[String]),
    ) -> Result<Restored, Error> {
        let corpus = Corpus::Path(self.target().to_str().unwrap().to_owned());
        let restoring = Restoring {
            exec,
            store: &self.store,
            manifest,
            corpus: &corpus,
            overwrite,
            links: Links::Inside,
            owner: None,
            sections: None,
            transform,
            quiesce: None,
            key: self.key.clone(),
            cancel: CancellationToken::new(),
        };
        restoring.restore().await
    }

    /// The folders of the store, and whether each is sealed.
    pub async fn folders(&self) -> Vec<(backup::SnapshotId, bool)> {
        let folders = backup::Store::folders(&self.store).await.unwrap();
        folders.into_iter().map(|folder| (folder.id, folder.is_sealed)).collect()
    }

    pub fn beside_target(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }
}

/// A name of any bytes.
pub fn raw(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}

/// What is below a directory, with all that a snapshot keeps of it; with the times of directories, which
/// BusyBox does not restore, where that is asked for.
pub fn tree(root: &Path, times: bool) -> BTreeMap<Vec<u8>, (u32, i64, String)> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(path) = open.pop() {
        let facts = fs::symlink_metadata(&path).unwrap();
        let (mut content, mut mtime) = (Vec::new(), facts.mtime());
        if facts.is_dir() {
            mtime *= i64::from(times);
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if facts.is_symlink() {
            content = fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec();
            // Not every tar sets that of a link.
            mtime = 0;
        } else {
            content = fs::read(&path).unwrap();
        }
        let name = path.strip_prefix(root).unwrap().as_os_str().as_bytes().to_vec();
        found.insert(name, (facts.mode(), mtime, tree::sha256(&content)));
    }
    found
}

/// What was refused and why, if that is what an error says.
pub fn refusal(error: &Error) -> Option<(RawPath, Why)> {
    match error {
        Error::Archive(ArchiveError::Refused(refusal)) => Some((refusal.path.clone(), refusal.why)),
        _ => None,
    }
}

impl<'a> TakingIn<'a> {
    /// Into another store.
    pub fn with_store(self, store: &'a dyn backup::Store) -> Self {
        self.with(|taking| taking.store = store)
    }
}

/// This machine, with a script in the place of `tar` that knows tar as `real`.
#[derive(Debug)]
pub struct HostWithTar(TempDir);

impl HostWithTar {
    pub fn new(script: &str) -> Self {
        use std::os::unix::fs::PermissionsExt as _;

        let dir = tempfile::tempdir().unwrap();
        let real = ["/usr/bin/tar", "/bin/tar"].into_iter().find(|path| Path::new(path).exists()).unwrap();
        std::os::unix::fs::symlink(real, dir.path().join("real")).unwrap();
        let about = "case $1 in --version | --help) exec real \"$1\" ;; esac";
        let path = dir.path().join("tar");
        fs::write(&path, format!("#!/bin/sh\n{about}\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self(dir)
    }
}

#[async_trait::async_trait]
impl Executor for HostWithTar {
    async fn start(&self, command: &remote::Command) -> Result<remote::Process, remote::Error> {
        let path = format!("PATH={}:{}", self.0.path().display(), std::env::var("PATH").unwrap());
        let words = ["env".to_owned(), path].into_iter().chain(command.words().iter().cloned());
        remote::Local::new().start(&remote::Command::new(words).timeout(command.time_limit())).await
    }

    async fn dial(&self, target: &remote::Dial) -> Result<Box<dyn remote::Stream>, remote::Error> {
        remote::Local::new().dial(target).await
    }

    fn name(&self) -> &str {
        "a host with another tar"
    }

    fn sudo(&self) -> remote::connection::Sudo {
        remote::connection::Sudo::Nothing
    }

    fn noise(&self) -> Option<remote::Noise> {
        None
    }
}
