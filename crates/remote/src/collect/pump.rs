//! Moving the bytes of a running command.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::{Error, Process};

use super::{Input, Overflow};

/// How much is moved at once: enough that a packet of the SSH connection is full.
const CHUNK: usize = 64 << 10;

/// Which end failed.
pub(super) enum Broken {
    /// The exit status did not come.
    Wait(Error),
    /// What we feed the command could not be read.
    Source(io::Error),
    /// The command's stdin took no more, and yet it ended well.
    Stdin(io::Error),
    /// Its stdout or stderr could not be read.
    Read(io::Error),
    /// What it wrote could not be passed on.
    Sink(io::Error),
    /// It wrote more than the cap.
    Full,
}

/// Feeds and drains `process` until it has ended and all it wrote has come.
pub(super) async fn pump(
    process: &mut Process,
    input: Input<'_>,
    out: &mut (dyn AsyncWrite + Send + Unpin),
    err: &mut Tail,
) -> Result<u32, Broken> {
    let Process { stdin, stdout, stderr, control } = process;
    let mut refused = None;
    let status = {
        let drained = async {
            tokio::try_join!(copy(stdout.as_mut(), out), copy(stderr.as_mut(), err), async {
                control.wait().await.map_err(Broken::Wait)
            },)
        };
        let fed = async {
            match feed(input, stdin).await {
                Ok(()) => std::future::pending().await,
                // The exit status tells why the command reads no more, so that is waited for.
                Err(Broken::Stdin(error)) => {
                    refused = Some(error);
                    std::future::pending().await
                }
                Err(broken) => broken,
            }
        };
        tokio::select! {
            ended = drained => ended?.2,
            broken = fed => return Err(broken),
        }
    };
    match refused {
        // A command that wants no more input and ends well is at peace with it (`head`); any
        // other loss of input must not look like success.
        Some(error) if status == 0 && error.kind() != io::ErrorKind::BrokenPipe => Err(Broken::Stdin(error)),
        _ => Ok(status),
    }
}

/// Writes all of `input` and the end after it.
async fn feed(input: Input<'_>, stdin: &mut Box<dyn AsyncWrite + Send + Unpin>) -> Result<(), Broken> {
    match input {
        Input::Nothing => {}
        Input::Bytes(bytes) => stdin.write_all(&bytes).await.map_err(Broken::Stdin)?,
        Input::Open(bytes) => {
            stdin.write_all(&bytes).await.map_err(Broken::Stdin)?;
            stdin.flush().await.map_err(Broken::Stdin)?;
            return std::future::pending().await;
        }
        Input::Reader(mut reader) => {
            let mut chunk = vec![0; CHUNK];
            loop {
                let count = reader.read(&mut chunk).await.map_err(Broken::Source)?;
                if count == 0 {
                    break;
                }
                stdin.write_all(&chunk[..count]).await.map_err(Broken::Stdin)?;
            }
        }
    }
    let ended = stdin.shutdown().await.map_err(Broken::Stdin);
    // Closed as well: nothing more comes, whatever shutting down means to this stream.
    *stdin = Box::new(tokio::io::sink());
    ended
}

/// Moves everything from `from` to `to`, telling the two apart when one fails.
async fn copy(
    from: &mut (dyn AsyncRead + Send + Unpin),
    to: &mut (dyn AsyncWrite + Send + Unpin),
) -> Result<(), Broken> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = from.read(&mut chunk).await.map_err(Broken::Read)?;
        if count == 0 {
            return to.flush().await.map_err(sink_failed);
        }
        to.write_all(&chunk[..count]).await.map_err(sink_failed)?;
    }
}

fn sink_failed(error: io::Error) -> Broken {
    if error.get_ref().is_some_and(|inner| inner.is::<CapReached>()) {
        Broken::Full
    } else {
        Broken::Sink(error)
    }
}

/// Marks the error of a [`Capped`] that is full.
#[derive(Debug, thiserror::Error)]
#[error("the cap is reached")]
struct CapReached;

/// Holds the first bytes written to it.
pub(super) struct Capped {
    bytes: Vec<u8>,
    cap: usize,
    overflow: Overflow,
}

impl Capped {
    pub(super) fn new(cap: usize, overflow: Overflow) -> Self {
        Self { bytes: Vec::new(), cap, overflow }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl AsyncWrite for Capped {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let room = self.cap - self.bytes.len();
        if data.len() > room && self.overflow == Overflow::Fail {
            return Poll::Ready(Err(io::Error::other(CapReached)));
        }
        self.bytes.extend_from_slice(&data[..data.len().min(room)]);
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Holds the last bytes written to it.
pub(super) struct Tail {
    bytes: Vec<u8>,
    cap: usize,
}

impl Tail {
    pub(super) fn new(cap: usize) -> Self {
        Self { bytes: Vec::new(), cap }
    }

    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.cut();
        self.bytes
    }

    /// Drops what is older than the last `cap` bytes.
    fn cut(&mut self) {
        let old = self.bytes.len().saturating_sub(self.cap);
        self.bytes.drain(..old);
    }
}

impl AsyncWrite for Tail {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        self.bytes.extend_from_slice(data);
        // Only now and then, so that a chatty command does not move the whole buffer at every write.
        if self.bytes.len() > self.cap * 2 {
            self.cut();
        }
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_tail_keeps_the_end() {
        let mut tail = Tail::new(4);
        for part in ["abc", "defgh", "ijk"] {
            tail.write_all(part.as_bytes()).await.unwrap();
        }
        assert_eq!(tail.into_bytes(), b"hijk");
    }

    #[tokio::test]
    async fn a_cap_fails_or_truncates() {
        let mut capped = Capped::new(4, Overflow::Truncate);
        capped.write_all(b"abcdef").await.unwrap();
        capped.write_all(b"gh").await.unwrap();
        assert_eq!(capped.into_bytes(), b"abcd");

        let mut capped = Capped::new(4, Overflow::Fail);
        capped.write_all(b"abcd").await.unwrap();
        let error = capped.write_all(b"e").await.unwrap_err();
        assert!(matches!(sink_failed(error), Broken::Full));
    }
}
