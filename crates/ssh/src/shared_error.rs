//! One failure for all who waited for the same attempt.

use std::{fmt, sync::Arc};

use remote::Error;

/// What several callers are told about one failed attempt.
#[derive(Clone, Debug)]
pub(crate) struct Shared(Parts);

#[derive(Clone, Debug)]
enum Parts {
    Unreachable {
        host: String,
        cause: Cause,
    },
    Mismatch {
        host: String,
        expected: Vec<String>,
        offered: String,
    },
    Unknown {
        host: String,
        offered: String,
        known_hosts_line: String,
    },
    Authentication {
        host: String,
        user: String,
        tried: Vec<String>,
    },
    TailnetPolicy {
        host: String,
        user: String,
        said: String,
        confirm_at: Option<String>,
    },
    /// Everything else is told in words.
    Words(String),
}

impl Shared {
    /// The error for the others, and for the one who made the attempt.
    pub(crate) fn split(error: Error) -> (Self, Error) {
        let parts = match error {
            Error::Unreachable { host, source } => Parts::Unreachable { host, cause: Cause(source.into()) },
            Error::HostKeyMismatch { host, expected, offered } => Parts::Mismatch { host, expected, offered },
            Error::HostKeyUnknown { host, offered, known_hosts_line } => {
                Parts::Unknown { host, offered, known_hosts_line }
            }
            Error::Authentication { host, user, tried } => Parts::Authentication { host, user, tried },
            Error::TailnetPolicy { host, user, said, confirm_at } => {
                Parts::TailnetPolicy { host, user, said, confirm_at }
            }
            Error::Configuration { what } => Parts::Words(what),
            other => Parts::Words(other.to_string()),
        };
        let shared = Self(parts);
        let error = shared.to_error();
        (shared, error)
    }

    /// The error, once more.
    pub(crate) fn to_error(&self) -> Error {
        match self.0.clone() {
            Parts::Unreachable { host, cause } => Error::Unreachable { host, source: Box::new(cause) },
            Parts::Mismatch { host, expected, offered } => Error::HostKeyMismatch { host, expected, offered },
            Parts::Unknown { host, offered, known_hosts_line } => {
                Error::HostKeyUnknown { host, offered, known_hosts_line }
            }
            Parts::Authentication { host, user, tried } => Error::Authentication { host, user, tried },
            Parts::TailnetPolicy { host, user, said, confirm_at } => {
                Error::TailnetPolicy { host, user, said, confirm_at }
            }
            Parts::Words(what) => Error::Configuration { what },
        }
    }
}

/// A cause that several errors have.
#[derive(Clone, Debug)]
struct Cause(Arc<dyn std::error::Error + Send + Sync>);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
