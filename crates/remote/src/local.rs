//! The machine that runs us, as a host.
//!
//! It behaves as a login over SSH would: commands start in the home directory, see only the few
//! variables that a login sets, and a program that is not there ends with status 127.

mod process;
mod subsystem;

use std::{env, path::PathBuf, process::Stdio};

use async_trait::async_trait;
use tokio::net::{TcpStream, UnixStream};

use crate::{Command, Dial, Error, Executor, Noise, Process, Stream, connection::Sudo, quote};

/// The variables that a command sees, as far as we have them ourselves.
const PASSED_ON: [&str; 5] = ["HOME", "LANG", "LOGNAME", "PATH", "USER"];

/// Runs commands and opens sockets on this machine.
#[derive(Clone, Debug, Default)]
pub struct Local {
    sudo: Sudo,
}

impl Local {
    /// This machine, as the user who runs us.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this under `sudo -n --`.
    #[must_use]
    pub fn with_sudo(mut self, sudo: Sudo) -> Self {
        self.sudo = sudo;
        self
    }

    fn cannot_start(
        &self,
        command: &Command,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        Error::Start {
            program: command.program().to_owned(),
            host: self.name().to_owned(),
            source: source.into(),
        }
    }
}

#[async_trait]
impl Executor for Local {
    async fn start(&self, command: &Command) -> Result<Process, Error> {
        let words = quote::words(command, self.sudo).map_err(|error| self.cannot_start(command, error))?;
        let mut child = tokio::process::Command::new(words[0]);
        child
            .args(&words[1..])
            .env_clear()
            .envs(PASSED_ON.iter().filter_map(|name| env::var_os(name).map(|value| (name, value))))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own, so that a signal reaches the command's children too, and the
            // Ctrl-C that is meant for us does not.
            .process_group(0);
        if let Some(home) = home_directory() {
            child.current_dir(home);
        }
        match child.spawn() {
            Ok(child) => process::running(child).map_err(|error| self.cannot_start(command, error)),
            Err(error) => {
                process::not_started(words[0], error).map_err(|error| self.cannot_start(command, error))
            }
        }
    }

    async fn dial(&self, target: &Dial) -> Result<Box<dyn Stream>, Error> {
        let stream: std::io::Result<Box<dyn Stream>> = match target {
            Dial::Unix(path) => UnixStream::connect(path).await.map(|stream| Box::new(stream) as _),
            Dial::Tcp(host, port) => {
                TcpStream::connect((host.as_str(), *port)).await.map(|stream| Box::new(stream) as _)
            }
            Dial::Subsystem(name) => subsystem::start(name).map(|stream| Box::new(stream) as _),
        };
        stream.map_err(|source| Error::Dial {
            target: target.to_string(),
            host: self.name().to_owned(),
            source: source.into(),
        })
    }

    fn name(&self) -> &str {
        "this machine"
    }

    fn sudo(&self) -> Sudo {
        self.sudo
    }

    fn noise(&self) -> Option<Noise> {
        None
    }
}

/// The home directory, where a login would start.
fn home_directory() -> Option<PathBuf> {
    env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_dir())
}
