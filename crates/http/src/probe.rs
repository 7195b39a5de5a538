//! Probes: asking something that a host can reach, again and again, until it answers as it should.
//!
//! It is a matter of an [`Executor`] and of nothing else: the stream is dialled from the host's
//! point of view, names are resolved there, and HTTP and TLS are spoken here, so that the host
//! needs no program for it. Redirects are answers like any other and are not followed.

mod http;
mod statuses;
mod tls;
mod url;

use std::{
    fmt,
    time::{Duration, Instant},
};

use remote::{Dial, Error, Executor, chain};
use secret::Scrubber;
use tokio_util::sync::CancellationToken;

pub use statuses::Statuses;
pub use url::Url;

/// How long one try may take.
const TRY: Duration = Duration::from_secs(10);
/// How much of a body is told.
const TOLD: usize = 300;

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
pub enum Target {
    /// Whether anybody takes a connection.
    Tcp {
        /// A name or an address.
        host: String,
        /// The port.
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

/// What became of one try that was not good.
#[derive(Debug, thiserror::Error)]
pub enum Outcome {
    /// No connection came about.
    #[error("{}", chain(.0))]
    NotReached(Error),
    /// A connection, and then no end.
    #[error("there was no whole answer within {} s", .0.as_secs_f32())]
    Late(Duration),
    /// TLS did not come about.
    #[error("TLS failed: {}", chain(.0))]
    Tls(std::io::Error),
    /// The certificates of authorities on this machine cannot be used.
    #[error("the certificates that this machine trusts cannot be read: {0}")]
    Roots(String),
    /// What came was no HTTP, or ended early.
    #[error("the answer could not be read: {0}")]
    Broken(String),
    /// Another status than asked for.
    #[error("the status was {status}")]
    Status {
        /// The status.
        status: u16,
        /// The beginning of the body.
        body: String,
    },
    /// The status will do, the body will not.
    #[error("the status was {status}, but the text was not in the body")]
    Body {
        /// The status.
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

impl Target {
    /// Where the stream goes.
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

impl Outcome {
    /// What happened, in words, with the beginning of the body where there was one; without the
    /// secrets that `scrubber` knows.
    pub fn told(&self, scrubber: &Scrubber) -> String {
        let words = scrubber.scrub(&self.to_string());
        let (Self::Status { body, .. } | Self::Body { body, .. }) = self else { return words };
        let body = beginning(scrubber.scrub(body).trim());
        if body.is_empty() { format!("{words}, with an empty body") } else { format!("{words}: {body}") }
    }
}

/// The first characters of a text.
fn beginning(text: &str) -> String {
    match text.char_indices().nth(TOLD) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
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
        let begun = Instant::now();
        let mut tries = 0;
        let mut earlier = None;
        loop {
            let left = self.timeout.saturating_sub(begun.elapsed());
            tries += 1;
            let tried = tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(Error::Cancelled.into()),
                tried = attempt(from, &self.target, left.min(TRY)) => tried,
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
            let took = begun.elapsed();
            let no_use = matches!(&last, Outcome::NotReached(error) if hopeless(error));
            if no_use || took + self.interval >= self.timeout {
                return Err(ProbeError::Failed { tries, took, last });
            }
            earlier = Some(last);
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(Error::Cancelled.into()),
                () = tokio::time::sleep(self.interval) => {}
            }
        }
    }
}

/// One try.
async fn attempt(from: &dyn Executor, target: &Target, limit: Duration) -> Result<(), Outcome> {
    let tried = async {
        let stream = from.dial(&target.dial()).await.map_err(Outcome::NotReached)?;
        let Target::Http { url, statuses, body } = target else { return Ok(()) };
        let answer = if url.is_https() {
            http::get(tls::wrap(stream, url.host(), tls::of_this_machine()?).await?, url).await?
        } else {
            http::get(stream, url).await?
        };
        judge(answer, statuses, body.as_deref())
    };
    tokio::time::timeout(limit, tried).await.unwrap_or(Err(Outcome::Late(limit)))
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    /// The beginning of the body.
    body: Vec<u8>,
}

/// Whether an answer will do.
fn judge(answer: Answer, statuses: &Statuses, wanted: Option<&str>) -> Result<(), Outcome> {
    let Answer { status, body } = answer;
    let body = String::from_utf8_lossy(&body).into_owned();
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
