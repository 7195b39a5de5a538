//! What is answered.

use std::{borrow::Cow, fmt};

use hyper::HeaderMap;

/// The response to one request, whatever its status. `Debug` does not show the body, which may
/// have secrets in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The status, from 100 to 999.
    pub status: u16,
    /// The headers, in any case of letters.
    pub headers: HeaderMap,
    /// The body, or its beginning where the client was told to be content with that.
    pub body: Vec<u8>,
}

impl Response {
    /// Whether the status is one of success, 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..=299).contains(&self.status)
    }

    /// The first header of this name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
