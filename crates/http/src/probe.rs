//! Probes: asking something that a host can reach, again and again, until it answers as it should.
//!
//! It is a matter of an [`Executor`] and of nothing else: the stream is dialled from the host's
//! point of view, names are resolved there, and HTTP and TLS are spoken here, so that the host
//! needs no program for it. Redirects are answers like any other and are not followed.

mod outcome;
mod statuses;

use std::{fmt, time::Duration};

use remote::{
    Dial, Error, Executor,
    poll::{Ended, Poll},
};
use tokio_util::sync::CancellationToken;

use crate::{Client, Request, Response, Url};

pub use outcome::{Outcome, ProbeError};
pub use statuses::{Statuses, StatusesError};

/// How long one try may take.
const TRY: Duration = Duration::from_secs(10);
/// How much of a body is read, in bytes: a text to look for has to be in here.
const READ: usize = 1 << 20;

/// What is asked, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What is asked.
    pub target: Target,
    /// How long it may take until it answers as it should.
    pub timeout: Duration,
    /// The time from the end of one try to the next.
    pub interval: Duration,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum Target {
    /// Whether anybody takes a connection.
    Tcp {
        /// A name or an address.
        host: String,
        port: u16,
    },
    /// What a `GET` is answered with.
    Http {
        /// The address.
        url: Url,
        /// The statuses that will do.
        statuses: Statuses,
        /// A text that must be in the body.
        body: Option<String>,
    },
}

impl Target {
    fn dial(&self) -> Dial {
        match self {
            Self::Tcp { host, port } => Dial::Tcp(host.clone(), *port),
            Self::Http { url, .. } => Dial::Tcp(url.host().to_owned(), url.port()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { .. } => write!(f, "tcp {}", self.dial()),
            Self::Http { url, .. } => write!(f, "{url}"),
        }
    }
}

impl Probe {
    /// Tries until it passes: how often that took. An outcome that `hopeless` knows is not tried
    /// again.
    ///
    /// # Errors
    /// See [`ProbeError`].
    pub async fn pass(
        &self,
        from: &dyn Executor,
        hopeless: impl Fn(&Error) -> bool,
        cancel: &CancellationToken,
    ) -> Result<u32, ProbeError> {
        let poll = Poll::new(self.interval, self.timeout, cancel);
        let mut tries = 0;
        let mut earlier = None;
        loop {
            tries += 1;
            let tried = tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(Error::Cancelled.into()),
                tried = attempt(from, &self.target, poll.left().min(TRY)) => tried,
            };
            let last = match tried {
                Ok(()) => return Ok(tries),
                Err(Outcome::NotReached(error)) if !matches!(error, Error::Dial { .. }) => {
                    return Err(error.into());
                }
                // A try that the end of the time cut short tells less than the one before it.
                Err(Outcome::Late(limit)) if limit < TRY => earlier.unwrap_or(Outcome::Late(limit)),
                Err(last) => last,
            };
            let no_use = matches!(&last, Outcome::NotReached(error) if hopeless(error));
            let ended = if no_use { Err(Ended::Late) } else { poll.next().await };
            match ended {
                Ok(()) => earlier = Some(last),
                Err(Ended::Cancelled) => return Err(Error::Cancelled.into()),
                Err(Ended::Late) => {
                    return Err(ProbeError::Failed { tries, took: poll.elapsed(), last });
                }
            }
        }
    }
}

/// One try.
async fn attempt(from: &dyn Executor, target: &Target, limit: Duration) -> Result<(), Outcome> {
    match target {
        Target::Tcp { .. } => {
            let dialled = tokio::time::timeout(limit, from.dial(&target.dial())).await;
            dialled.map_err(|_| Outcome::Late(limit))?.map(drop).map_err(Outcome::NotReached)
        }
        Target::Http { url, statuses, body } => {
            let client = Client::new().timeout(limit).body_beginning(READ);
            judge(&client.send(from, Request::get(url.clone())).await?, statuses, body.as_deref())
        }
    }
}

/// Whether a response will do.
fn judge(response: &Response, statuses: &Statuses, wanted: Option<&str>) -> Result<(), Outcome> {
    let (status, body) = (response.status, response.text().into_owned());
    if !statuses.contains(status) {
        return Err(Outcome::Status { status, body });
    }
    match wanted {
        Some(text) if !body.contains(text) => Err(Outcome::Body { status, body }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
