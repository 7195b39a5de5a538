//! The trait that every way to a host implements.

use std::fmt;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{Command, Error, connection::Sudo};

/// A two-way stream of bytes to something on the host.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Where on the host a stream shall end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dial {
    /// A unix socket, by its absolute path.
    Unix(String),
    /// A TCP address as the host sees it.
    Tcp(String, u16),
    /// A subsystem of the SSH server, by its name: what accounts have that may run no commands. On this machine it
    /// is the program that OpenSSH would start for it.
    Subsystem(String),
}

impl fmt::Display for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => f.write_str(path),
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Subsystem(name) => write!(f, "the subsystem {name}"),
        }
    }
}

/// A host, as everything above this crate sees it.
///
/// Implementations never let one slow reader hold up another stream, never let a caller wait for
/// a free channel while it holds one, and treat a missing exit status as an error.
#[async_trait]
pub trait Executor: fmt::Debug + Send + Sync {
    /// Starts `command` and hands over its streams.
    ///
    /// The command's time limit is its runner's business ([`crate::collect`]), not the
    /// executor's. A program that is not there is no error here: it ends with status 127, as it
    /// does in a shell. Dropping the returned future starts nothing or ends what it started.
    ///
    /// # Errors
    /// When the host cannot be reached or the command cannot be started there.
    async fn start(&self, command: &Command) -> Result<Process, Error>;

    /// Opens a stream to `target` from the host's point of view.
    ///
    /// # Errors
    /// [`Error::Dial`] when the host answers but the target does not.
    async fn dial(&self, target: &Dial) -> Result<Box<dyn Stream>, Error>;

    /// As [`Executor::dial`], for a stream that much data flows through: where streams share a connection, it gets one
    /// of its own, so that a slow reader makes nobody wait but the target.
    ///
    /// # Errors
    /// As [`Executor::dial`].
    async fn dial_bulk(&self, target: &Dial) -> Result<Box<dyn Stream>, Error> {
        self.dial(target).await
    }

    /// The host in words for messages: `deploy@web.example.org:22`, `this machine`.
    fn name(&self) -> &str;

    /// What runs under sudo there.
    fn sudo(&self) -> Sudo;

    /// What the login there writes beside what commands write, once a command has met it.
    fn noise(&self) -> Option<Noise>;
}

/// What a login writes before every command, kept out of the commands' output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noise {
    /// Its words, the end of them.
    pub said: String,
    /// The login shell's path, as the host has it; empty where it does not say.
    pub shell: String,
}

/// A command that runs.
pub struct Process {
    /// What the command reads; dropping it (or shutting it down) is the end of its input.
    ///
    /// A command that reads no more makes writing fail with `BrokenPipe`.
    pub stdin: Box<dyn AsyncWrite + Send + Unpin>,
    /// What the command writes to stdout.
    pub stdout: Box<dyn AsyncRead + Send + Unpin>,
    /// What the command writes to stderr.
    pub stderr: Box<dyn AsyncRead + Send + Unpin>,
    /// Its end: waiting for it, or bringing it about.
    pub control: Box<dyn ProcessControl>,
}

/// The end of a command.
///
/// Dropping it before [`ProcessControl::wait`] returned ends the command as
/// [`ProcessControl::cancel`] would, in the background.
#[async_trait]
pub trait ProcessControl: Send {
    /// Waits for the exit status (128+N for a command that signal N ended).
    ///
    /// Streams must be drained elsewhere while this waits.
    ///
    /// # Errors
    /// [`Error::NoStatus`] when the connection ended before the host told one.
    async fn wait(&mut self) -> Result<u32, Error>;

    /// Ends the command: a TERM signal first, then the channel is closed.
    async fn cancel(&mut self);
}
