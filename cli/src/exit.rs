//! How a command ends: exit codes, and errors as a person reads them.

use std::fmt;
use std::process::ExitCode;

use crate::advice;

/// An exit code.
///
/// 0 is done, 1 is what went wrong, 64 are words that no command takes (`EX_USAGE` of sysexits.h); commands whose
/// answer is a code (2 of `check`, `drift`, `backup verify`) say so in their help, and `run` passes on that of what
/// it ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(pub u8);

impl Exit {
    /// All is well.
    pub const DONE: Self = Self(0);
    /// It did not work; stderr says why.
    pub const FAILED: Self = Self(1);
    /// Nothing was done, because the command line is not one.
    pub const USAGE: Self = Self(64);
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
    /// What to do about a host or a Docker; it is said last.
    next: Option<String>,
}

impl Failure {
    /// A failure by its title: the operation and the thing (`Could not open the state "x"`).
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), details: Vec::new(), next: None }
    }

    /// Adds an error with all of its causes, and what to do about it where a host or its Docker is one.
    #[must_use]
    pub fn because(self, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut text = error.to_string();
        let (mut said, mut next) = (words_of_host(error), advice_for(error));
        let mut cause = error.source();
        while let Some(error) = cause {
            text += &format!(": {error}");
            said = said.or_else(|| words_of_host(error));
            next = next.or_else(|| advice_for(error));
            cause = error.source();
        }
        let told = match said {
            Some(said) => self.with(format!("{}:\n{said}", sentence(&text).trim_end_matches('.'))),
            None => self.with(sentence(&text)),
        };
        Self { next: told.next.or(next), ..told }
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
        self.details.iter().chain(&self.next).try_for_each(|detail| write!(f, "\n\n{detail}"))
    }
}

/// What to do about a host, or about Docker there.
fn advice_for(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    // What only passes an error on is no cause of its own.
    match (error.downcast_ref(), error.downcast_ref()) {
        (Some(::stack::Error::Docker(error)), _) | (_, Some(backup::Error::Docker(error))) => {
            advice::docker(error)
        }
        (_, Some(backup::Error::Host(error))) => advice::remote(error),
        _ => match error.downcast_ref() {
            Some(error) => advice::docker(error),
            None => advice::remote(error.downcast_ref()?),
        },
    }
}

/// What a program on a host wrote before it failed.
fn words_of_host<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e str> {
    // What passes for its cause is no cause of it.
    if let Some(error) = error.downcast_ref::<backup::Error>() {
        return error.said_by_host();
    }
    match error.downcast_ref() {
        Some(remote::Error::Failed { stderr, .. }) => Some(stderr.trim()).filter(|said| !said.is_empty()),
        _ => None,
    }
}

/// Libraries' errors are fragments in lower case; a person gets a sentence. A name at its beginning stays as it is.
fn sentence(fragment: &str) -> String {
    let first_word = fragment.split_whitespace().next().unwrap_or_default();
    let is_word =
        first_word.trim_end_matches([',', ':']).chars().all(|c| c.is_ascii_lowercase() || c == '\'');
    let mut letters = fragment.chars();
    let text = match letters.next() {
        Some(first) if is_word => first.to_uppercase().to_string() + letters.as_str(),
        _ => fragment.to_owned(),
    };
    if text.ends_with(['.', '!', '?', '\n']) { text } else { text + "." }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("read the file x")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn what_to_do_about_a_host_is_said_last() {
        let told = |error: &(dyn std::error::Error + 'static)| {
            Failure::new("Could not list").because(error).with("Nothing was done.").to_string()
        };
        let denied = || docker::Error::Permission { host: "web".into(), socket: "/s".into() };
        let expected = "Could not list\n\nNo permission for the docker socket /s on web.\n\nNothing was done.\n\nAdd the user";
        assert!(told(&denied()).starts_with(expected), "{}", told(&denied()));
        assert_eq!(told(&::stack::Error::from(denied())), told(&denied()));
        assert_eq!(told(&backup::Error::from(denied())), told(&denied()));
        let unknown = remote::Error::Unreachable {
            host: "web".into(),
            source: std::io::Error::from(std::io::ErrorKind::TimedOut).into(),
        };
        assert!(told(&unknown).ends_with(
            "Nothing was done.\n\nCheck the address, the port and the firewall, and that the host is up."
        ));
        assert_eq!(told(&backup::Error::from(unknown)).matches("the firewall").count(), 1);
        assert!(told(&Outer(std::io::Error::other("x"))).ends_with("Nothing was done."));
    }

    #[test]
    fn names_stay_as_they_are() {
        for (text, expected) in [
            ("snapshot-a-20261129T163200Z-1a2b3c4d is gone", "snapshot-a-20261129T163200Z-1a2b3c4d is gone."),
            ("root@10.0.0.1:22 refused", "root@10.0.0.1:22 refused."),
            ("\"out\" is a link", "\"out\" is a link."),
            ("there is nothing", "There is nothing."),
        ] {
            assert_eq!(sentence(text), expected);
        }
    }

    #[test]
    fn what_a_host_said_is_told() {
        let failed = |stderr: &str| remote::Error::Failed {
            program: "sh".into(),
            host: "web".into(),
            status: 2,
            stderr: stderr.into(),
        };
        let told = |stderr: &str| Failure::new("Could not restore").because(&failed(stderr)).to_string();
        assert_eq!(
            told("tar: no space left\n"),
            "Could not restore\n\n\"sh\" on web ended with status 2:\ntar: no space left"
        );
        assert!(told("").ends_with("ended with status 2."));
        let wrapped = backup::Error::from(failed("tar: no space left\n"));
        assert!(Failure::new("x").because(&wrapped).to_string().ends_with("status 2:\ntar: no space left"));
        let (container, host) = ("db".to_owned(), "web".to_owned());
        let deeper = backup::Error::Unfinished { container, host, source: wrapped.into() };
        assert!(Failure::new("x").because(&deeper).to_string().ends_with("status 2:\ntar: no space left"));
    }

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
