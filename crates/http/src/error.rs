//! Why there is no response.

use std::{io, time::Duration};

/// What can go wrong between a request and its response. A status of failure is not among it.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum Error {
    /// No connection came about: [`remote::Error::Dial`] when the host can be reached and the
    /// target cannot, and another one when it is the host that cannot be reached.
    #[error(transparent)]
    Remote(#[from] remote::Error),
    /// The whole response was not there in time.
    #[error("there was no whole answer within {} s", limit.as_secs_f32())]
    Timeout {
        /// How long dialling, asking and reading might take together.
        limit: Duration,
    },
    /// TLS did not come about: the certificate has another name or another authority, or what
    /// answers does not speak TLS.
    #[error("TLS failed")]
    Tls(#[source] io::Error),
    /// There are no authorities to check a certificate with.
    #[error("the certificates that this machine trusts cannot be read: {why}")]
    SystemRoots {
        /// What the system said, in words.
        why: String,
    },
    /// A given authority cannot be used.
    #[error("the certificates of authorities are not valid PEM, because {why}")]
    Pem {
        /// What is wrong with them, in words.
        why: String,
    },
    /// A header has characters that none can have. Its value is not in the text: it may be secret.
    #[error(
        "the header {name:?} is not valid, because its name or its value has characters that no header can have"
    )]
    Header { name: String },
    /// What came is not HTTP, or ended early.
    #[error("the answer could not be read")]
    Response(#[source] hyper::Error),
    /// The body is longer than the client is ready to hold.
    #[error("the body of the answer has more than {limit} bytes")]
    TooLarge {
        /// How many bytes it might have.
        limit: usize,
    },
}
