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
    /// The user is not in the docker group and may run docker by sudo, and nothing else.
    SudoDocker,
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
    /// As `Deploy`, with fish, tcsh and zsh beside Bash, for users of other login shells.
    Shells,
}

impl Variant {
    /// Every variant once.
    pub const ALL: [Self; 10] = [
        Self::Root,
        Self::Deploy,
        Self::Sudo,
        Self::SudoDocker,
        Self::NoForward,
        Self::Jump,
        Self::Systemd,
        Self::Busybox,
        Self::Uutils,
        Self::Shells,
    ];

    /// As written in a state file and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Deploy => "deploy",
            Self::Sudo => "sudo",
            Self::SudoDocker => "sudo-docker",
            Self::NoForward => "no-forward",
            Self::Jump => "jump",
            Self::Systemd => "systemd",
            Self::Busybox => "busybox",
            Self::Uutils => "uutils",
            Self::Shells => "shells",
        }
    }

    /// What a connection says about sudo there, after `sudo=`.
    #[must_use]
    pub fn sudo(self) -> Option<&'static str> {
        match self {
            Self::Sudo | Self::Uutils => Some("1"),
            Self::SudoDocker => Some("docker"),
            Self::Root
            | Self::Deploy
            | Self::NoForward
            | Self::Jump
            | Self::Systemd
            | Self::Busybox
            | Self::Shells => None,
        }
    }

    /// The user that logs in.
    #[must_use]
    pub fn user(self) -> &'static str {
        match self {
            Self::Root | Self::Busybox | Self::Systemd => "root",
            Self::Sudo | Self::SudoDocker | Self::Uutils => "admin",
            Self::Deploy | Self::NoForward | Self::Jump | Self::Shells => "deploy",
        }
    }
}
