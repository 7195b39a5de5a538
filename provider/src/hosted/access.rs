//! Hosts that do not let us in.
//!
//! Read knows the state alone: where the connection in there does not let us in any more, the
//! configuration may have another one, or accept the host's new key, and that is the way out. So
//! Read leaves the last known state and a warning, and the plan refuses to stay with that
//! connection. Both are done for every resource by [`OnHost`](super::OnHost).

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use framework::{Diagnostics, Field};
use remote::{Connection, Error};

use crate::failure::{Failure, UNCHANGED};

/// The connections that did not let us in, and why.
#[derive(Default)]
pub(super) struct Denials(Mutex<HashMap<Connection, Error>>);

impl Denials {
    /// Remembers that `connection` did not let us in; false when `error` says something else.
    pub(super) fn remember(&self, connection: &Field<String>, error: &Error) -> bool {
        let (Some(connection), Some(error)) = (connection_in(connection), access_error(error)) else {
            return false;
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(connection, error);
        true
    }

    /// Fails a plan that stays with a connection by which Read could not get in: the host's key has
    /// changed, it refuses us, or the provider has no such login any more.
    ///
    /// # Errors
    /// What Read met as a diagnostic, titled `title`.
    pub(super) fn refuse(
        &self,
        title: &str,
        prior: &Field<String>,
        planned: &Field<String>,
    ) -> Result<(), Diagnostics> {
        let (Some(old), Some(new)) = (connection_in(prior), connection_in(planned)) else { return Ok(()) };
        if old != new {
            return Ok(());
        }
        let denials = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match denials.get(&old).and_then(access_error) {
            Some(error) => Err(Failure::from(error).into_diagnostics(title, UNCHANGED)),
            None => Ok(()),
        }
    }
}

/// The error once more, if it is one that another connection to the same host would not have.
fn access_error(error: &Error) -> Option<Error> {
    Some(match error {
        Error::HostKeyMismatch { host, expected, offered } => Error::HostKeyMismatch {
            host: host.clone(),
            expected: expected.clone(),
            offered: offered.clone(),
        },
        Error::HostKeyUnknown { host, offered, known_hosts_line } => Error::HostKeyUnknown {
            host: host.clone(),
            offered: offered.clone(),
            known_hosts_line: known_hosts_line.clone(),
        },
        Error::Authentication { host, user, tried } => {
            Error::Authentication { host: host.clone(), user: user.clone(), tried: tried.clone() }
        }
        Error::TailnetPolicy { host, user, said, confirm_at } => Error::TailnetPolicy {
            host: host.clone(),
            user: user.clone(),
            said: said.clone(),
            confirm_at: confirm_at.clone(),
        },
        Error::NoShell { host, status, said } => {
            Error::NoShell { host: host.clone(), status: *status, said: said.clone() }
        }
        Error::JoinedStreams { host, shell } => {
            Error::JoinedStreams { host: host.clone(), shell: shell.clone() }
        }
        Error::Configuration { what } => Error::Configuration { what: what.clone() },
        _ => return None,
    })
}

fn connection_in(field: &Field<String>) -> Option<Connection> {
    field.known().and_then(|text| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_did_not_let_us_in_is_refused_until_it_is_another() {
        let denials = Denials::default();
        let field = |text: &str| Field::Known(text.to_owned());
        let closed = field("ssh://root@web");
        let error = Error::Authentication { host: "web".into(), user: "root".into(), tried: Vec::new() };
        assert!(denials.refuse("t", &closed, &closed).is_ok());
        assert!(denials.remember(&closed, &error));
        assert!(denials.refuse("t", &closed, &closed).is_err());
        assert!(denials.refuse("t", &closed, &field("ssh://root@WEB:22")).is_err(), "a spelling");
        assert!(denials.refuse("t", &closed, &field("ssh://deploy@web")).is_ok());
        assert!(denials.refuse("t", &closed, &Field::Unknown).is_ok());
        assert!(!denials.remember(&closed, &Error::Cancelled));
    }
}
