//! Releases of a repository on GitHub, or on a server of one's own that speaks its API.
//!
//! A snapshot is a release whose tag is its id. It is a draft, which nobody else sees, until its manifest is there. A
//! file of a release has to be smaller than 2 GiB, and its length has to be known before: so a larger one goes there in
//! pieces, each of which is written to a temporary file first. An upload that fails may leave something that is called
//! the same and is none; it is removed before the next try.

mod api;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

use std::{
    io::{self, Seek as _},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use secret::Secret;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::sleep,
};
use tokio_util::io::{ReaderStream, StreamReader};

use super::{Content, Folder, Store, StoreError, at_server, failed};
use crate::{manifest::MANIFEST, moment::Moment, name::SnapshotId};
use api::{Api, ApiError, Asset, Release};

/// The address of the API of GitHub itself.
pub(super) const ADDRESS: &str = "https://api.github.com";

/// How large a piece is at most: a file of a release has to be smaller than 2 GiB.
const PIECE: u64 = 1900 << 20;

/// What the names of pieces have behind that of the file, each with a number; the last one of a file has an end.
const NUMBER: &str = ".piece";
const LAST: &str = ".last";

/// What the name of a file without a byte has behind it: none can be uploaded, so it has one.
const EMPTY: &str = ".empty";

/// How often an upload is tried.
const TRIES: u32 = 4;

/// How one gets in.
#[derive(Clone, Debug)]
pub struct GitHubSettings {
    /// The address of the API; without one, GitHub's.
    pub endpoint: Option<String>,
    /// Who may read and write the contents of the repository.
    pub token: Secret,
    /// Where it was found, for messages: a noun, such as `the environment`.
    pub token_from: String,
    /// For how long a request is sent again.
    pub patience: Duration,
}

/// Snapshots as releases: `github://owner/repository`.
#[derive(Clone, Debug)]
pub struct GitHubStore {
    /// The address of the API, where it is not GitHub's.
    endpoint: Option<String>,
    repository: String,
    token_from: String,
    piece: u64,
    api: Api,
}

impl GitHubStore {
    /// The store in `repository`, which is `owner/name`. Nothing is connected before it is used.
    ///
    /// # Errors
    /// When the settings cannot be those of a server.
    pub fn new(repository: &str, settings: &GitHubSettings) -> Result<Self, StoreError> {
        let address = settings.endpoint.as_deref().unwrap_or(ADDRESS);
        let api = Api::new(address, repository, settings.token.clone(), settings.patience);
        let api = api.map_err(|source| StoreError::Failed {
            operation: "prepare requests".to_owned(),
            store: url(repository),
            source: source.into(),
        })?;
        let (repository, token_from) = (repository.to_owned(), settings.token_from.clone());
        Ok(Self { endpoint: settings.endpoint.clone(), repository, token_from, piece: PIECE, api })
    }

    fn told(&self, operation: String, error: ApiError) -> StoreError {
        if error.is_denied() {
            let (store, key_from) = (self.url(), self.token_from.clone());
            return StoreError::Denied { operation, store, key_from, source: error.into() };
        }
        failed(self, operation, error)
    }

    /// The releases of a snapshot: more than one where a request that made one was answered by nobody.
    async fn releases(&self, id: &SnapshotId) -> Result<Vec<Release>, ApiError> {
        let mut releases = self.api.releases().await?;
        releases.retain(|release| release.tag_name == id.to_string());
        // What is published is what others see.
        releases.sort_by_key(|release| (release.draft, release.id));
        Ok(releases)
    }

    async fn release(&self, id: &SnapshotId) -> Result<Option<Release>, ApiError> {
        Ok(self.releases(id).await?.into_iter().next())
    }

    /// The draft that the files of a snapshot go to.
    async fn draft(&self, id: &SnapshotId) -> Result<Release, ApiError> {
        match self.release(id).await? {
            Some(release) if release.draft => Ok(release),
            Some(_) => Err(ApiError::Wrong("it is a snapshot already")),
            None => match self.api.create(&id.to_string()).await {
                Err(error) if error.is_passing() => self.release(id).await?.ok_or(error),
                created => created,
            },
        }
    }

    async fn write(&self, id: &SnapshotId, name: &str, mut content: Content) -> Result<(), ApiError> {
        let release = self.draft(id).await?;
        if find(&self.api.assets(release.id).await?, name).is_some() {
            return Err(ApiError::Wrong("there is one of this name"));
        }
        let mut number = 0;
        let mut piece = Spooled::of(&mut content, self.piece).await?;
        if piece.size == 0 {
            let byte = Spooled::of(&mut &b"0"[..], 1).await?;
            return self.send(&release, &format!("{name}{EMPTY}"), &byte).await;
        }
        loop {
            // Whether it is the last one is known when there is nothing behind it.
            let next = Spooled::of(&mut content, self.piece).await?;
            let is_last = next.size == 0;
            let called = match (number, is_last) {
                (0, true) => name.to_owned(),
                (number, is_last) => format!("{name}{NUMBER}{number:03}{}", if is_last { LAST } else { "" }),
            };
            self.send(&release, &called, &piece).await?;
            if is_last {
                return Ok(());
            }
            (piece, number) = (next, number + 1);
        }
    }

