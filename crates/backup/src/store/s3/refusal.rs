//! What servers say when they refuse.

use std::error::Error;

use quick_xml::{Reader, de, events::Event};
use reqwest::StatusCode;
use serde::Deserialize;

use super::S3Store;
use crate::store::{Store as _, StoreError};

/// An error of the bucket, or of what was to be put into it.
pub(super) type Cause = Box<dyn Error + Send + Sync>;

/// The document that a server answers with instead of what was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// A refusal: a status, and the words that go with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server says {}", words(*.status, .document))]
pub(super) struct Refusal {
    status: StatusCode,
    document: Document,
}

fn words(status: StatusCode, document: &Document) -> String {
    let Document { code, message } = document;
    match (code.as_str(), message.trim_end_matches('.')) {
        ("", _) => status.to_string(),
        (code, "") => code.to_owned(),
        (code, message) => format!("{code}: {message}"),
    }
}

impl Refusal {
    /// What an answer refuses: one with such a document, or whose status says that nobody is let in.
    pub(super) fn of(status: StatusCode, body: &[u8]) -> Option<Self> {
        let document = document(body);
        let is_refused = document.is_some() || is_denied(status);
        is_refused.then(|| Self { status, document: document.unwrap_or_default() })
    }

    /// What an answer refuses that has no content of its own: also one whose status is not of success.
    pub(super) fn of_answer(status: StatusCode, body: &[u8]) -> Option<Self> {
        let failed = || (!status.is_success()).then(|| Self { status, document: Document::default() });
        Self::of(status, body).or_else(failed)
    }

    /// Whether nobody is let in, or not to this.
    pub(super) fn is_denied(&self) -> bool {
        is_denied(self.status) || self.document.code == "ObjectLocked"
    }

    /// Whether what was asked for is not there.
    pub(super) fn is_absent(&self) -> bool {
        self.status == StatusCode::NOT_FOUND && !self.is_of_bucket()
    }

    /// Whether it stays one, however often one asks: nobody is let in, or there is no bucket.
    pub(super) fn is_final(&self) -> bool {
        is_denied(self.status) || self.is_of_bucket()
    }

    fn is_of_bucket(&self) -> bool {
        self.document.code == "NoSuchBucket"
    }
}

fn is_denied(status: StatusCode) -> bool {
    status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN
}

/// The document, where `body` is one whose root is `Error`.
fn document(body: &[u8]) -> Option<Document> {
    let text = std::str::from_utf8(body).ok()?;
    let mut reader = Reader::from_str(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(root) if root.local_name().as_ref() == b"Error" => break,
            Event::Start(_) | Event::Empty(_) | Event::Eof => return None,
            _ => {}
        }
    }
    Some(de::from_str(text).unwrap_or_default())
}

impl S3Store {
    /// What failed while `operation`, a verb phrase, was under way.
    pub(super) fn told(&self, operation: impl Into<String>, error: impl Into<Cause>) -> StoreError {
        let (operation, store, error) = (operation.into(), self.url(), error.into());
        match refusal(error.as_ref()).cloned() {
            Some(refusal) if refusal.is_of_bucket() => {
                StoreError::NoBucket { bucket: self.bucket.clone(), store, source: refusal.into() }
            }
            Some(refusal) => {
                let key_from = self.key_from.clone();
                StoreError::Denied { operation, store, key_from, source: refusal.into() }
            }
            None => StoreError::Failed { operation, store, source: error },
        }
    }
}

/// The refusal that `error` comes of.
fn refusal<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Refusal> {
    std::iter::successors(Some(error), |&error| error.source()).find_map(|error| error.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_by_its_root() {
        let said = |status: u16, body: &str| {
            Refusal::of(StatusCode::from_u16(status).unwrap(), body.as_bytes())
                .map(|refusal| refusal.to_string())
        };
        let slow = "<?xml version=\"1.0\"?>\n<Error><Code>SlowDown</Code><Message>Less &amp; slower.</Message><X/></Error>";
        assert_eq!(said(200, slow).unwrap(), "the server says SlowDown: Less & slower");
        assert_eq!(said(404, "<Error><Code>NoSuchKey</Code></Error>").unwrap(), "the server says NoSuchKey");
        assert_eq!(said(403, "").unwrap(), "the server says 403 Forbidden");
        for body in ["", "no document", "<List><Error/></List>", "<Error", "{}"] {
            assert_eq!(said(200, body), None, "{body}");
        }
    }
}
