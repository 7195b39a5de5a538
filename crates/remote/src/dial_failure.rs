//! Why a socket on a host could not be reached.

use crate::Error;

/// The cause inside an [`Error::Dial`]; see [`Error::may_be_forbidden`].
#[derive(Debug, thiserror::Error)]
pub enum DialFailure {
    /// sshd is configured not to forward this kind of socket, or does not know how to.
    #[error("the SSH server does not permit forwarding to it")]
    Forbidden,
    /// Nobody answers there.
    #[error("nothing answers there")]
    NobodyListens,
    /// OpenSSH says no more about unix sockets: its answer to a forbidden one is the same.
    #[error("nothing answers there, or the SSH server does not permit forwarding to it")]
    NobodyListensOrForbidden,
    /// The host has no means left to open it.
    #[error("the SSH server is short of resources")]
    Resources,
    /// Something else that the server said.
    #[error("the SSH server said: {0}")]
    Other(String),
}

impl Error {
    /// Whether a dial failed, or may have failed, because the SSH server does not forward: then
    /// another way (a command that talks to the socket) may work where this one never will.
    pub fn may_be_forbidden(&self) -> bool {
        let Self::Dial { source, .. } = self else { return false };
        matches!(source.downcast_ref(), Some(DialFailure::Forbidden | DialFailure::NobodyListensOrForbidden))
    }
}
