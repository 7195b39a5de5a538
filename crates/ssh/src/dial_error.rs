//! Why a socket on the host could not be reached, as far as the protocol tells.

use remote::Error;
use russh::ChannelOpenFailure;

use crate::link::OpenError;

/// The cause inside an [`Error::Dial`]; see [`forbidden`].
#[derive(Debug, thiserror::Error)]
pub enum DialFailure {
    /// sshd is configured not to forward this kind of socket, or does not know how to.
    #[error("the SSH server does not permit forwarding to it")]
    Forbidden,
    /// Forwarding is permitted, but nobody answers there (or sshd does not say).
    #[error("nothing answers there")]
    NobodyListens,
    /// The host has no means left to open it.
    #[error("the SSH server is short of resources")]
    Resources,
    /// Something else that the server said.
    #[error("the SSH server said: {0}")]
    Other(String),
}

impl From<OpenError> for DialFailure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Refused(ChannelOpenFailure::ConnectFailed) => Self::NobodyListens,
            OpenError::Refused(
                ChannelOpenFailure::AdministrativelyProhibited | ChannelOpenFailure::UnknownChannelType,
            ) => Self::Forbidden,
            OpenError::Refused(ChannelOpenFailure::ResourceShortage) => Self::Resources,
            OpenError::Refused(ChannelOpenFailure::Other { code, reason }) => {
                Self::Other(format!("{reason} (code {code})"))
            }
            other => Self::Other(other.to_string()),
        }
    }
}

/// Whether a dial failed because the SSH server does not forward, so that another way (a command
/// that talks to the socket) may work where this one never will.
pub fn forbidden(error: &Error) -> bool {
    let Error::Dial { source, .. } = error else { return false };
    matches!(source.downcast_ref(), Some(DialFailure::Forbidden))
}
