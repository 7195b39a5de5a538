//! Requests and answers, whichever way they go.

mod client;
mod direct;
mod failures;
mod retry;
mod through;

use std::time::Duration;

use async_trait::async_trait;
use secret::Secret;

pub(crate) use client::{Client, lost};
pub use direct::Direct;
pub(crate) use failures::refusal_in;
pub use retry::{Pace, Wire};
pub use through::Through;

/// One request. Its path goes behind the server's address, with its query.
#[derive(Clone, Debug)]
pub struct Call {
    /// What is asked, as a fragment for messages: `create a key`.
    pub operation: &'static str,
    /// The method of HTTP.
    pub method: &'static str,
    /// The path and the query, beginning with a slash.
    pub path: String,
    /// The kind of answer that is wanted.
    pub accept: &'static str,
    /// What is sent, and its kind.
    pub body: Option<(&'static str, Secret)>,
    /// Only if the thing is of this version.
    pub if_match: Option<String>,
    /// Whether asking twice does no harm.
    pub repeatable: bool,
}

impl Call {
    /// A question.
    pub fn get(operation: &'static str, path: impl Into<String>) -> Self {
        Self {
            operation,
            method: "GET",
            path: path.into(),
            accept: "application/json",
            body: None,
            if_match: None,
            repeatable: true,
        }
    }

    /// With another method; only what replaces or removes can be asked twice.
    pub fn with_method(method: &'static str, operation: &'static str, path: impl Into<String>) -> Self {
        Self { method, repeatable: ["GET", "PUT", "DELETE"].contains(&method), ..Self::get(operation, path) }
    }

    /// With this value as JSON.
    #[must_use]
    pub fn json(self, value: &serde_json::Value) -> Self {
        self.content("application/json", value.to_string())
    }

    /// With this content.
    #[must_use]
    pub fn content(mut self, media_type: &'static str, text: impl Into<Secret>) -> Self {
        self.body = Some((media_type, text.into()));
        self
    }

    /// Says that asking twice does no harm.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }
}

/// An answer, whatever its status.
#[derive(Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The header `ETag`, as it is.
    pub etag: Option<String>,
    /// What the header `Retry-After` asks for.
    pub retry_after: Option<Duration>,
    /// The content. Secrets may be in it.
    pub body: Vec<u8>,
}

impl Reply {
    /// Whether the status is one of success.
    pub fn is_success(&self) -> bool {
        (200..=299).contains(&self.status)
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportError {
    /// Nothing was sent.
    NotSent(String),
    /// Something was sent, and no whole answer came.
    Lost(String),
}

/// A way to a server.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Whom it leads to, for messages.
    fn server(&self) -> &str;

    /// Sends one request, once, in the name of who has `bearer`.
    async fn send(&self, call: &Call, bearer: Option<&Secret>) -> Result<Reply, TransportError>;
}

/// The most bytes of an answer that are read.
const BODY: usize = 32 << 20;

/// How long a request may take in all.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The seconds that a `Retry-After` asks for. (The other form, a date, is taken for none.)
fn retry_after(value: Option<&str>) -> Option<Duration> {
    value?.trim().parse().ok().map(Duration::from_secs)
}
