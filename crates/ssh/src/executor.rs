//! The [`Executor`] over SSH.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use remote::{Command, Dial, DialFailure, Error, Executor, Noise, Process, Stream, connection::Sudo, quote};
use russh::{Channel, ChannelMsg, client::Msg};

use crate::{
    channel::{Drained, Purpose, Sharing, drain},
    dial_error::dial_failure,
    host::{Host, SessionError, Stay},
    link::{Link, OpenError},
    login::{Start, StartError},
    process::Control,
    socket::Socket,
};

/// A host behind SSH. Cheap to make and to clone; nothing is connected before its first use.
#[derive(Clone)]
pub(crate) struct SshExecutor {
    host: Arc<Host>,
    name: String,
    sudo: Sudo,
}

impl SshExecutor {
    pub(crate) fn new(host: Arc<Host>, sudo: Sudo) -> Self {
        let name = host.target.to_string();
        Self { host, name, sudo }
    }

    /// Starts the command on a channel of `link` and waits until the login has come to it.
    /// `kept` lives as long as the channel.
    async fn run<K: Send + 'static>(
        &self,
        command: &Command,
        (channel, link): (Channel<Msg>, Arc<Link>),
        sharing: Sharing,
        kept: K,
    ) -> Result<Process, Error> {
        let program = command.program();
        let start = Start::new(command, self.sudo, link.refuses_signals(), self.host.login.clone())
            .map_err(|error| self.not_started(program, error))?;
        let drained = drain(channel, Purpose::Command(Box::new(start)), sharing, link, kept);
        let Drained { stdin, stdout, stderr, progress, cancel, end_on_drop } = drained;
        let mut control = Control::new(program, &self.name, progress, cancel, end_on_drop);
        control.started().await?;
        Ok(Process {
            stdin: Box::new(stdin),
            stdout: Box::new(stdout),
            stderr: Box::new(stderr),
            control: Box::new(control),
        })
    }

    /// Starts a subsystem, on a connection of its own: what it moves is a lot.
    async fn subsystem(&self, name: &str, target: &Dial) -> Result<Box<dyn Stream>, Error> {
        let failed = |source: DialFailure| Error::Dial {
            target: target.to_string(),
            host: self.name.clone(),
            source: Box::new(source),
        };
        let (mut channel, own) =
            self.host.own_session().await.map_err(|error| self.no_session(name, error))?;
        let asked = channel.request_subsystem(true, name).await;
        asked.map_err(|error| failed(DialFailure::Other(error.to_string())))?;
        loop {
            match channel.wait().await {
                Some(ChannelMsg::Success) => break,
                Some(ChannelMsg::WindowAdjusted { .. }) => {}
                _ => return Err(failed(DialFailure::Forbidden)),
            }
        }
        let link = own.link.clone();
        Ok(Box::new(Socket::from(drain(channel, Purpose::Socket, Sharing::Own, link, own))))
    }

    fn not_dialled(&self, target: &Dial, error: OpenError) -> Error {
        let host = self.name.clone();
        match error {
            source @ (OpenError::Dead | OpenError::Stalled) => {
                Error::Unreachable { host, source: Box::new(source) }
            }
            error => Error::Dial {
                target: target.to_string(),
                host,
                source: Box::new(dial_failure(target, error)),
            },
        }
    }

    fn not_started(&self, program: &str, error: impl Into<StartError>) -> Error {
        Error::Start { program: program.to_owned(), host: self.name.clone(), source: Box::new(error.into()) }
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

#[async_trait]
impl Executor for SshExecutor {
    async fn start(&self, command: &Command) -> Result<Process, Error> {
        let program = command.program();
        // What cannot be started should not cost a session.
        quote::words(command, self.sudo).map_err(|error| self.not_started(program, error))?;
        if command.is_bulk() {
            let (channel, own) =
                self.host.own_session().await.map_err(|error| self.no_session(program, error))?;
            let link = own.link.clone();
            self.run(command, (channel, link), Sharing::Own, own).await
        } else {
            let (channel, link, slot) = self
                .host
                .session(Stay::of(command))
                .await
                .map_err(|error| self.no_session(program, error))?;
            self.run(command, (channel, link), Sharing::Shared, slot).await
        }
    }

    async fn dial(&self, target: &Dial) -> Result<Box<dyn Stream>, Error> {
        if let Dial::Subsystem(name) = target {
            return self.subsystem(name, target).await;
        }
        let mut died = false;
        loop {
            let link = self.host.link().await.map_err(|failed| failed.error)?;
            match link.open_socket(target).await {
                Ok(channel) => {
                    let drained = drain(channel, Purpose::Socket, Sharing::Shared, link, ());
                    return Ok(Box::new(Socket::from(drained)));
                }
                // The pooled connection had died; nothing was sent, so a new one is tried once.
                Err(OpenError::Dead) if !died => died = true,
                Err(error) => return Err(self.not_dialled(target, error)),
            }
        }
    }

    async fn dial_bulk(&self, target: &Dial) -> Result<Box<dyn Stream>, Error> {
        if matches!(target, Dial::Subsystem(_)) {
            return self.dial(target).await;
        }
        let own = self.host.own_link().await.map_err(|failed| failed.error)?;
        let link = own.link.clone();
        let channel = link.open_socket(target).await.map_err(|error| self.not_dialled(target, error))?;
        Ok(Box::new(Socket::from(drain(channel, Purpose::Socket, Sharing::Own, link, own))))
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn sudo(&self) -> Sudo {
        self.sudo
    }

    fn noise(&self) -> Option<Noise> {
        self.host.login.noise().cloned()
    }
}

impl fmt::Debug for SshExecutor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SshExecutor").field(&self.name).finish()
    }
}
