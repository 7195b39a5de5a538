//! Taking turns: one restore to a place at a time, so that whatever another one has left there is of one that
//! was cut off, and can go.

use std::time::Duration;

use remote::{
    Executor,
    lock::{Lock, LockError},
};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::{archive::hex, corpus::Corpus, error::Error, postgres::ServerUri};

/// How long to wait for another restore to the same place, which takes longer as a rule.
const WAIT: Duration = Duration::from_secs(5);

/// How many digits tell places apart in names.
const DIGITS: usize = 12;

/// A place that is restored to.
pub(crate) struct Turn {
    /// What its name is in the names of what is made on the way.
    pub(crate) mark: String,
    lock: Option<Lock>,
}

impl Turn {
    /// Waits for the turn.
    ///
    /// # Errors
    /// When somebody else restores there. A host that has no locks lets everybody in.
    pub(crate) async fn take(
        exec: &dyn Executor,
        corpus: &Corpus,
        cancel: &CancellationToken,
    ) -> Result<Self, Error> {
        let mark = mark(corpus);
        match Lock::acquire(exec, &format!("restore-{mark}"), &stack::holder(), WAIT, cancel).await {
            Ok(lock) => Ok(Self { mark, lock: Some(lock) }),
            Err(LockError::Remote(error)) => Err(error.into()),
            Err(error @ LockError::Busy { .. }) => Err(Error::Lock(error)),
            Err(error) => {
                tracing::warn!(%error, "restoring without a lock");
                Ok(Self { mark, lock: None })
            }
        }
    }

    /// That of a place which is made for one restore, where nobody has to wait.
    pub(crate) fn of_ones_own(corpus: &Corpus) -> Self {
        Self { mark: mark(corpus), lock: None }
    }

    /// Whether nobody else restores there.
    pub(crate) fn is_alone(&self) -> bool {
        self.lock.is_some()
    }

    /// Lets the next one in.
    pub(crate) async fn end(self) {
        if let Some(lock) = self.lock
            && let Err(error) = lock.release().await
        {
            tracing::warn!(%error, "could not let go of the lock of a restore");
        }
    }
}

fn mark(corpus: &Corpus) -> String {
    let place = match corpus {
        Corpus::Path(path) => format!("path {}", path.trim_end_matches('/')),
        Corpus::Volume(volume) => format!("volume {}", volume.name),
        Corpus::Postgres(postgres) => {
            let server = postgres.container().map(str::to_owned);
            let server = server.or_else(|| postgres.server.as_ref().map(ServerUri::address));
            format!("database {} of {}", postgres.database, server.unwrap_or_default())
        }
        Corpus::Exec(exec) => format!("stream of {}", exec.container),
    };
    let mut digits = hex(Sha256::new_with_prefix(place));
    digits.truncate(DIGITS);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_one_mark() {
        let of = |path: &str| mark(&Corpus::Path(path.to_owned()));
        assert_eq!(of("/srv/data"), of("/srv/data/"));
        assert_ne!(of("/srv/data"), of("/srv/dat"));
        assert_eq!(of("/srv/data").len(), DIGITS);
    }
}
