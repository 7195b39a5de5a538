//! Connections that break after a number of bytes, all together.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// How many bytes came in, and how many may.
pub(super) struct Meter {
    taken: AtomicU64,
    limit: AtomicU64,
}

impl Default for Meter {
    fn default() -> Self {
        Self { taken: AtomicU64::new(0), limit: AtomicU64::new(u64::MAX) }
    }
}

impl Meter {
    /// So many more bytes may come in.
    pub(super) fn limit(&self, bytes: u64) {
        self.limit.store(self.taken().saturating_add(bytes), SeqCst);
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken.load(SeqCst)
    }

    fn check(&self) -> io::Result<()> {
        if self.taken() > self.limit.load(SeqCst) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

/// A connection that counts.
pub(super) struct Metered {
    stream: TcpStream,
    meter: Arc<Meter>,
}

impl Metered {
    pub(super) fn new(stream: TcpStream, meter: Arc<Meter>) -> Self {
        Self { stream, meter }
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.meter.taken.fetch_add((buffer.filled().len() - before) as u64, SeqCst);
        match self.meter.check() {
            Err(error) => Poll::Ready(Err(error)),
            Ok(()) => polled,
        }
    }
}

impl AsyncWrite for Metered {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.meter.check() {
            Err(error) => Poll::Ready(Err(error)),
            Ok(()) => Pin::new(&mut self.stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
