//! Kinds of hosts.

use serde::{Deserialize, Serialize};

/// What is special about a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Variant {
    /// The user is root.
    Root,
    /// The user is in the docker group and has no sudo.
    Deploy,
    /// The user is not in the docker group and has sudo without a password.
    Sudo,
    /// As `Deploy`, and sshd refuses to forward anything.
    NoForward,
    /// As `Deploy`, and the SSH port answers to one other host of the lab only.
    Jump,
    /// As `Root`, with systemd as its first process: sshd and dockerd are units, timers fire.
    Systemd,
}

impl Variant {
    /// Every variant once.
    pub const ALL: [Self; 6] =
        [Self::Root, Self::Deploy, Self::Sudo, Self::NoForward, Self::Jump, Self::Systemd];

    /// As written in a state file and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Deploy => "deploy",
            Self::Sudo => "sudo",
            Self::NoForward => "no-forward",
            Self::Jump => "jump",
            Self::Systemd => "systemd",
        }
    }

    /// The user that logs in.
    #[must_use]
    pub fn user(self) -> &'static str {
        match self {
            Self::Root | Self::Systemd => "root",
            Self::Sudo => "admin",
            Self::Deploy | Self::NoForward | Self::Jump => "deploy",
        }
    }
}
