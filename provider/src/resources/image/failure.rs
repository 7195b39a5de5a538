//! Why an operation on an image stopped, and the words for it.

use docker::Error;
use framework::{Diagnostic, Diagnostics};
use remote::files::FileError;

use crate::{
    failure::{docker_error, file_error},
    hosts::ReadFailure,
};

/// Why an operation stopped.
#[derive(Debug)]
pub(super) enum Failure {
    Docker(Error),
    File(FileError),
    /// In words already.
    Told(Box<Diagnostics>),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Docker(error)
    }
}

impl From<remote::Error> for Failure {
    fn from(error: remote::Error) -> Self {
        Self::Docker(error.into())
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Remote(error) => error.into(),
            error => Self::File(error),
        }
    }
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Told(Box::new(diagnostics))
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Told(Box::new(diagnostic.into()))
    }
}

impl Failure {
    /// The diagnostics: `title` names the operation and the thing, `world` says what the world
    /// looks like now.
    pub(super) fn diagnostics(self, title: &str, world: &str) -> Diagnostics {
        match self {
            Self::Docker(error) => docker_error(title, &error, world).into(),
            Self::File(error) => file_error(title, &error, world).into(),
            Self::Told(diagnostics) => *diagnostics,
        }
    }

    /// For operations that end by `on_unreachable`.
    pub(super) fn for_read(self, title: &str, world: &str) -> ReadFailure {
        match self {
            Self::Docker(Error::Remote(error)) => ReadFailure::Host(error),
            failure => {
                let first = failure.diagnostics(title, world).into_iter().next();
                ReadFailure::Other(first.unwrap_or_else(|| Diagnostic::bug(title, "An error without words.")))
            }
        }
    }
}
