//! Pipes with room for a few chunks between the network, the threads that work on what comes, and the
//! store: they bound what is in memory, and know an end from a stream that was cut off.

use std::{
    io::{self, BufRead, Read, Write},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::mpsc,
};
use tokio_util::sync::PollSender;

/// How many chunks a pipe holds.
const CHUNKS: usize = 16;

/// How much a [`PipeWriter`] gathers before it sends it on.
const CHUNK: usize = 256 << 10;

enum Message {
    Data(Bytes),
    End,
}

/// The end of a pipe that data come out of. Without an [`End`](Message::End), what comes last is an
/// error.
pub(crate) struct PipeReader {
    messages: mpsc::Receiver<Message>,
    chunk: Bytes,
    ended: bool,
}

impl PipeReader {
    fn accept(&mut self, message: Option<Message>) -> io::Result<()> {
        match message {
            Some(Message::Data(bytes)) => self.chunk = bytes,
            Some(Message::End) => self.ended = true,
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        Ok(())
    }
}

impl PipeReader {
    /// What comes next, as it came; nothing at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Bytes>> {
        self.fill_buf()?;
        let chunk = std::mem::take(&mut self.chunk);
        Ok(Some(chunk).filter(|chunk| !chunk.is_empty()))
    }
}

impl Read for PipeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fill_buf()?;
        let count = self.chunk.len().min(buffer.len());
        self.chunk.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}

impl BufRead for PipeReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.chunk.is_empty() && !self.ended {
            let message = self.messages.blocking_recv();
            self.accept(message)?;
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, count: usize) {
        self.chunk.advance(count);
    }
}

impl AsyncRead for PipeReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.chunk.is_empty() && !self.ended {
            let message = ready!(self.messages.poll_recv(cx));
            self.accept(message)?;
        }
        let count = self.chunk.len().min(buffer.remaining());
        buffer.put_slice(&self.chunk.split_to(count));
        Poll::Ready(Ok(()))
    }
}

/// The end of a pipe that a thread writes to.
pub(crate) struct PipeWriter {
    messages: mpsc::Sender<Message>,
    chunk: Vec<u8>,
}

impl PipeWriter {
    fn send(&self, message: Message) -> io::Result<()> {
        self.messages.blocking_send(message).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Passes on what came, without a copy of it.
    pub(crate) fn pass(&mut self, chunk: Bytes) -> io::Result<()> {
        self.flush()?;
        self.send(Message::Data(chunk))
    }

    /// Says that this was all.
    pub(crate) fn end(mut self) -> io::Result<()> {
        self.flush()?;
        self.send(Message::End)
    }
}

impl Write for PipeWriter {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(data);
        if self.chunk.len() >= CHUNK {
            self.flush()?;
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK + CHUNK / 4));
        self.send(Message::Data(chunk.into()))
    }
}

/// A pipe from a thread.
pub(crate) fn pipe() -> (PipeWriter, PipeReader) {
    let (messages, reader) = messages();
    (PipeWriter { messages, chunk: Vec::new() }, reader)
}

fn messages() -> (mpsc::Sender<Message>, PipeReader) {
    let (sender, messages) = mpsc::channel(CHUNKS);
    (sender, PipeReader { messages, chunk: Bytes::new(), ended: false })
}

/// The end of several pipes that get the same.
pub(crate) struct Tee {
    pipes: Vec<PollSender<Message>>,
    /// What was not sent on yet: a packet of SSH alone is not worth waking up two threads.
    chunk: Vec<u8>,
    /// Whether one of them was closed at its other end.
    pub(crate) is_broken: bool,
}

impl Tee {
    /// So many pipes from one source.
    pub(crate) fn new<const N: usize>() -> (Self, [PipeReader; N]) {
        let mut pipes = Vec::new();
        let readers = std::array::from_fn(|_| {
            let (sender, reader) = messages();
            pipes.push(PollSender::new(sender));
            reader
        });
        (Self { pipes, chunk: Vec::new(), is_broken: false }, readers)
    }

    /// Sends on what was gathered, for which all pipes have room.
    fn send(&mut self) -> io::Result<()> {
        let bytes = Bytes::from(std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK + CHUNK / 4)));
        for pipe in &mut self.pipes {
            if pipe.send_item(Message::Data(bytes.clone())).is_err() {
                self.is_broken = true;
                return Err(io::ErrorKind::BrokenPipe.into());
            }
        }
        Ok(())
    }

    /// Waits until all pipes have room.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        for pipe in &mut self.pipes {
            if ready!(pipe.poll_reserve(cx)).is_err() {
                self.is_broken = true;
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Says to all of them that this was all.
    pub(crate) async fn end(self) {
        let rest = Bytes::from(self.chunk);
        for pipe in self.pipes {
            if let Some(sender) = pipe.get_ref() {
                // Whoever reads no more has its own reason, and tells it.
                let _ = sender.send(Message::Data(rest.clone())).await;
                let _ = sender.send(Message::End).await;
            }
        }
    }
}

impl AsyncWrite for Tee {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_room(cx))?;
        self.chunk.extend_from_slice(data);
        if self.chunk.len() >= CHUNK {
            self.send()?;
        }
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.chunk.is_empty() {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_room(cx))?;
        Poll::Ready(self.send())
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn what_was_cut_off_has_no_end() {
        let (mut tee, [mut first, mut second]) = Tee::new();
        tee.write_all(b"ab").await.unwrap();
        tee.end().await;
        let mut text = String::new();
        AsyncReadExt::read_to_string(&mut first, &mut text).await.unwrap();
        assert_eq!(text, "ab");
        AsyncReadExt::read_to_string(&mut second, &mut text).await.unwrap();

        let (mut tee, [mut first]) = Tee::new();
        tee.write_all(b"ab").await.unwrap();
        drop(tee);
        let error = AsyncReadExt::read_to_string(&mut first, &mut text).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn a_reader_that_is_gone_stops_the_source() {
        let (mut tee, [first, second]) = Tee::new();
        drop(second);
        assert_eq!(tee.write(b"a").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert!(tee.is_broken);
        drop(first);
    }

    #[test]
    fn a_thread_writes_and_another_reads() {
        let (mut writer, mut reader) = pipe();
        let thread = std::thread::spawn(move || {
            for _ in 0..100 {
                writer.write_all(&[7; 100_000]).unwrap();
            }
            writer.end().unwrap();
        });
        let mut all = Vec::new();
        Read::read_to_end(&mut reader, &mut all).unwrap();
        assert_eq!(all.len(), 10_000_000);
        thread.join().unwrap();
    }
}
