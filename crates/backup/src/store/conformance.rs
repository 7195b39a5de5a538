//! What every kind of store has to do alike.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};

use super::{Content, Store, snapshots_of};
use crate::{manifest::MANIFEST, moment::Moment, name::SnapshotId};

/// The id of a snapshot of `name` that was taken that many seconds after 1970 began.
pub(crate) fn id(name: &str, seconds: i64) -> SnapshotId {
    SnapshotId::new(&name.parse().unwrap(), Moment::from_unix(seconds).unwrap(), "nonce")
}

/// A source that fails after some bytes.
pub(crate) struct Broken(io::Cursor<Vec<u8>>);

impl Broken {
    pub(crate) fn after(bytes: &[u8]) -> Self {
        Self(io::Cursor::new(bytes.to_vec()))
    }
}

impl AsyncRead for Broken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let _ = Pin::new(&mut self.0).poll_read(cx, buffer);
        if buffer.filled().len() == before {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Poll::Ready(Ok(()))
    }
}

fn content(bytes: impl Into<Vec<u8>>) -> Content {
    Box::new(io::Cursor::new(bytes.into()))
}

async fn read(store: &dyn Store, id: &SnapshotId, name: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    store.get(id, name).await.unwrap()?.read_to_end(&mut bytes).await.unwrap();
    Some(bytes)
}

/// The folders of `store`, and whether each is sealed.
pub(crate) async fn folders(store: &dyn Store) -> Vec<(SnapshotId, bool)> {
    let folders = store.folders().await.unwrap();
    folders.into_iter().map(|folder| (folder.id, folder.is_sealed)).collect()
}

/// Holds `store`, which is empty, to all of it, and leaves it empty.
pub(crate) async fn check(store: &dyn Store) {
    assert_eq!(folders(store).await, []);
    let (first, second, foreign) = (id("prod", 1000), id("prod", 2000), id("prod-2", 3000));
    let large: Vec<u8> = (0..6_000_000_u32).map(|number| (number % 251) as u8).collect();

    // Without a manifest it is nothing.
    store.put(&first, "archive.000", content(large.clone())).await.unwrap();
    store.put(&first, "archive.001", content("")).await.unwrap();
    let [folder] = &store.folders().await.unwrap()[..] else { panic!("one folder") };
    assert_eq!((&folder.id, folder.is_sealed), (&first, false));
    let (now, hour) = (Moment::now(), Duration::from_secs(3600));
    assert!(folder.changed_at <= now.after(hour) && now <= folder.changed_at.after(hour), "{folder:?}");
    assert_eq!(snapshots_of(store, first.name()).await.unwrap(), []);
    assert_eq!(read(store, &first, MANIFEST).await, None);
    assert_eq!(read(store, &first, "archive.000").await.as_deref(), Some(&large[..]));
    assert_eq!(read(store, &first, "archive.001").await.as_deref(), Some(&b""[..]));

    // What is stored is not written over.
    store.put(&first, "archive.000", content("other")).await.unwrap_err();
    assert_eq!(read(store, &first, "archive.000").await.map(|bytes| bytes.len()), Some(large.len()));

    // Half of a file is none, and no snapshot comes of it.
    store.put(&second, "archive.000", Box::new(Broken::after(b"half"))).await.unwrap_err();
    assert_eq!(read(store, &second, "archive.000").await, None);
    store.remove(&second).await.unwrap();

    // The manifest makes it one, once.
    store.seal(&first, b"{}").await.unwrap();
    store.seal(&first, b"[]").await.unwrap_err();
    assert_eq!(read(store, &first, MANIFEST).await.as_deref(), Some(&b"{}"[..]));
    // Another one takes its place, at once and only where there is one.
    store.reseal(&first, b"{\"a\":1}").await.unwrap();
    assert_eq!(read(store, &first, MANIFEST).await.as_deref(), Some(&b"{\"a\":1}"[..]));
    store.reseal(&foreign, b"{}").await.unwrap_err();
    assert_eq!(read(store, &foreign, MANIFEST).await, None);

    for other in [&second, &foreign] {
        store.put(other, "archive.000", content("x")).await.unwrap();
        store.seal(other, b"{}").await.unwrap();
    }
    assert_eq!(snapshots_of(store, first.name()).await.unwrap(), [second.clone(), first.clone()]);
    assert_eq!(snapshots_of(store, foreign.name()).await.unwrap(), std::slice::from_ref(&foreign));

    // Removing takes just one, and what is gone is gone.
    store.remove(&first).await.unwrap();
    store.remove(&first).await.unwrap();
    assert_eq!(read(store, &first, "archive.000").await, None);
    assert_eq!(snapshots_of(store, first.name()).await.unwrap(), std::slice::from_ref(&second));
    for other in [&second, &foreign] {
        store.remove(other).await.unwrap();
    }
    assert_eq!(folders(store).await, []);
}
