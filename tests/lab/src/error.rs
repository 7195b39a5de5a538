//! What can go wrong in the lab.

use std::path::PathBuf;

/// An error of the lab; the text names the operation and its object.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A command ended with another status than 0.
    #[error("`{command}` failed ({status}){output}")]
    Command {
        /// The words, joined for reading.
        command: String,
        /// Exit status as text.
        status: String,
        /// The end of its output, on lines of its own.
        output: String,
    },
    /// A command could not be started or its output not be read.
    #[error("could not run `{command}`")]
    Spawn {
        /// The words, joined for reading.
        command: String,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// A file or directory could not be used.
    #[error("could not {operation} {}", path.display())]
    File {
        /// Verb: read, write, create, remove, lock.
        operation: &'static str,
        /// What it was about.
        path: PathBuf,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// A state file is not what this version writes.
    #[error("could not understand {}: remove it and start the lab again", path.display())]
    State {
        /// The state file.
        path: PathBuf,
        /// Cause.
        #[source]
        source: serde_json::Error,
    },
    /// Something did not get ready in time.
    #[error("{what} was not ready within {seconds} s{log}")]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: u64,
        /// The end of its log, on lines of its own.
        log: String,
    },
    /// The lab registry gave an unexpected answer.
    #[error("registry {address}: {request} gave {answer}")]
    Registry {
        /// `address:port`
        address: String,
        /// Method and path.
        request: String,
        /// Status line or what was missing.
        answer: String,
    },
    /// The request cannot be met on this machine or with these options.
    #[error("{0}")]
    Refused(String),
    /// SIGINT or SIGTERM arrived.
    #[error("interrupted")]
    Interrupted,
}

impl Error {
    /// An error about a path.
    pub(crate) fn file(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { operation, path, source }
    }
}

/// Result of the lab.
pub type Result<T> = std::result::Result<T, Error>;

/// What a thread returned; its panic is an error like others.
pub(crate) fn join<T>(thread: std::thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().unwrap_or_else(|_| Err(Error::Refused("a thread of the lab panicked".to_owned())))
}
