//! The names by which `compose_stack` knows the kernel of hosts, until it stands on it itself.

use framework::{Diagnostic, Diagnostics, Field};
use remote::{Connection, Error};

use crate::failure::Failure;
pub(crate) use crate::hosted::{Host, Hosts, check_connection, import_id};

/// Why reading something on a host failed.
#[derive(Debug)]
pub(crate) enum ReadFailure {
    Host(Error),
    Other(Diagnostic),
}

impl From<Error> for ReadFailure {
    fn from(error: Error) -> Self {
        Self::Host(error)
    }
}

impl From<Diagnostic> for ReadFailure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Other(diagnostic)
    }
}

impl From<ReadFailure> for Failure {
    fn from(failure: ReadFailure) -> Self {
        match failure {
            ReadFailure::Host(error) => error.into(),
            ReadFailure::Other(diagnostic) => diagnostic.into(),
        }
    }
}

impl Hosts {
    pub(crate) fn refuse_stranger(
        &self,
        title: &str,
        prior: &Field<String>,
        planned: &Field<String>,
    ) -> Result<(), Diagnostics> {
        self.refuse_if_access_denied(title, prior, planned)
    }
}

/// Keeps the spelling that is in the state where the configuration says the same in other words.
pub(crate) fn keep_spelling(planned: &mut Field<String>, prior: &Field<String>) {
    let parsed = |field: &Field<String>| field.known().and_then(|text| text.parse::<Connection>().ok());
    if parsed(planned).is_some() && parsed(planned) == parsed(prior) {
        *planned = prior.clone();
    }
}

/// The bug that a host, or the provider's settings, are still unknown when the core applies.
pub(crate) fn unknown_settings(title: &str) -> Diagnostic {
    Diagnostic::bug(title, "The host or the provider's settings are still unknown during apply.")
}
