//! What can go wrong with a control server.

/// An answer that is a refusal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// What was asked, as a fragment: `create a key`.
    pub operation: &'static str,
    /// The status of HTTP.
    pub status: u16,
    /// The server's own words.
    pub message: String,
    /// More of them, one line each.
    pub details: Vec<String>,
}

impl Answered {
    /// All of its words.
    pub fn words(&self) -> String {
        let parts = std::iter::once(&self.message).chain(&self.details);
        parts.filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// What can go wrong. No secret is in its texts.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum Error {
    /// No request got there, so that nothing was done.
    #[error("{server} could not be reached to {operation}: {why}")]
    Unreachable { server: String, operation: &'static str, why: String },
    /// What was sent may or may not have been done: no whole answer came.
    #[error("the answer of {server} was lost when it was asked to {operation}: {why}")]
    Lost { server: String, operation: &'static str, why: String },
    /// A key may have been made of which nobody knows the secret.
    #[error("the answer of {server} was lost when it was asked to make a key: {why}")]
    KeyLost {
        server: String,
        why: String,
        /// The ids of keys that may be that one; empty when there is none, `None` when they could
        /// not be listed.
        candidates: Option<Vec<String>>,
    },
    /// The server does not accept who we are.
    #[error("{server} does not accept the credentials")]
    Credentials { server: String, answered: Answered },
    /// The server knows us and does not let us do that.
    #[error("{server} does not allow to {}", answered.operation)]
    Forbidden { server: String, answered: Answered },
    /// There is no such thing there.
    #[error("{server} does not have what is needed to {}", answered.operation)]
    NotFound { server: String, answered: Answered },
    /// The policy there is another one than the one to be replaced. Nothing was changed.
    #[error("the policy at {server} is another one than expected")]
    Conflict {
        server: String,
        /// The one that is there, if it could be read.
        current: Option<Box<super::StoredPolicy>>,
    },
    /// The server had too much to do, also after waiting.
    #[error("{server} had too many requests to {}", answered.operation)]
    Busy { server: String, answered: Answered },
    /// Any other refusal.
    #[error("{server} refused to {}", answered.operation)]
    Refused { server: String, answered: Answered },
    /// What came is no answer to that question.
    #[error("the answer of {server} to {operation} could not be read: {why}")]
    Garbled { server: String, operation: &'static str, why: String },
    /// The server, or this version of it, cannot do that.
    #[error("{what}")]
    Unsupported { what: String },
    /// What is needed to reach it is missing or wrong.
    #[error("{what}")]
    Configuration { what: String },
    /// Work on the host of the server failed.
    #[error(transparent)]
    Host(#[from] remote::Error),
}

impl Error {
    /// The refusal, if it is one.
    pub fn answered(&self) -> Option<&Answered> {
        match self {
            Self::Credentials { answered, .. }
            | Self::Forbidden { answered, .. }
            | Self::NotFound { answered, .. }
            | Self::Busy { answered, .. }
            | Self::Refused { answered, .. } => Some(answered),
            _ => None,
        }
    }
}