    /// Uploads a piece, as often as it takes.
    async fn send(&self, release: &Release, name: &str, piece: &Spooled) -> Result<(), ApiError> {
        let mut tries = 1;
        loop {
            let error = match self.api.upload(release, name, (piece.size, piece.body()?)).await {
                Ok(asset) if asset.is_whole() && asset.size == piece.size && asset.name == name => {
                    return Ok(());
                }
                Ok(_) => ApiError::Wrong("the server has another file than was sent"),
                Err(error) => error,
            };
            // What it has left is in the way of the next try, and must not be taken for a file.
            for left in self.api.assets(release.id).await?.into_iter().filter(|asset| asset.name == name) {
                self.api.delete(&format!("releases/assets/{}", left.id)).await?;
            }
            let wait = match &error {
                ApiError::Limited { seconds } => Some(Duration::from_secs(*seconds)),
                error => error.is_passing().then_some(Duration::from_millis(250) * tries),
            };
            let Some(wait) = wait.filter(|wait| tries < TRIES && *wait < self.api.patience()) else {
                return Err(error);
            };
            sleep(wait).await;
            tries += 1;
        }
    }

    /// What is in the files of a release that make up the file `name`.
    async fn read(&self, release: &Release, name: &str) -> Result<Option<Content>, ApiError> {
        let Some(pieces) = find(&self.api.assets(release.id).await?, name) else { return Ok(None) };
        // One after another: what is not read would be taken for silence.
        let api = self.api.clone();
        let bytes = stream::iter(pieces).then(move |asset| {
            let api = api.clone();
            async move {
                let answer = api.download(asset).await.map_err(io::Error::other)?;
                Ok::<_, io::Error>(answer.bytes_stream().map_err(io::Error::other))
            }
        });
        Ok(Some(Box::new(StreamReader::new(Box::pin(bytes.try_flatten())))))
    }

    async fn publish(&self, id: &SnapshotId, manifest: &[u8]) -> Result<(), ApiError> {
        let release = self.draft(id).await?;
        // That of a try whose end nobody saw.
        for asset in self.api.assets(release.id).await?.iter().filter(|asset| asset.name == MANIFEST) {
            self.api.delete(&format!("releases/assets/{}", asset.id)).await?;
        }
        let manifest = Spooled::of(&mut &manifest[..], u64::MAX).await?;
        self.send(&release, MANIFEST, &manifest).await?;
        let published = json!({ "draft": false, "prerelease": true, "make_latest": "false" });
        self.api.change(&format!("releases/{}", release.id), &published).await
    }

    /// Another manifest is uploaded beside the old one first; then both change their names.
    async fn exchange(&self, id: &SnapshotId, manifest: &[u8]) -> Result<(), ApiError> {
        let release = self.release(id).await?.filter(|release| !release.draft);
        let release = release.ok_or(ApiError::Wrong("there is no snapshot"))?;
        let [new, old] = [".new", ".old"].map(|ending| format!("{MANIFEST}{ending}"));
        let manifest = Spooled::of(&mut &manifest[..], u64::MAX).await?;
        let find = |assets: &[Asset], name: &str| {
            assets.iter().find(|asset| asset.name == name && asset.is_whole()).map(|asset| asset.id)
        };
        for left in self.api.assets(release.id).await? {
            if left.name == new || left.name == old {
                self.api.delete(&format!("releases/assets/{}", left.id)).await?;
            }
        }
        self.send(&release, &new, &manifest).await?;
        let assets = self.api.assets(release.id).await?;
        let (Some(before), Some(after)) = (find(&assets, MANIFEST), find(&assets, &new)) else {
            return Err(ApiError::Wrong("there is no snapshot"));
        };
        let rename = async |asset: u64, name: &str| {
            self.api.change(&format!("releases/assets/{asset}"), &json!({ "name": name })).await
        };
        rename(before, &old).await?;
        if let Err(error) = rename(after, MANIFEST).await {
            rename(before, MANIFEST).await?;
            return Err(error);
        }
        self.api.delete(&format!("releases/assets/{before}")).await
    }

