//! The process of a scripted command.

use std::{
    io::{self, Cursor},
    pin::Pin,
    task::{Context, Poll},
};

use async_trait::async_trait;
use tokio::{io::AsyncWrite, sync::watch};

use crate::{Command, Error, Process, ProcessControl};

use super::{Ending, Fake, Reply};

/// What a shell says of a command that TERM ended.
const ENDED_BY_TERM: u32 = 128 + 15;

pub(super) fn running(fake: Fake, call: usize, command: &Command, reply: Reply) -> Process {
    let (input_open, input) = watch::channel(());
    let control = Control {
        program: command.program().to_owned(),
        host: fake.name.clone(),
        ending: reply.ending,
        input: reply.reads_input.then_some(input),
        cancelled: false,
    };
    Process {
        stdin: Box::new(Recorder { fake, call, open: Some(input_open) }),
        stdout: Box::new(Cursor::new(reply.stdout)),
        stderr: Box::new(Cursor::new(reply.stderr)),
        control: Box::new(control),
    }
}

/// Keeps what is written in the record of its call.
struct Recorder {
    fake: Fake,
    call: usize,
    /// Until the end of the input.
    open: Option<watch::Sender<()>>,
}

impl AsyncWrite for Recorder {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if self.open.is_none() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        self.fake.state().calls[self.call].stdin.extend_from_slice(data);
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.open = None;
        Poll::Ready(Ok(()))
    }
}

struct Control {
    program: String,
    host: String,
    ending: Ending,
    /// Ends with the input; absent when the command does not care.
    input: Option<watch::Receiver<()>>,
    cancelled: bool,
}

#[async_trait]
impl ProcessControl for Control {
    async fn wait(&mut self) -> Result<u32, Error> {
        if self.cancelled {
            return Ok(ENDED_BY_TERM);
        }
        if let Some(input) = &mut self.input {
            while input.changed().await.is_ok() {}
        }
        match self.ending {
            Ending::Status(status) => Ok(status),
            Ending::Lost => Err(Error::NoStatus { program: self.program.clone(), host: self.host.clone() }),
            Ending::Hangs => std::future::pending().await,
        }
    }

    async fn cancel(&mut self) {
        self.cancelled = true;
    }
}
