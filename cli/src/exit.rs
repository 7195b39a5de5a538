//! How a command ends: exit codes, and errors as a person reads them.

use std::fmt;
use std::process::ExitCode;

/// An exit code.
///
/// 0 is done, 1 is what went wrong, 2 are words that no command takes; commands whose answer is a
/// code (`check`, `drift`) say so in their help, and `run` passes on that of what it ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(pub u8);

impl Exit {
    /// All is well.
    pub const DONE: Self = Self(0);
    /// It did not work; stderr says why.
    pub const FAILED: Self = Self(1);
    /// Nothing was done, because the command line is not one.
    pub const USAGE: Self = Self(2);
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}

/// What a person reads when a command did not work: what failed, what the world looks like now and
/// what to do next. Never a secret.
#[derive(Debug)]
pub struct Failure {
    title: String,
    details: Vec<String>,
}

impl Failure {
    /// A failure by its title: the operation and the thing (`Could not open the state "x"`).
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), details: Vec::new() }
    }

    /// Adds an error with all of its causes.
    #[must_use]
    pub fn because(self, error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        self.with(sentence(&text))
    }

    /// Adds a paragraph: what the world looks like now, or what to do next.
    #[must_use]
    pub fn with(mut self, paragraph: impl Into<String>) -> Self {
        self.details.push(paragraph.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)?;
        self.details.iter().try_for_each(|detail| write!(f, "\n\n{detail}"))
    }
}

/// Libraries' errors are fragments in lower case; a person gets a sentence.
fn sentence(fragment: &str) -> String {
    let mut letters = fragment.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let text = first + letters.as_str();
    if text.ends_with(['.', '!', '?', '\n']) { text } else { text + "." }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("read the file x")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_failure_says_the_whole_chain_as_a_sentence() {
        let error = Outer(std::io::Error::other("the disk is gone"));
        let failure = Failure::new("Could not open x").because(&error).with("Nothing was changed.");
        assert_eq!(
            failure.to_string(),
            "Could not open x\n\nRead the file x: the disk is gone.\n\nNothing was changed."
        );
    }
}
