//! Asking again, where that does no harm.

use std::{sync::Arc, time::Duration};

use secret::{Scrubber, Secret};

use super::{Call, Reply, Transport, TransportError, failures};
use crate::Error;

/// How often, and after how long, a request is repeated.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How many times it is sent at most.
    pub tries: u32,
    /// How long the first wait is at most; each one may be twice as long as the one before.
    pub first: Duration,
    /// How long a server may ask us to wait. For longer, the request fails.
    pub longest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { tries: 5, first: Duration::from_millis(500), longest: Duration::from_secs(60) }
    }
}

impl Pace {
    /// The wait before try number `next` (the second is 1), somewhere in the upper half of its span,
    /// so that many clients do not come back together.
    fn wait(&self, next: u32) -> Duration {
        let span = self.first.saturating_mul(1 << next.saturating_sub(1).min(6));
        let mut byte = [0_u8; 1];
        // Without randomness the wait is only less well spread.
        let _ = getrandom::fill(&mut byte);
        span.mul_f64(0.5 + f64::from(byte[0]) / 512.0)
    }
}

/// A transport that repeats what may be repeated, and tells refusals by their kind.
pub struct Wire {
    transport: Arc<dyn Transport>,
    pace: Pace,
}

impl Wire {
    /// Over `transport`.
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport, pace: Pace::default() }
    }

    /// With another pace.
    #[must_use]
    pub fn pace(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// Whom it leads to.
    pub fn server(&self) -> String {
        self.transport.server().to_owned()
    }

    /// Sends a request, again where that may help and does no harm, and gives the answer whatever
    /// its status.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and [`Error::Lost`].
    pub async fn ask(&self, call: &Call, bearer: Option<&Secret>) -> Result<Reply, Error> {
        let mut tried = 0;
        loop {
            tried += 1;
            let outcome = self.transport.send(call, bearer).await;
            let status = outcome.as_ref().map(|reply| reply.status).map_err(Clone::clone);
            tracing::debug!(
                server = self.transport.server(),
                method = call.method,
                path = call.path,
                ?status,
                tried,
                "asked a control server"
            );
            let asked_for = match &outcome {
                // It was not done: the server says so.
                Ok(reply) if reply.status == 429 => reply.retry_after,
                Ok(reply) if call.repeatable && [502, 503, 504].contains(&reply.status) => reply.retry_after,
                Err(TransportError::NotSent(_)) => None,
                Err(TransportError::Lost(_)) if call.repeatable => None,
                _ => return self.settle(call, outcome),
            };
            let wait = self.pace.wait(tried).max(asked_for.unwrap_or_default());
            if tried >= self.pace.tries || wait > self.pace.longest {
                return self.settle(call, outcome);
            }
            tokio::time::sleep(wait).await;
        }
    }

    fn settle(&self, call: &Call, outcome: Result<Reply, TransportError>) -> Result<Reply, Error> {
        let (server, operation) = (self.server(), call.operation);
        outcome.map_err(|error| match error {
            TransportError::NotSent(why) => Error::Unreachable { server, operation, why },
            TransportError::Lost(why) => Error::Lost { server, operation, why },
        })
    }

    /// As [`Wire::ask`], where only success is an answer.
    ///
    /// # Errors
    /// Also every refusal, by its kind. `secrets` are taken out of the server's words.
    pub async fn demand(
        &self,
        call: &Call,
        bearer: Option<&Secret>,
        secrets: &Scrubber,
    ) -> Result<Reply, Error> {
        let reply = self.ask(call, bearer).await?;
        if reply.is_success() {
            return Ok(reply);
        }
        Err(failures::refusal(self.server(), call.operation, &reply, secrets))
    }

    /// The content of an answer.
    ///
    /// # Errors
    /// [`Error::Garbled`] when it is something else.
    pub fn read<T: serde::de::DeserializeOwned>(&self, call: &Call, reply: &Reply) -> Result<T, Error> {
        serde_json::from_slice(&reply.body).map_err(|error| Error::Garbled {
            server: self.server(),
            operation: call.operation,
            // Its words name places and kinds, and quote nothing but what was expected.
            why: format!("line {}, column {}: {}", error.line(), error.column(), kind_of(&error)),
        })
    }
}

fn kind_of(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Io => "it could not be read",
        serde_json::error::Category::Syntax => "it is not JSON",
        serde_json::error::Category::Data => "a part of it is missing or of another kind",
        serde_json::error::Category::Eof => "it ends too early",
    }
}
