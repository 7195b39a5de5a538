//! What can go wrong with a stack on a swarm.

use super::Problem;

/// A failure; `stack` is the name of the stack.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum StackError {
    /// The swarm.
    #[error(transparent)]
    Swarm(#[from] crate::Error),
    /// The files, as far as the host's Compose reads them.
    #[error(transparent)]
    Files(#[from] stack::Error),
    /// What the files say is nothing for a swarm.
    #[error("the files of {stack:?} are not a stack for a swarm: {}", .problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Untranslatable { stack: String, problems: Vec<Problem> },
    /// Something that the files say is there is not.
    #[error("the swarm lacks what the files of {stack:?} say is there: {}", .missing.join(", "))]
    Missing {
        stack: String,
        /// Each with what it is: `network "edge"`.
        missing: Vec<String>,
    },
    /// A name is taken.
    #[error("{what} is there already, and is none of the stack {stack:?}")]
    Taken { stack: String, what: String },
    /// There is a stack of this name.
    #[error("the swarm has a stack {stack:?} already: {}", .services.join(", "))]
    Exists {
        stack: String,
        /// Its services.
        services: Vec<String>,
    },
    /// A network is to be another one.
    #[error("the network {network:?} is to be another one, and {} on it", used_by(.users))]
    NetworkInUse {
        network: String,
        /// Services of others.
        users: Vec<String>,
    },
    /// A network of a name that the files choose is to be another one.
    #[error("the network {network:?} is to be another one, and its name is chosen in the files")]
    NamedNetwork { network: String },
    /// Somebody else works on it.
    #[error("somebody else works on the stack {stack:?}: {holder}")]
    Locked { stack: String, holder: String },
    /// Somebody else has taken the lock, because ours was not renewed in time.
    #[error("the lock of the stack {stack:?} was lost: somebody else may work on it now")]
    LostLock { stack: String },
    /// Services did not become what they are to be.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NotWell(Vec<ServiceFailure>),
    /// A file here cannot be read.
    #[error("read {path:?}")]
    Unreadable {
        path: String,
        #[source]
        error: std::io::Error,
    },
    /// Something of it did not go away in time.
    #[error("waited {seconds} s for {} to go", .left.join(", "))]
    Stays {
        /// What is still there.
        left: Vec<String>,
        seconds: u64,
    },
}

fn used_by(users: &[String]) -> String {
    match users {
        [one] => format!("{one} is"),
        more => format!("{} are", more.join(", ")),
    }
}

/// A service that did not become what it is to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("service {service:?} {said}{}", told(.tasks))]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct ServiceFailure {
    pub service: String,
    /// What became of it, as the end of a sentence about it.
    pub said: String,
    /// What its last tasks say, each with where it was.
    pub tasks: Vec<String>,
    /// The last lines that the last of them wrote.
    pub log: String,
}

fn told(tasks: &[String]) -> String {
    if tasks.is_empty() { String::new() } else { format!(" ({})", tasks.join(", ")) }
}

impl From<docker::Error> for StackError {
    fn from(error: docker::Error) -> Self {
        Self::Swarm(error.into())
    }
}

impl From<remote::Error> for StackError {
    fn from(error: remote::Error) -> Self {
        Self::Swarm(error.into())
    }
}
