//! First logins: how a machine is reached until its normal login works.
//!
//! What makes the normal login (a user, another port of sshd, a host in a tailnet) works on the very
//! machine, before that login is there. So whoever opens the host by its connection is led in by the
//! first login instead, as long as the normal one is refused or does not answer. The normal one is
//! tried at every operation anew, because it may have been made by the one before.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use remote::{Command, Connection, Error, Input, collect::run};

use super::Host;

/// Why a host could not be entered.
#[derive(Debug)]
pub(crate) struct Refused {
    /// By the connection itself.
    pub(crate) normal: Error,
    /// By the first login, where there is one that was tried.
    pub(crate) bootstrap: Option<Error>,
}

impl From<Error> for Refused {
    fn from(normal: Error) -> Self {
        Self { normal, bootstrap: None }
    }
}

/// The first logins that the process knows, by the connection that they stand in for.
#[derive(Default)]
pub(super) struct Bootstraps(Mutex<HashMap<Connection, Connection>>);

impl Bootstraps {
    /// From now on `first` stands in for `normal`; `None` says that nothing does.
    pub(super) fn learn(&self, normal: &Connection, first: Option<Connection>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match first {
            Some(first) => known.insert(normal.clone(), first),
            None => known.remove(normal),
        };
    }

    /// What stands in for `normal`.
    pub(super) fn of(&self, normal: &Connection) -> Option<Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(normal).cloned()
    }
}

/// Whether another login to the same machine may fare better.
pub(crate) fn keeps_out(error: &Error) -> bool {
    matches!(
        error,
        Error::Unreachable { .. }
            | Error::Authentication { .. }
            | Error::TailnetPolicy { .. }
            | Error::NoShell { .. }
            | Error::JoinedStreams { .. }
    )
}

/// Runs a command that does nothing: a login may be let in and yet run none.
pub(super) async fn try_login(host: &Host) -> Result<(), Error> {
    run(host.executor.as_ref(), &Command::new(["true"]), Input::Nothing).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_login_stands_in_for_every_spelling_of_its_connection_until_it_is_dropped() {
        let bootstraps = Bootstraps::default();
        let connection = |text: &str| text.parse::<Connection>().unwrap();
        let (normal, first) = (connection("ssh://deploy@web:804"), connection("ssh://root@web"));
        assert_eq!(bootstraps.of(&normal), None);
        bootstraps.learn(&normal, Some(first.clone()));
        assert_eq!(bootstraps.of(&connection("ssh://deploy@WEB:804")), Some(first));
        assert_eq!(bootstraps.of(&connection("ssh://deploy@web")), None, "another port");
        bootstraps.learn(&normal, None);
        assert_eq!(bootstraps.of(&normal), None);
    }

    #[test]
    fn a_machine_with_another_key_is_not_entered_by_another_login() {
        let host = || "web".to_owned();
        assert!(keeps_out(&Error::Authentication { host: host(), user: "root".into(), tried: Vec::new() }));
        assert!(keeps_out(&Error::NoShell { host: host(), status: Some(1), said: String::new() }));
        assert!(keeps_out(&Error::Unreachable { host: host(), source: "refused".into() }));
        assert!(!keeps_out(&Error::HostKeyMismatch { host: host(), expected: Vec::new(), offered: host() }));
        assert!(!keeps_out(&Error::Configuration { what: "no such key".into() }));
        assert!(!keeps_out(&Error::Cancelled));
    }
}
