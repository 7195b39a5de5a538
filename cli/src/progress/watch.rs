//! A store around a store that counts what passes.

use std::io::Result as IoResult;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use async_trait::async_trait;
use backup::store::{Content, Folder, StoreError};
use backup::{MANIFEST, SnapshotId, Store};
use tokio::io::{AsyncRead, ReadBuf};

use super::{State, Way};

/// The store.
#[derive(Debug)]
pub struct Watched {
    store: Arc<dyn Store>,
    state: Arc<Mutex<State>>,
}

impl Watched {
    /// One around `store`.
    pub fn new(store: Arc<dyn Store>, state: Arc<Mutex<State>>) -> Self {
        Self { store, state }
    }

    /// The content of a file, counted. That of a manifest is none of the data.
    fn counted(&self, way: Way, name: &str, content: Content) -> Content {
        if name == MANIFEST {
            return content;
        }
        self.state.lock().unwrap_or_else(PoisonError::into_inner).begin(way, &self.store.url());
        Box::new(Counted { content, way, url: self.store.url(), state: Arc::clone(&self.state) })
    }
}

#[async_trait]
impl Store for Watched {
    fn url(&self) -> String {
        self.store.url()
    }

    fn location(&self) -> String {
        self.store.location()
    }

    async fn folders(&self) -> Result<Vec<Folder>, StoreError> {
        self.store.folders().await
    }

    async fn put(&self, id: &SnapshotId, name: &str, content: Content) -> Result<(), StoreError> {
        self.store.put(id, name, self.counted(Way::To, name, content)).await
    }

    async fn seal(&self, id: &SnapshotId, manifest: &[u8]) -> Result<(), StoreError> {
        self.store.seal(id, manifest).await
    }

    async fn reseal(&self, id: &SnapshotId, manifest: &[u8]) -> Result<(), StoreError> {
        self.store.reseal(id, manifest).await
    }

    async fn get(&self, id: &SnapshotId, name: &str) -> Result<Option<Content>, StoreError> {
        let content = self.store.get(id, name).await?;
        Ok(content.map(|content| self.counted(Way::From, name, content)))
    }

    async fn remove(&self, id: &SnapshotId) -> Result<(), StoreError> {
        self.store.remove(id).await
    }
}

/// A content whose bytes are counted as they are read.
struct Counted {
    content: Content,
    way: Way,
    url: String,
    state: Arc<Mutex<State>>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<IoResult<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.content).poll_read(cx, buffer);
        let count = (buffer.filled().len() - before) as u64;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Of a copy, which comes out of one store and goes into another, what goes is told.
        if state.doing.as_ref().is_some_and(|doing| doing.0 == self.way && doing.1 == self.url) {
            state.done += count;
        }
        drop(state);
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Progress, Shown};
    use super::*;
    use backup::store::FileStore;
    use tokio::io::AsyncReadExt as _;

    #[test]
    fn what_passes_is_counted_and_manifests_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let progress = Progress::begin(Shown::Nothing);
            let store = progress.watch(Arc::new(FileStore::new(folder.path())));
            let id: SnapshotId = "snapshot-a-20261129T163200Z-1a2b3c4d".parse().unwrap();
            let content = || -> Content { Box::new(&b"0123456789"[..]) };
            store.put(&id, "part", content()).await.unwrap();
            assert_eq!(progress.state.lock().unwrap().done, 10);
            store.seal(&id, b"{}").await.unwrap();
            let mut text = String::new();
            store.get(&id, MANIFEST).await.unwrap().unwrap().read_to_string(&mut text).await.unwrap();
            assert_eq!((text.as_str(), progress.state.lock().unwrap().done), ("{}", 10));
            let mut part = store.get(&id, "part").await.unwrap().unwrap();
            let state = || {
                let state = progress.state.lock().unwrap();
                (state.doing.as_ref().unwrap().0, state.done, state.total)
            };
            assert_eq!(state(), (Way::From, 0, Some(10)));
            part.read_to_end(&mut Vec::new()).await.unwrap();
            assert_eq!(state(), (Way::From, 10, Some(10)));
        });
    }
}
