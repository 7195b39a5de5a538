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
    /// As `Root`, with BusyBox in the place of the shell and the GNU programs, as on Alpine.
    Busybox,
    /// As `Sudo`, with the Rust coreutils and sudo-rs, as on Ubuntu since 25.10.
    Uutils,
}

impl Variant {
    /// Every variant once.
    pub const ALL: [Self; 8] = [
        Self::Root,
        Self::Deploy,
        Self::Sudo,
        Self::NoForward,
        Self::Jump,
        Self::Systemd,
        Self::Busybox,
        Self::Uutils,
    ];

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
            Self::Busybox => "busybox",
            Self::Uutils => "uutils",
        }
    }

    /// Whether that user is root by sudo alone.
    #[must_use]
    pub fn has_sudo(self) -> bool {
        matches!(self, Self::Sudo | Self::Uutils)
    }

    /// The user that logs in.
    #[must_use]
    pub fn user(self) -> &'static str {
        match self {
            Self::Root | Self::Busybox | Self::Systemd => "root",
            Self::Sudo | Self::Uutils => "admin",
            Self::Deploy | Self::NoForward | Self::Jump => "deploy",
        }
    }
}
