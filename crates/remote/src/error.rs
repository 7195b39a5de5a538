//! What can go wrong between us and a host.

use std::{io, time::Duration};

use crate::connection::Sudo;

/// A failure to reach a host or to get something done there.
///
/// `host` is [`Executor::name`](crate::Executor::name) and `program` a command's first word: what
/// follows it may be secret.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum Error {
    /// No connection could be made.
    #[error("could not reach {host}")]
    Unreachable {
        host: String,
        /// What the network or the library said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The host's key is not the one that was recorded; nothing was sent to it.
    #[error("the host key of {host} is not the one that was recorded")]
    HostKeyMismatch {
        host: String,
        /// `<type> SHA256:<base64>` of each key that would have been accepted.
        expected: Vec<String>,
        /// The same of the key that was offered.
        offered: String,
    },
    /// No key is recorded for the host; nothing was sent to it.
    #[error("the host key of {host} is not known")]
    HostKeyUnknown {
        host: String,
        /// `<type> SHA256:<base64>` of the key that was offered.
        offered: String,
        /// The line that would make it known in a known_hosts file.
        known_hosts_line: String,
    },
    /// The host is there and is the right one, but does not let us in.
    #[error("{host} refused to authenticate user {user}")]
    Authentication {
        host: String,
        user: String,
        /// What was tried, in words: `key /root/.ssh/id (ed25519 SHA256:…)`, `agent (2 keys)`.
        tried: Vec<String>,
    },
    /// The host is reached by Tailscale SSH, which lets in whom the tailnet's policy names, by no key: it
    /// does not let us in, or not before somebody has confirmed it in a browser.
    #[error("{host} did not let user {user} in by Tailscale SSH")]
    TailnetPolicy {
        host: String,
        user: String,
        /// What it said.
        said: String,
        /// The address where somebody may confirm it, where the policy asks for that.
        confirm_at: Option<String>,
    },
    /// A setting on our side cannot be used: a key file that is missing, a wrong passphrase.
    #[error("{what}")]
    Configuration {
        /// The whole story in words.
        what: String,
    },
    /// The host let us in, but its login does not run commands: it did something else and ended, or
    /// did not come to it in time.
    #[error("the login {host} did not run a command")]
    NoShell {
        host: String,
        /// What it ended with; `None` when it did not end.
        status: Option<u32>,
        /// What it wrote, on either stream.
        said: String,
    },
    /// The login has joined what commands write to stdout and to stderr, so that nobody could tell
    /// output from errors; the command was not run.
    #[error("the login {host} joins the output of commands with their errors")]
    JoinedStreams {
        host: String,
        /// The login shell's path; empty where the login does not say it.
        shell: String,
    },
    /// The command could not be started.
    #[error("could not start {program:?} on {host}")]
    Start {
        program: String,
        host: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The target of a dial did not answer; the host itself did.
    #[error("could not connect to {target} on {host}")]
    Dial {
        /// The socket or address.
        target: String,
        host: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The connection ended before the command's exit status came: what it did is not known.
    #[error("the connection to {host} ended before {program:?} told its exit status")]
    NoStatus { program: String, host: String },
    /// The command took longer than it may and was ended.
    #[error("{program:?} on {host} was ended after {} s", limit.as_secs())]
    Timeout {
        program: String,
        host: String,
        /// How long it was given.
        limit: Duration,
    },
    /// sudo did not run the command.
    #[error("sudo on {host} did not run {program:?}")]
    Sudo {
        host: String,
        /// What sudo was to run: one word.
        program: String,
        /// What runs under sudo there.
        sudo: Sudo,
        /// sudo's own words.
        said: String,
    },
    /// The host is none that we can work on.
    #[error("{host} {what}")]
    Unfit {
        host: String,
        /// What it lacks, as a verb phrase.
        what: String,
    },
    /// The command ended with a status other than 0.
    #[error("{program:?} on {host} ended with status {status}")]
    Failed {
        program: String,
        host: String,
        status: u32,
        /// The last lines of stderr, as the program wrote them; those of stdout where it wrote none.
        stderr: String,
    },
    /// Reading or writing a stream of the host failed.
    #[error("could not {operation} on {host}")]
    Io {
        /// What was being done, as a verb phrase: `read the output of "tar"`.
        operation: String,
        host: String,
        #[source]
        source: io::Error,
    },
    /// The command wrote more than its caller is ready to hold and was ended.
    #[error("{program:?} on {host} wrote more than {limit} bytes")]
    TooMuchOutput {
        program: String,
        host: String,
        /// How many bytes of stdout it was allowed.
        limit: usize,
    },
    /// The operation was cancelled from our side.
    #[error("cancelled")]
    Cancelled,
}

/// An error and its causes in one line, each part separated by a colon.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl Error {
    /// Whether the connection to the host is what broke, or could not be made.
    pub fn is_lost(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::HostKeyMismatch { .. }
                | Self::HostKeyUnknown { .. }
                | Self::Authentication { .. }
                | Self::NoShell { .. }
                | Self::JoinedStreams { .. }
                | Self::Dial { .. }
                | Self::NoStatus { .. }
                | Self::Io { .. }
        )
    }
}
