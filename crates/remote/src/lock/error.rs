//! Why there is no lock, or none any more.

use std::{fmt, time::Duration};

use crate::Error;

/// Why there is no lock.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum LockError {
    /// The host could not be reached, or we were cancelled.
    #[error(transparent)]
    Remote(#[from] Error),
    /// Somebody else has it.
    #[error("lock {name:?} on {host} is still held after {} s by {holder}{}", waited.as_secs(), Heard(.free_in))]
    Busy {
        name: String,
        host: String,
        /// Who has it, as they said it themselves.
        holder: String,
        /// How long we waited.
        waited: Duration,
        /// When another one may take it, unless its holder is heard of again; `None` where the
        /// holder does not renew it (an earlier version).
        free_in: Option<Duration>,
    },
    /// The host has no `flock` or no `timeout`.
    #[error("{host} has no flock or no timeout command; install util-linux and coreutils there")]
    NoFlock { host: String },
    /// The name has characters that a file name cannot have.
    #[error("{name:?} cannot be the name of a lock")]
    Name { name: String },
    /// The script failed.
    #[error("could not take lock {name:?} on {host}: {stderr}")]
    Failed { name: String, host: String, stderr: String },
}

/// When a lock is free, in words that follow those about its holder.
struct Heard<'a>(&'a Option<Duration>);

impl fmt::Display for Heard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(time) => write!(f, "; unless its holder renews it, it is free in {} s", time.as_secs()),
            None => Ok(()),
        }
    }
}

/// A lock that was held and is not any more: whoever wants it may have it by now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("lock {name:?} on {host} was lost: {why}")]
pub struct LostLock {
    /// Its name.
    pub name: String,
    /// The host in words.
    pub host: String,
    /// How.
    pub why: LostBecause,
}

/// How a lock was lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LostBecause {
    /// The connection that held it ended, or the process there did.
    #[error("the connection that held it has ended")]
    Ended,
    /// The host let it go, because nothing was heard of us for too long.
    #[error("the host heard nothing of us for too long and let it go")]
    Late,
    /// Somebody has removed its file on the host.
    #[error("somebody has removed its file on the host")]
    Removed,
    /// The host does not confirm it any more, and may have let it go.
    #[error("the host has not confirmed it for {} s", .0.as_secs())]
    Silent(Duration),
}