    async fn remove_releases(&self, id: &SnapshotId) -> Result<(), ApiError> {
        let releases = self.releases(id).await?;
        for release in &releases {
            for asset in release.assets.iter().filter(|asset| asset.name == MANIFEST) {
                self.api.delete(&format!("releases/assets/{}", asset.id)).await?;
            }
            self.api.delete(&format!("releases/{}", release.id)).await?;
        }
        if releases.iter().any(|release| !release.draft) {
            match self.api.delete(&format!("git/refs/tags/{id}")).await {
                Err(error) if !error.is_invalid() => return Err(error),
                // Somebody was faster, or nobody.
                _ => {}
            }
        }
        Ok(())
    }
}

fn url(repository: &str) -> String {
    format!("github://{repository}")
}

/// The files that make up the file `name`, in their order; nothing where one is missing.
fn find(assets: &[Asset], name: &str) -> Option<Vec<u64>> {
    let whole = |called: &str| {
        assets.iter().find(|asset| asset.name == called && asset.is_whole()).map(|asset| asset.id)
    };
    if let Some(one) = whole(name) {
        return Some(vec![one]);
    }
    if whole(&format!("{name}{EMPTY}")).is_some() {
        return Some(Vec::new());
    }
    let mut pieces = Vec::new();
    for number in 0.. {
        let called = format!("{name}{NUMBER}{number:03}");
        if let Some(last) = whole(&format!("{called}{LAST}")) {
            pieces.push(last);
            return Some(pieces);
        }
        pieces.push(whole(&called)?);
    }
    None
}

/// A piece of something, in a temporary file that has no name.
struct Spooled {
    file: std::fs::File,
    size: u64,
}

impl Spooled {
    /// The next bytes of `content`, so many at most.
    async fn of(
        content: &mut (impl tokio::io::AsyncRead + Unpin + ?Sized),
        most: u64,
    ) -> Result<Self, io::Error> {
        let mut file = tokio::fs::File::from_std(tempfile::tempfile()?);
        let size = tokio::io::copy(&mut content.take(most), &mut file).await?;
        file.flush().await?;
        Ok(Self { file: file.into_std().await, size })
    }

    /// All of it, from its beginning.
    fn body(&self) -> Result<reqwest::Body, io::Error> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(reqwest::Body::wrap_stream(ReaderStream::with_capacity(
            tokio::fs::File::from_std(file),
            256 << 10,
        )))
    }
}

#[async_trait]
impl Store for GitHubStore {
    fn url(&self) -> String {
        url(&self.repository)
    }

    fn location(&self) -> String {
        at_server(self.url(), self.endpoint.as_deref())
    }

    async fn folders(&self) -> Result<Vec<Folder>, StoreError> {
        let releases = self.api.releases().await;
        let releases = releases.map_err(|error| self.told("list the releases".to_owned(), error))?;
        let mut folders: Vec<Folder> = Vec::new();
        for release in releases {
            let Ok(id) = release.tag_name.parse::<SnapshotId>() else { continue };
            let has_manifest = release.assets.iter().any(|asset| asset.name == MANIFEST && asset.is_whole());
            let is_sealed = !release.draft && has_manifest;
            let changes = release.assets.iter().filter_map(|asset| Moment::parse(&asset.updated_at));
            // That of a release is the time of the commit that it is of.
            let changed_at = changes.max().unwrap_or_else(|| id.moment());
            match folders.iter_mut().find(|folder| folder.id == id) {
                Some(folder) => {
                    folder.is_sealed |= is_sealed;
                    folder.changed_at = folder.changed_at.max(changed_at);
                }
                None => folders.push(Folder { id, is_sealed, changed_at }),
            }
        }
        Ok(folders)
    }

    async fn put(&self, id: &SnapshotId, name: &str, content: Content) -> Result<(), StoreError> {
        let written = self.write(id, name, content).await;
        written.map_err(|error| self.told(format!("write {name} of {id}"), error))
    }

    async fn seal(&self, id: &SnapshotId, manifest: &[u8]) -> Result<(), StoreError> {
        let published = self.publish(id, manifest).await;
        published.map_err(|error| self.told(format!("publish {id}"), error))
    }

    async fn reseal(&self, id: &SnapshotId, manifest: &[u8]) -> Result<(), StoreError> {
        let exchanged = self.exchange(id, manifest).await;
        exchanged.map_err(|error| self.told(format!("replace the manifest of {id}"), error))
    }

    async fn get(&self, id: &SnapshotId, name: &str) -> Result<Option<Content>, StoreError> {
        let read = async {
            match self.release(id).await? {
                // A draft is no snapshot yet.
                Some(release) if release.draft && name == MANIFEST => Ok(None),
                Some(release) => self.read(&release, name).await,
                None => Ok(None),
            }
        };
        read.await.map_err(|error| self.told(format!("read {name} of {id}"), error))
    }

    async fn remove(&self, id: &SnapshotId) -> Result<(), StoreError> {
        let removed = self.remove_releases(id).await;
        removed.map_err(|error| self.told(format!("remove {id}"), error))
    }
}
