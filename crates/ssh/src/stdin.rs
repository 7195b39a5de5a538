//! The writing half of a channel.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::AsyncWrite;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Sends to a channel as far as the host's window allows.
///
/// The library's writer waits for ever when a channel ends while its window is used up; this one
/// learns of the end from the drain task and fails with `BrokenPipe`.
pub(crate) struct Stdin {
    inner: Pin<Box<dyn AsyncWrite + Send>>,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Told when nothing more will be written, for the drain task to tell the host.
    dropped: CancellationToken,
    shut: bool,
}

impl Stdin {
    /// Writes to `inner` until `ended` is cancelled; cancels `dropped` when it is dropped open.
    pub(crate) fn new(
        inner: impl AsyncWrite + Send + 'static,
        ended: CancellationToken,
        dropped: CancellationToken,
    ) -> Self {
        Self { inner: Box::pin(inner), ended: Box::pin(ended.cancelled_owned()), dropped, shut: false }
    }

    fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        ready_then(self.ended.as_mut().poll(cx), broken)
    }
}

fn ready_then<T>(poll: Poll<()>, value: impl FnOnce() -> T) -> Poll<T> {
    poll.map(|()| value())
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the other side takes no more input")
}

impl AsyncWrite for Stdin {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.shut {
            return Poll::Ready(Err(broken()));
        }
        // The library takes an empty write for a mistake.
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if let Poll::Ready(error) = self.poll_ended(cx) {
            return Poll::Ready(Err(error));
        }
        self.inner.as_mut().poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.shut {
            return Poll::Ready(Ok(()));
        }
        // A channel that has ended needs no end of input.
        if self.poll_ended(cx).is_ready() {
            self.shut = true;
            return Poll::Ready(Ok(()));
        }
        let done = self.inner.as_mut().poll_shutdown(cx);
        if let Poll::Ready(Ok(())) = done {
            self.shut = true;
        }
        done
    }
}

impl Drop for Stdin {
    fn drop(&mut self) {
        if !self.shut {
            self.dropped.cancel();
        }
    }
}
