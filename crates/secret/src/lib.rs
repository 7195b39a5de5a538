//! Values that cannot be printed by accident.
//!
//! Every credential and every write-only input travels as a [`Secret`]: its `Debug` and `Display`
//! say `[secret]`, its memory is wiped when it is dropped, and the only way to the text is
//! [`Secret::expose`], which a reader can search for. Foreign text (container logs, Compose's
//! errors) that may repeat a secret goes through a [`Scrubber`] before anybody sees it.

mod proof;
mod scrub;

use std::fmt;

use zeroize::Zeroizing;

pub use proof::{BadKey, ProofKey, hex};
pub use scrub::Scrubber;

/// What stands in the place of a secret wherever text is shown.
pub const REDACTED: &str = "[secret]";

/// A text that must not appear in plans, state, logs, arguments or error messages.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes ownership of `text`; from here on it is only reachable through [`Secret::expose`].
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. Call this only where the value leaves the process on purpose.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the text is empty, which no caller needs to expose it for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_formatting_shows_the_text() {
        let secret = Secret::new("hunter2");
        for shown in [
            format!("{secret}"),
            format!("{secret:?}"),
            format!("{secret:#?}"),
            format!("{:?}", Some(&secret)),
        ] {
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(shown.contains(REDACTED), "{shown}");
        }
    }

    #[test]
    fn expose_returns_the_text() {
        assert_eq!(Secret::from("hunter2").expose(), "hunter2");
        assert!(Secret::from("").is_empty());
    }
}
