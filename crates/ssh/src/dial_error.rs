//! Why a socket on the host could not be reached, as far as the protocol tells.

use remote::{Dial, DialFailure};
use russh::ChannelOpenFailure;

use crate::link::OpenError;

/// What a refused channel says about its target.
pub(crate) fn dial_failure(target: &Dial, error: OpenError) -> DialFailure {
    match (error, target) {
        (OpenError::Refused(ChannelOpenFailure::ConnectFailed), Dial::Tcp(..)) => DialFailure::NobodyListens,
        (OpenError::Refused(ChannelOpenFailure::ConnectFailed), Dial::Unix(_)) => {
            DialFailure::NobodyListensOrForbidden
        }
        (
            OpenError::Refused(
                ChannelOpenFailure::AdministrativelyProhibited | ChannelOpenFailure::UnknownChannelType,
            ),
            _,
        ) => DialFailure::Forbidden,
        (OpenError::Refused(ChannelOpenFailure::ResourceShortage), _) => DialFailure::Resources,
        (OpenError::Refused(ChannelOpenFailure::Other { code, reason }), _) => {
            DialFailure::Other(format!("{reason} (code {code})"))
        }
        (other, _) => DialFailure::Other(other.to_string()),
    }
}
