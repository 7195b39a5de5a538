//! Why a string is not a connection.

/// Why a string is not a connection; the text names the part that is wrong.
///
/// What was given is repeated only where it cannot hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectionError {
    /// It does not begin with a known scheme.
    #[error("a connection starts with ssh:// or local://")]
    Scheme,
    /// A password in the user's place.
    #[error("a connection must not hold a password: remove the \":…\" before the \"@\"")]
    Password,
    /// A `%` that is not followed by two hex digits, or that hides a control character or no text.
    #[error("{part} is not percent-encoded text")]
    Encoding {
        /// Which part.
        part: String,
    },
    /// Nothing where something must stand.
    #[error("{part} is empty")]
    Empty {
        /// Which part.
        part: String,
    },
    /// Something else than a host name, an IPv4 or a bracketed IPv6 address.
    #[error(
        "{part} is not a valid host name or address, because {given:?} is neither a name nor an IPv4 address nor an IPv6 address in brackets"
    )]
    Host {
        /// Which part.
        part: String,
        /// What stands there.
        given: String,
    },
    /// A port that is not between 1 and 65535.
    #[error("{part} is not a valid port, because {given:?} is not a number from 1 to 65535")]
    Port {
        /// Which part.
        part: String,
        /// What stands there.
        given: String,
    },
    /// A path after the host, a fragment, or a host after `local://`.
    #[error("{what} has no place in a connection")]
    Misplaced {
        /// What stands there.
        what: &'static str,
    },
    /// A parameter nobody knows.
    #[error(
        "unknown parameter {name:?}; a connection has docker, host_key, identity, jump, proxy and sudo, and local:// has none"
    )]
    UnknownParameter {
        /// Its name.
        name: String,
    },
    /// A parameter that may stand once and stands twice.
    #[error("parameter {name} is given twice")]
    Repeated {
        /// Its name.
        name: &'static str,
    },
    /// A parameter whose value cannot be used.
    #[error("parameter {name} {problem}")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// What is wrong, as a verb phrase.
        problem: String,
    },
}
