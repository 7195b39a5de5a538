//! What can go wrong with Docker on a host.

/// A failure of the Engine or of Compose on a host.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no `docker` command on the host.
    #[error("docker is not installed on {host}")]
    Missing {
        /// The host in words.
        host: String,
    },
    /// The client is there, the daemon does not answer.
    #[error("no docker daemon answers at {socket} on {host}")]
    NotRunning {
        /// The host in words.
        host: String,
        /// The socket that was asked.
        socket: String,
    },
    /// The daemon is there, but the user may not use its socket.
    #[error("no permission for the docker socket {socket} on {host}")]
    Permission {
        /// The host in words (with its user).
        host: String,
        /// The socket that was asked.
        socket: String,
    },
    /// sudo refused to run docker without a password.
    #[error("docker cannot be run by sudo without a password on {host}")]
    Sudo {
        /// The host in words.
        host: String,
    },
    /// What answers is podman, which labels and hashes Compose projects differently.
    #[error("the engine at {socket} on {host} is podman, which is not supported")]
    Podman {
        /// The host in words.
        host: String,
        /// The socket that was asked.
        socket: String,
    },
    /// There is no Compose v2 on the host.
    #[error("docker compose is not installed on {host}")]
    ComposeMissing {
        /// The host in words.
        host: String,
        /// The version of the `docker-compose` v1 that is there instead.
        v1: Option<String>,
    },
    /// Compose is there but lacks what we build on.
    #[error("docker compose {found} on {host} is older than {needed}")]
    ComposeTooOld {
        /// The host in words.
        host: String,
        /// Its version.
        found: String,
        /// The oldest version that will do.
        needed: String,
    },
    /// Images are to be built, and only the builder of old is there.
    #[error("docker on {host} cannot build with BuildKit")]
    NoBuildKit {
        /// The host in words.
        host: String,
    },
    /// The Engine answered with an error, or stopped answering.
    #[error("docker on {host} could not {operation}")]
    Engine {
        /// The host in words.
        host: String,
        /// What was asked of it, as a verb phrase.
        operation: String,
        /// What it said.
        #[source]
        source: bollard::errors::Error,
    },
    /// An image could not be fetched.
    #[error("could not pull {reference} on {host}: {reason}")]
    Pull {
        /// The host in words.
        host: String,
        /// The image.
        reference: String,
        /// What the registry or the daemon said.
        reason: String,
    },
    /// An image could not be brought to its registry.
    #[error("could not push {reference} from {host}: {reason}")]
    Push {
        /// The host in words.
        host: String,
        /// The image.
        reference: String,
        /// What the registry or the daemon said.
        reason: String,
    },
    /// A command ran to its end and failed.
    #[error("could not {operation} on {host} (status {status})")]
    Command {
        /// The host in words.
        host: String,
        /// What it was for, as a verb phrase.
        operation: String,
        /// Its exit status.
        status: u32,
        /// The last lines it wrote, scrubbed of the secrets its caller knew.
        output: String,
    },
    /// Docker or Compose said something that we do not understand.
    #[error("could not understand {what}")]
    Parse {
        /// What was being read: `the output of "docker compose config"`.
        what: String,
        /// Where it is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The host could not be reached or worked with.
    #[error(transparent)]
    Remote(#[from] remote::Error),
}

impl Error {
    /// Whether the connection to the host, or to its daemon, is what broke.
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Remote(error) => error.is_lost(),
            Self::NotRunning { .. } => true,
            Self::Engine { source, .. } => {
                !matches!(source, bollard::errors::Error::DockerResponseServerError { .. })
            }
            _ => false,
        }
    }

    /// What the user can do about it, as whole sentences; `None` where the cause says enough.
    pub fn advice(&self) -> Option<String> {
        let text = match self {
            Self::Missing { .. } => {
                "Install Docker Engine and the Compose plugin on the host (on Debian 13: \
                 apt-get install docker.io docker-cli docker-compose)."
                    .to_owned()
            }
            Self::NotRunning { socket, .. } => format!(
                "Start the daemon (systemctl start docker), or name its socket in the connection: \
                 docker=/path/to/docker.sock (asked was {socket})."
            ),
            Self::Permission { .. } => {
                "Add the user to the group docker (usermod -aG docker <user>, then connect anew), or \
                 put sudo=1 into the connection if the user may run sudo without a password."
                    .to_owned()
            }
            Self::Sudo { .. } => {
                "Allow the user to run docker by sudo without a password (NOPASSWD in sudoers), or add it \
                 to the group docker and take sudo=1 out of the connection."
                    .to_owned()
            }
            Self::Podman { .. } => {
                "Install Docker Engine on the host, or name its socket in the connection: \
                 docker=/path/to/docker.sock."
                    .to_owned()
            }
            Self::ComposeMissing { v1: Some(found), .. } => format!(
                "The host has docker-compose {found}, the retired version 1. Install the Compose plugin, \
                 version 2.24 or newer (package docker-compose-plugin or, on Debian 13, docker-compose)."
            ),
            Self::ComposeMissing { v1: None, .. } => {
                "Install the Compose plugin (package docker-compose-plugin or, on Debian 13, docker-compose)."
                    .to_owned()
            }
            Self::ComposeTooOld { needed, .. } => {
                format!("Upgrade the Compose plugin on the host to {needed} or newer.")
            }
            Self::NoBuildKit { .. } => {
                "Install the buildx plugin on the host (package docker-buildx-plugin or, on Debian 13, docker-buildx), or \
                 build elsewhere and take `build` out."
                    .to_owned()
            }
            Self::Pull { reason, .. } if is_denied(reason) => {
                "Check that the image exists, and that the provider has a registry block with this registry's \
                 address and with a username and password that may pull it. (A docker login on the host does not count.)"
                    .to_owned()
            }
            Self::Pull { reason, .. } if is_absent(reason) => {
                "Check the name and the tag of the image.".to_owned()
            }
            Self::Push { reason, .. } if is_denied(reason) => {
                "Check that the provider has a registry block with this registry's address and with a username and \
                 password that may push there. (A docker login on the host does not count.)"
                    .to_owned()
            }
            Self::Engine { .. }
            | Self::Pull { .. }
            | Self::Push { .. }
            | Self::Command { .. }
            | Self::Parse { .. }
            | Self::Remote(_) => return None,
        };
        Some(text)
    }
}

/// Registries that want credentials say so, or pretend that the image does not exist.
fn is_denied(reason: &str) -> bool {
    ["unauthorized", "denied", "no basic auth credentials", "authentication required"]
        .iter()
        .any(|word| reason.to_ascii_lowercase().contains(word))
}

fn is_absent(reason: &str) -> bool {
    ["not found", "manifest unknown"].iter().any(|word| reason.to_ascii_lowercase().contains(word))
}
