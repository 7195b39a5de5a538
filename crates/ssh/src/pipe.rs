//! What a channel's drain task fills and a reader empties, at its own pace.
//!
//! The writing side never waits by itself: [`Writer::push`] says when the buffer is full and the
//! drain task decides what that means (see the crate's documentation on slow readers).

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, ReadBuf},
    sync::Notify,
};

/// What one chunk costs beside its bytes, so that a flood of tiny chunks is bounded as well.
const CHUNK_OVERHEAD: usize = 64;

/// A buffer for `limit` bytes (a last chunk may exceed it) and its two ends.
pub(crate) fn pipe(limit: usize) -> (Writer, Reader) {
    let shared = Arc::new(Shared { limit, state: Mutex::default(), space: Notify::new() });
    (Writer(shared.clone()), Reader(shared))
}

struct Shared {
    limit: usize,
    state: Mutex<State>,
    /// Told when the reader made room or went away.
    space: Notify,
}

#[derive(Default)]
struct State {
    chunks: VecDeque<Bytes>,
    held: usize,
    end: Option<End>,
    reader: Option<Waker>,
    reader_gone: bool,
}

#[derive(Clone)]
enum End {
    Clean,
    Broken(io::ErrorKind, String),
}

impl Shared {
    // A panic while the lock is held cannot leave the queue half changed.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end that the drain task holds. Dropping it without a word is a clean end.
pub(crate) struct Writer(Arc<Shared>);

impl Writer {
    /// Adds `chunk`, or hands it back when the buffer is full. Without a reader it is thrown away.
    pub(crate) fn push(&self, chunk: Bytes) -> Result<(), Bytes> {
        let mut state = self.0.lock();
        if state.reader_gone || chunk.is_empty() {
            return Ok(());
        }
        if state.held >= self.0.limit {
            return Err(chunk);
        }
        state.held += chunk.len() + CHUNK_OVERHEAD;
        state.chunks.push_back(chunk);
        wake(state);
        Ok(())
    }

    /// Waits until there may be room again, or nobody reads any more.
    pub(crate) async fn space(&self) {
        loop {
            let notified = self.0.space.notified();
            {
                let state = self.0.lock();
                if state.reader_gone || state.held < self.0.limit {
                    return;
                }
            }
            notified.await;
        }
    }

    /// Says that nothing follows; the reader gets what is buffered, then the end of the stream.
    pub(crate) fn finish(&self) {
        self.end(End::Clean);
    }

    /// Says that the stream broke; the reader gets what is buffered, then the error.
    pub(crate) fn fail(&self, kind: io::ErrorKind, text: &str) {
        self.end(End::Broken(kind, text.to_owned()));
    }

    fn end(&self, end: End) {
        let mut state = self.0.lock();
        // The first end is the true one.
        state.end.get_or_insert(end);
        wake(state);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.finish();
    }
}

fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.reader.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The end that the caller reads. Dropping it throws away what is buffered and all that comes.
pub(crate) struct Reader(Arc<Shared>);

impl AsyncRead for Reader {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock();
        let mut read = false;
        while buf.remaining() > 0 {
            let Some(chunk) = state.chunks.front_mut() else { break };
            let part = chunk.len().min(buf.remaining());
            buf.put_slice(&chunk[..part]);
            chunk.advance(part);
            let used_up = chunk.is_empty();
            state.held -= part;
            if used_up {
                state.chunks.pop_front();
                state.held -= CHUNK_OVERHEAD;
            }
            read = true;
        }
        if read || buf.remaining() == 0 {
            drop(state);
            self.0.space.notify_one();
            return Poll::Ready(Ok(()));
        }
        match &state.end {
            Some(End::Clean) => Poll::Ready(Ok(())),
            Some(End::Broken(kind, text)) => Poll::Ready(Err(io::Error::new(*kind, text.clone()))),
            None => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.reader_gone = true;
        state.chunks.clear();
        state.held = 0;
        drop(state);
        self.0.space.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{io::AsyncReadExt, time::timeout};

    use super::*;

    const SOON: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn gives_back_what_was_pushed_then_the_end() {
        let (writer, mut reader) = pipe(1 << 20);
        writer.push(Bytes::from_static(b"hello ")).unwrap();
        writer.push(Bytes::from_static(b"world")).unwrap();
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "hello world");
    }

    #[tokio::test]
    async fn a_broken_stream_is_an_error_after_its_data() {
        let (writer, mut reader) = pipe(1 << 20);
        writer.push(Bytes::from_static(b"abc")).unwrap();
        writer.fail(io::ErrorKind::ConnectionReset, "gone");
        let mut data = Vec::new();
        let error = reader.read_to_end(&mut data).await.unwrap_err();
        assert_eq!(
            (data.as_slice(), error.kind(), error.to_string()),
            (&b"abc"[..], io::ErrorKind::ConnectionReset, "gone".into())
        );
    }

    #[tokio::test]
    async fn a_full_buffer_hands_the_chunk_back_until_somebody_reads() {
        let (writer, mut reader) = pipe(100);
        writer.push(Bytes::from(vec![1; 200])).unwrap();
        let back = writer.push(Bytes::from_static(b"x")).unwrap_err();
        assert!(timeout(SOON, writer.space()).await.is_err(), "there is no room yet");
        reader.read_exact(&mut [0; 200]).await.unwrap();
        timeout(SOON, writer.space()).await.unwrap();
        writer.push(back).unwrap();
    }

    #[tokio::test]
    async fn tiny_chunks_are_bounded_too() {
        let (writer, _reader) = pipe(10_000);
        let taken = (0..10_000).take_while(|_| writer.push(Bytes::from_static(b"x")).is_ok()).count();
        assert!(taken < 200, "{taken}");
    }

    #[tokio::test]
    async fn without_a_reader_nothing_is_kept_and_nobody_waits() {
        let (writer, reader) = pipe(10);
        writer.push(Bytes::from(vec![1; 200])).unwrap();
        drop(reader);
        timeout(SOON, writer.space()).await.unwrap();
        for _ in 0..1000 {
            writer.push(Bytes::from(vec![1; 200])).unwrap();
        }
        assert_eq!(writer.0.lock().held, 0);
    }
}
