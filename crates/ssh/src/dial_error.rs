//! Why a socket on the host could not be reached, as far as the protocol tells.

use remote::{Dial, Error};
use russh::ChannelOpenFailure;

use crate::link::OpenError;

/// The cause inside an [`Error::Dial`]; see [`may_be_forbidden`].
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

impl DialFailure {
    /// What a refused channel says about its target.
    pub(crate) fn new(target: &Dial, error: OpenError) -> Self {
        match (error, target) {
            (OpenError::Refused(ChannelOpenFailure::ConnectFailed), Dial::Tcp(..)) => Self::NobodyListens,
            (OpenError::Refused(ChannelOpenFailure::ConnectFailed), Dial::Unix(_)) => {
                Self::NobodyListensOrForbidden
            }
            (
                OpenError::Refused(
                    ChannelOpenFailure::AdministrativelyProhibited | ChannelOpenFailure::UnknownChannelType,
                ),
                _,
            ) => Self::Forbidden,
            (OpenError::Refused(ChannelOpenFailure::ResourceShortage), _) => Self::Resources,
            (OpenError::Refused(ChannelOpenFailure::Other { code, reason }), _) => {
                Self::Other(format!("{reason} (code {code})"))
            }
            (other, _) => Self::Other(other.to_string()),
        }
    }
}

/// Whether a dial failed, or may have failed, because the SSH server does not forward: then another
/// way (a command that talks to the socket) may work where this one never will.
pub fn may_be_forbidden(error: &Error) -> bool {
    let Error::Dial { source, .. } = error else { return false };
    matches!(source.downcast_ref(), Some(DialFailure::Forbidden | DialFailure::NobodyListensOrForbidden))
}
