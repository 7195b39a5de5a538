//! What can go wrong with Tailscale on a machine.

/// What can go wrong. No secret is in its texts.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum NodeError {
    /// There is no Tailscale.
    #[error("there is no program \"tailscale\" on {host}")]
    Missing { host: String },
    /// Its daemon does not answer, or not us.
    #[error("Tailscale's daemon on {host} does not answer")]
    Silent {
        host: String,
        /// The command's own words.
        said: String,
    },
    /// What it said is not what it usually says.
    #[error("what Tailscale on {host} says about {what} cannot be read: {why}")]
    Garbled { host: String, what: &'static str, why: String },
    /// It did not do what it was told.
    #[error("Tailscale on {host} did not {operation}")]
    Refused {
        host: String,
        /// What it was to do, as a verb phrase.
        operation: &'static str,
        status: u32,
        /// The command's own words.
        said: String,
    },
    /// What it serves is not what it was a moment ago. Nothing was changed.
    #[error("what Tailscale on {host} serves was changed by somebody else just now")]
    Changed { host: String },
    /// What ran detached did not end in time, or nobody could see whether it did.
    #[error("whether Tailscale on {host} could {operation} is not known after {seconds} s")]
    Unfinished {
        host: String,
        operation: &'static str,
        seconds: u64,
        /// Why the machine could not be asked, where that is the reason.
        why: Option<String>,
    },
    /// The machine, or the way there.
    #[error(transparent)]
    Host(#[from] remote::Error),
    /// What has to be written down there for a while.
    #[error(transparent)]
    File(#[from] remote::files::FileError),
}
