//! Failures to take a lock on a host.

use framework::{Diagnostic, error_chain};
use remote::lock::LockError;

use super::{host_error, sentence};

/// The diagnostic of a lock that could not be taken.
pub(crate) fn lock_error(title: impl Into<String>, error: &LockError, world: &str) -> Diagnostic {
    let next = match error {
        LockError::Remote(error) => return host_error(title, error, world),
        LockError::Busy { .. } => {
            "Wait until the other one is done, then apply again. A lock ends with the connection of the one who holds \
             it, and by itself when nothing is heard of that one for a minute, so there is nothing to remove by hand."
        }
        LockError::NoFlock { .. } => "Install util-linux and coreutils on the host, then apply again.",
        LockError::Name { .. } => "Choose another name.",
        LockError::Failed { .. } => {
            "Look whether the user's home directory on the host can be written to, then apply again."
        }
    };
    Diagnostic::error(title).detail(sentence(&error_chain(error))).detail(world).detail(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_a_lock_is_shown() {
        let error = LockError::Busy {
            name: "compose-web".into(),
            host: "deploy@web:22".into(),
            holder: "ann@laptop".into(),
            waited: std::time::Duration::from_secs(15),
            free_in: Some(std::time::Duration::from_secs(40)),
        };
        let text = lock_error("t", &error, "Nothing was changed.").detail;
        assert_eq!(
            text,
            "Lock \"compose-web\" on deploy@web:22 is still held after 15 s by ann@laptop; unless its holder renews it, \
             it is free in 40 s.\n\nNothing was changed.\n\nWait until the other one is done, then apply again. A lock \
             ends with the connection of the one who holds it, and by itself when nothing is heard of that one for a \
             minute, so there is nothing to remove by hand."
        );
    }
}
