//! Failures with files on a host.

use framework::{Diagnostic, error_chain};
use remote::files::FileError;

use super::{host_error, sentence};

/// The diagnostic of a failed operation on a file.
///
/// `title` names the operation and the thing; `world` says what the world looks like now.
pub(crate) fn file_error(title: impl Into<String>, error: &FileError, world: &str) -> Diagnostic {
    let next = match error {
        FileError::Remote(error) => return host_error(title, error, world),
        FileError::NoSpace { .. } => {
            "The host's disk is full. Free some space (`docker system df` shows what Docker holds), then apply again."
        }
        FileError::Denied { stderr, .. } if stderr.contains("chown") => {
            "Only root gives files to others, and to groups that the user is not in. Take `owner` and `group` out, or give \
             the user sudo for everything without a password and set `sudo = true` on the windlass_host."
        }
        FileError::Denied { .. } => {
            "The SSH user may not do this. Use another user, or give it sudo without a password and set \
             `sudo = true` on the windlass_host."
        }
        FileError::Occupied { .. } | FileError::NotADirectory { .. } => {
            "Move what is there out of the way, or choose another path."
        }
        FileError::Link { .. } => {
            "As root, Windlass follows a link only where nobody but root can change it, or where it leads to what \
             belongs to the same user. Name the directory that it leads to instead."
        }
        FileError::Damaged { .. }
        | FileError::Partial { .. }
        | FileError::Failed { .. }
        | FileError::Here { .. } => "Correct what the message names, then apply again.",
        FileError::Absent { .. } => "Look whether somebody removed it, then apply again.",
        FileError::Path { .. } | FileError::Conflict { .. } | FileError::Unsafe { .. } => {
            "Choose another path."
        }
    };
    Diagnostic::error(title).detail(sentence(&error_chain(error))).detail(world).detail(next)
}
