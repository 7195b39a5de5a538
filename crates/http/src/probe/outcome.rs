//! What becomes of a probe, and the words for it.

use std::time::Duration;

use remote::{Error, chain};
use secret::Scrubber;

/// How much of a body is shown, in characters.
const SHOWN: usize = 300;

/// What became of one try that was not good.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum Outcome {
    /// No connection came about.
    #[error("{}", chain(.0))]
    NotReached(Error),
    /// A connection, and then no end.
    #[error("there was no whole answer within {} s", .0.as_secs_f32())]
    Late(Duration),
    /// A connection, and then no response.
    #[error("{}", chain(.0))]
    NotAnswered(crate::Error),
    /// Another status than asked for.
    #[error("the status was {status}")]
    Status {
        status: u16,
        /// The beginning of the body.
        body: String,
    },
    /// The status will do, the body will not.
    #[error("the status was {status}, but the text was not in the body")]
    Body {
        status: u16,
        /// The beginning of the body.
        body: String,
    },
}

/// Why a probe did not pass.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It never answered as it should.
    #[error("{last} (try {tries}, after {} s)", took.as_secs())]
    Failed {
        /// How often it was tried.
        tries: u32,
        /// How long it took in all.
        took: Duration,
        /// What the last try came to.
        last: Outcome,
    },
    /// The host from which it is made cannot be reached, or we were cancelled.
    #[error(transparent)]
    Remote(#[from] Error),
}

impl From<crate::Error> for Outcome {
    fn from(error: crate::Error) -> Self {
        match error {
            crate::Error::Remote(error) => Self::NotReached(error),
            crate::Error::Timeout { limit } => Self::Late(limit),
            error => Self::NotAnswered(error),
        }
    }
}

impl Outcome {
    /// What happened, in words, with the beginning of the body where there was one; without the
    /// secrets that `scrubber` knows.
    pub fn describe(&self, scrubber: &Scrubber) -> String {
        let words = scrubber.scrub(&self.to_string());
        let (Self::Status { body, .. } | Self::Body { body, .. }) = self else { return words };
        let body = beginning(scrubber.scrub(body).trim());
        if body.is_empty() { format!("{words}, with an empty body") } else { format!("{words}: {body}") }
    }
}

/// The first characters of a text.
fn beginning(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use secret::Secret;

    use super::*;

    #[test]
    fn a_long_body_is_cut_behind_its_secrets() {
        let body = format!("{}hunter2{}", "x".repeat(SHOWN - 3), "y".repeat(100));
        let words = Outcome::Status { status: 500, body }.describe(&Scrubber::new([Secret::from("hunter2")]));
        assert!(words.ends_with("xxx[se…") && !words.contains("hun"), "{words}");
    }
}
