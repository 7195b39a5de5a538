//! What can go wrong with Docker on a host.

/// A failure of the Engine or of Compose on a host; `host` is [`Executor::name`](remote::Executor::name).
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum Error {
    /// There is no `docker` command on the host.
    #[error("docker is not installed on {host}: it is in none of {searched}")]
    Missing {
        host: String,
        /// The directories in which it was looked for, with colons between them.
        searched: String,
    },
    /// The client is there, the daemon does not answer.
    #[error("no docker daemon answers at {socket} on {host}")]
    NotRunning {
        host: String,
        /// The socket that was asked.
        socket: String,
    },
    /// The daemon is there, but the user may not use its socket.
    #[error("no permission for the docker socket {socket} on {host}")]
    Permission {
        host: String,
        /// The socket that was asked.
        socket: String,
    },
    /// What answers is podman, which labels and hashes Compose projects differently.
    #[error("the engine at {socket} on {host} is podman, which is not supported")]
    Podman {
        host: String,
        /// The socket that was asked.
        socket: String,
    },
    /// There is no Compose v2 on the host.
    #[error("docker compose is not installed on {host}")]
    ComposeMissing {
        host: String,
        /// The version of the `docker-compose` v1 that is there instead.
        v1: Option<String>,
    },
    /// Compose is there but lacks what we build on.
    #[error("docker compose {found} on {host} is older than {needed}")]
    ComposeTooOld {
        host: String,
        found: String,
        /// The oldest version that will do.
        needed: String,
    },
    /// Images are to be built, and only the builder of old is there.
    #[error("docker on {host} cannot build with BuildKit")]
    NoBuildKit { host: String },
    /// The Engine answered with an error, or stopped answering.
    #[error("docker on {host} could not {operation}")]
    Engine {
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
        host: String,
        reference: String,
        /// What the registry or the daemon said.
        reason: String,
    },
    /// An image is not on the host, and was not to be fetched.
    #[error("could not use {reference}: the host does not have it, and nothing is to be pulled on {host}")]
    NotPulled { host: String, reference: String },
    /// An image could not be brought to its registry.
    #[error("could not push {reference} from {host}: {reason}")]
    Push {
        host: String,
        reference: String,
        /// What the registry or the daemon said.
        reason: String,
    },
    /// A plugin asks for more than it was granted.
    #[error("could not use the plugin {reference} on {host}, because it asks for more than it is granted")]
    NotGranted {
        host: String,
        reference: String,
        /// What it asks for besides.
        missing: crate::privileges::Privileges,
    },
    /// A command ran to its end and failed.
    #[error("could not {operation} on {host} (status {status})")]
    Command {
        host: String,
        /// What it was for, as a verb phrase.
        operation: String,
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
    /// What goes to the host could not be made.
    #[error(transparent)]
    File(#[from] remote::files::FileError),
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
}
