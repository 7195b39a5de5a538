//! What can go wrong with a swarm.

use std::time::Duration;

use docker::Engine;

/// How long an engine may take to answer a call about its swarm. Most calls end by themselves after
/// 20 s where there is no leader; some wait for as long as somebody waits for them.
pub(crate) const CALL: Duration = Duration::from_secs(30);

/// A failure of a swarm; `host` is the name of the host that was asked.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum Error {
    /// The engine said no, or nothing.
    #[error(transparent)]
    Docker(#[from] docker::Error),
    /// The managers that are left are too few to decide anything.
    #[error("the swarm has no leader: too few of its managers are up ({host} said: {said})")]
    NoLeader { host: String, said: String },
    /// A manager did not answer in time; those that have lost their leader may never do.
    #[error("{host} did not {operation} within {seconds} s")]
    Silent {
        host: String,
        /// What it was asked, as a verb phrase.
        operation: String,
        seconds: u64,
    },
    /// The engine's part in the swarm is encrypted, and waits for the key after a restart.
    #[error("the swarm on {host} is locked: it waits for its unlock key")]
    Locked { host: String },
    /// A join did not come about.
    #[error("could not join the swarm at {address} from {host}: {said}")]
    Join {
        host: String,
        /// The manager that was asked.
        address: String,
        /// What the engine said.
        said: String,
        /// The last lines of the engine's log.
        log: String,
    },
    /// No manager is in reach of a host that shall join.
    #[error("no manager of the swarm answers {host}; tried were {}", .tried.join(", "))]
    OutOfReach {
        host: String,
        /// The addresses that were tried.
        tried: Vec<String>,
    },
    /// Two clocks differ by more than certificates and logs bear.
    #[error("the clocks of {host} and {manager} differ by {seconds} s")]
    Clocks { host: String, manager: String, seconds: u64 },
    /// Two engines cannot be in one swarm.
    #[error("docker {version} on {host} and docker {manager} of the swarm's manager cannot be in one swarm")]
    Versions { host: String, version: String, manager: String },
    /// There is no node with this id.
    #[error("the swarm has no node {id}")]
    NoNode { id: String },
    /// Something did not come about in time.
    #[error("waited {seconds} s for {what}")]
    Late {
        /// What was waited for, with what it looks like now.
        what: String,
        seconds: u64,
    },
    /// Work of a node can run nowhere else.
    #[error("no other node of the swarm can run what runs on {node}: {}", .reasons.join("; "))]
    NoPlace {
        /// The node's host name.
        node: String,
        /// Each service, and why.
        reasons: Vec<String>,
    },
    /// A service could not be moved off a node.
    #[error("the service {service} did not move: {said}")]
    Stuck { service: String, said: String },
    /// The caller was interrupted.
    #[error("interrupted")]
    Cancelled,
}

impl From<remote::Error> for Error {
    fn from(error: remote::Error) -> Self {
        Self::Docker(error.into())
    }
}

/// The error of a call about a swarm.
pub(crate) fn failed(engine: &Engine, operation: &str, source: bollard::errors::Error) -> Error {
    match source {
        bollard::errors::Error::RequestTimeoutError => Error::Silent {
            host: engine.host().to_owned(),
            operation: operation.to_owned(),
            seconds: engine.api().timeout().as_secs(),
        },
        source => engine.failed(operation, source).into(),
    }
}

/// What the engine said with an error, where it was an answer.
pub(crate) fn said(error: &bollard::errors::Error) -> Option<(u16, &str)> {
    match error {
        bollard::errors::Error::DockerResponseServerError { status_code, message } => {
            Some((*status_code, message))
        }
        _ => None,
    }
}

/// Whether somebody else changed the object in between. The status is 500, only the text tells.
pub(crate) fn is_conflict(error: &bollard::errors::Error) -> bool {
    said(error).is_some_and(|(_, text)| text.contains("update out of sequence"))
}

/// Whether the swarm has too few managers to answer.
pub(crate) fn is_leaderless(text: &str) -> bool {
    ["does not have a leader", "lost the quorum", "context deadline exceeded", "DeadlineExceeded"]
        .iter()
        .any(|sign| text.contains(sign))
}

/// Whether the token of a join is of another time or another swarm.
pub(crate) fn is_stale_token(text: &str) -> bool {
    ["remote CA does not match fingerprint", "invalid join token", "A valid join token is necessary"]
        .iter()
        .any(|sign| text.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status_code: u16, message: &str) -> bollard::errors::Error {
        bollard::errors::Error::DockerResponseServerError { status_code, message: message.to_owned() }
    }

    #[test]
    fn the_words_of_the_engine_are_known() {
        // As Docker 26.1.5 says them.
        assert!(is_conflict(&answer(500, "rpc error: code = Unknown desc = update out of sequence")));
        assert!(!is_conflict(&answer(500, "rpc error: code = Unknown desc = something else")));
        assert!(is_leaderless(
            "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are \
             online."
        ));
        assert!(is_stale_token("remote CA does not match fingerprint. Expected: 4f1a"));
        assert!(!is_stale_token("could not reach any manager"));
    }
}
