//! How a core starts a provider.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

use anyhow::Result;
use tokio::process::Command;

use crate::{ClientIdentity, Core, Handshake, Mode, ProviderProcess};

/// A provider's start, with a core's environment.
#[derive(Debug)]
pub struct Launch {
    command: Command,
    identity: Option<ClientIdentity>,
}

impl Launch {
    /// What a core sets for `binary`; with [`Mode::Tls`] a fresh client certificate as well.
    /// Variables of the test's own environment that mean something to a provider are removed.
    pub fn new(binary: impl AsRef<Path>, mode: Mode) -> Result<Self> {
        let mut launch = Self::by_hand(binary);
        launch.command.envs([
            ("TF_PLUGIN_MAGIC_COOKIE", tfplugin5::MAGIC_COOKIE),
            ("PLUGIN_MIN_PORT", "10000"),
            ("PLUGIN_MAX_PORT", "25000"),
            ("PLUGIN_PROTOCOL_VERSIONS", "6,5"),
        ]);
        if mode == Mode::Tls {
            let identity = ClientIdentity::generate()?;
            launch.command.env("PLUGIN_CLIENT_CERT", identity.pem());
            launch.identity = Some(identity);
        }
        Ok(launch)
    }

    /// A start without anything that a core would set, as by a person.
    pub fn by_hand(binary: impl AsRef<Path>) -> Self {
        let mut command = Command::new(binary.as_ref());
        for (name, _) in std::env::vars_os() {
            if is_meant_for_providers(&name) {
                command.env_remove(name);
            }
        }
        Self { command, identity: None }
    }

    /// Sets one more variable, or another value of one.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Starts the process and waits for nothing.
    pub fn spawn(self) -> Result<ProviderProcess> {
        ProviderProcess::spawn(self.command)
    }

    /// Starts the process and reads its handshake.
    pub async fn announce(self) -> Result<Announced> {
        let mut process = ProviderProcess::spawn(self.command)?;
        let line = process.stdout_line(|_| true).await?;
        let handshake = Handshake::parse(&line)?;
        Ok(Announced { process, handshake, identity: self.identity })
    }

    /// Starts the process, reads its handshake and connects.
    pub async fn start(self) -> Result<Core> {
        self.announce().await?.connect().await
    }
}

impl Core {
    /// Starts `binary` as a core does; see [`Launch`] for more choices.
    pub async fn start(binary: impl AsRef<Path>, mode: Mode) -> Result<Self> {
        Launch::new(binary, mode)?.start().await
    }
}

/// A provider that has announced itself, to which nobody has connected yet.
#[derive(Debug)]
pub struct Announced {
    process: ProviderProcess,
    handshake: Handshake,
    identity: Option<ClientIdentity>,
}

impl Announced {
    /// The process id; an error after its end.
    pub fn pid(&self) -> Result<u32> {
        self.process.pid()
    }

    /// Connects as the core that started it.
    pub async fn connect(self) -> Result<Core> {
        Core::connect(self.process, self.handshake, self.identity).await
    }
}

fn is_meant_for_providers(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    ["PLUGIN_", "TF_", "WINDLASS_"].iter().any(|prefix| name.starts_with(prefix))
}
