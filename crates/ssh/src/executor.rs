//! The [`Executor`] over SSH.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use remote::{Command, Dial, Error, Executor, Process, Stream, quote};
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, client::Msg};

use crate::{
    channel::{Kind, Sharing, drain},
    dial_error::DialFailure,
    host::{Host, SessionError},
    link::OpenError,
    process::Control,
    socket::Socket,
};

/// A host behind SSH. Cheap to make and to clone; nothing is connected before its first use.
#[derive(Clone)]
pub(crate) struct SshExecutor {
    host: Arc<Host>,
    name: String,
    sudo: bool,
}

impl SshExecutor {
    pub(crate) fn new(host: Arc<Host>, sudo: bool) -> Self {
        let name = host.target.to_string();
        Self { host, name, sudo }
    }

    /// Runs `line` on `channel` and hands over its streams. `kept` lives as long as the channel.
    async fn exec<K: Send + 'static>(
        &self,
        program: &str,
        line: String,
        channel: Channel<Msg>,
        sharing: Sharing,
        kept: K,
    ) -> Result<Process, Error> {
        let halves = request(channel, line).await.map_err(|failed| self.explain(program, failed))?;
        let drained = drain(halves, Kind::Command, sharing, kept);
        Ok(Process {
            stdin: Box::new(drained.stdin),
            stdout: Box::new(drained.stdout),
            stderr: Box::new(drained.stderr),
            control: Box::new(Control::new(program, &self.name, drained.ending, drained.cancel)),
        })
    }

    fn explain(&self, program: &str, failed: ExecFailed) -> Error {
        let (program, host) = (program.to_owned(), self.name.clone());
        match failed {
            ExecFailed::Refused => {
                Error::Start { program, host, source: "the host refused to run commands".into() }
            }
            // It may have begun: only the host knows.
            ExecFailed::Lost => Error::NoStatus { program, host },
        }
    }

    fn no_session(&self, program: &str, error: SessionError) -> Error {
        let (program, host) = (program.to_owned(), self.name.clone());
        match error {
            SessionError::Host(error) => error,
            SessionError::Open(source @ (OpenError::Dead | OpenError::Stalled)) => {
                Error::Unreachable { host, source: Box::new(source) }
            }
            SessionError::Open(source) => Error::Start { program, host, source: Box::new(source) },
        }
    }
}

/// Why a command did not begin.
enum ExecFailed {
    Refused,
    Lost,
}

/// Sends the command and waits for the host's word that it runs.
async fn request(
    channel: Channel<Msg>,
    line: String,
) -> Result<(ChannelReadHalf, ChannelWriteHalf<Msg>), ExecFailed> {
    let (mut read, write) = channel.split();
    // A caller who goes away meanwhile must not leave a command behind.
    let mut guard = Unstarted { write: Some(write) };
    let Some(write) = &guard.write else { return Err(ExecFailed::Lost) };
    if write.exec(true, line).await.is_err() {
        return Err(ExecFailed::Lost);
    }
    loop {
        match read.wait().await {
            Some(ChannelMsg::Success) => break,
            Some(ChannelMsg::Failure) => return Err(ExecFailed::Refused),
            None | Some(ChannelMsg::Close) => return Err(ExecFailed::Lost),
            // Only the window can change before the answer.
            Some(_) => {}
        }
    }
    match guard.write.take() {
        Some(write) => Ok((read, write)),
        None => Err(ExecFailed::Lost),
    }
}

/// Ends what a channel has begun unless it is taken out.
struct Unstarted {
    write: Option<ChannelWriteHalf<Msg>>,
}

impl Drop for Unstarted {
    fn drop(&mut self) {
        if let Some(write) = self.write.take() {
            tokio::spawn(async move { crate::channel::abandon(&write).await });
        }
    }
}

#[async_trait]
impl Executor for SshExecutor {
    async fn start(&self, command: &Command) -> Result<Process, Error> {
        let program = command.words().first().map(String::as_str).unwrap_or_default();
        let line = quote::line(command, self.sudo).map_err(|error| Error::Start {
            program: program.to_owned(),
            host: self.name.clone(),
            source: Box::new(error),
        })?;
        if command.is_bulk() {
            let (channel, own) =
                self.host.own_session().await.map_err(|error| self.no_session(program, error))?;
            self.exec(program, line, channel, Sharing::Own, own).await
        } else {
            let (channel, slot) =
                self.host.session().await.map_err(|error| self.no_session(program, error))?;
            self.exec(program, line, channel, Sharing::Shared, slot).await
        }
    }

    async fn dial(&self, target: &Dial) -> Result<Box<dyn Stream>, Error> {
        let mut died = false;
        loop {
            let link = self.host.link().await.map_err(|failed| failed.error)?;
            match link.open_socket(target).await {
                Ok(channel) => {
                    let drained = drain(channel.split(), Kind::Socket, Sharing::Shared, link);
                    return Ok(Box::new(Socket::from(drained)));
                }
                // The pooled connection had died; nothing was sent, so a new one is tried once.
                Err(OpenError::Dead) if !died => died = true,
                Err(source @ (OpenError::Dead | OpenError::Stalled)) => {
                    return Err(Error::Unreachable { host: self.name.clone(), source: Box::new(source) });
                }
                Err(error) => {
                    return Err(Error::Dial {
                        target: target.to_string(),
                        host: self.name.clone(),
                        source: Box::new(DialFailure::from(error)),
                    });
                }
            }
        }
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for SshExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SshExecutor").field(&self.name).finish()
    }
}
