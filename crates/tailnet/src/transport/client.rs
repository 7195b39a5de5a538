//! How every call to a control server is made and answered: in somebody's name, with what that
//! proves, and by the kind of its answer.

use async_trait::async_trait;
use secret::{Scrubber, Secret};
use serde::de::DeserializeOwned;

use super::{Call, Reply, Wire};
use crate::Error;

/// A client of one server.
#[async_trait]
pub(crate) trait Client: Sync {
    /// What its calls go over.
    fn wire(&self) -> &Wire;

    /// What a call is sent with; another one than `refused`.
    async fn bearer(&self, refused: Option<&Secret>) -> Result<Secret, Error>;

    /// Whether there can be another one than a refused one.
    fn can_renew(&self) -> bool;

    /// Every secret that the server could repeat when it is asked with `bearer`.
    fn secrets(&self, bearer: &Secret) -> Scrubber;

    /// What a failure of this call means, where this server knows better.
    fn meant(&self, _call: &Call, error: Error) -> Error {
        error
    }

    /// Sends a call. What it was sent with is replaced once if it is not accepted: nothing was done
    /// for it.
    async fn demand(&self, call: &Call) -> Result<Reply, Error> {
        let bearer = self.bearer(None).await?;
        let outcome = match self.wire().demand(call, Some(&bearer), &self.secrets(&bearer)).await {
            Err(Error::Credentials { .. }) if self.can_renew() => {
                let bearer = self.bearer(Some(&bearer)).await?;
                self.wire().demand(call, Some(&bearer), &self.secrets(&bearer)).await
            }
            outcome => outcome,
        };
        outcome.map_err(|error| self.meant(call, error))
    }

    /// The content of the answer.
    async fn answer<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Error> {
        let reply = self.demand(call).await?;
        self.wire().read(call, &reply)
    }

    /// As [`Client::answer`]; `None` when the server has no such thing.
    async fn answer_if_there<T: DeserializeOwned>(&self, call: &Call) -> Result<Option<T>, Error> {
        match self.demand(call).await {
            Ok(reply) => self.wire().read(call, &reply).map(Some),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends a call whose answer has nothing to tell.
    async fn carry_out(&self, call: &Call) -> Result<(), Error> {
        self.demand(call).await.map(drop)
    }

    /// Sends a call that removes something; already gone is success.
    async fn remove(&self, call: &Call) -> Result<(), Error> {
        match self.carry_out(call).await {
            Err(Error::NotFound { .. }) => Ok(()),
            outcome => outcome,
        }
    }
}

/// The server and what happened, if `error` is that something may have been done of which nobody
/// was told. A refusal counts as that from the status `from` on.
///
/// # Errors
/// `error` itself, if it is another one.
pub(crate) fn lost(error: Error, from: u16) -> Result<(String, String), Error> {
    match error {
        Error::Lost { server, why, .. } | Error::Garbled { server, why, .. } => Ok((server, why)),
        Error::Refused { server, answered } if answered.status >= from => {
            Ok((server, format!("its status was {}: {}", answered.status, answered.words())))
        }
        error => Err(error),
    }
}
