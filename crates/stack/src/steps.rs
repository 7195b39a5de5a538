//! Going from step to step: none is begun by who does not hold the stack's lock any more.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{error::Error, host::StackLock, step::Step};

/// The steps of one operation under the lock of its stack.
pub(crate) struct Steps<'a> {
    lock: &'a StackLock,
    begun: Mutex<Vec<Step>>,
}

impl<'a> Steps<'a> {
    pub(crate) fn under(lock: &'a StackLock) -> Self {
        Self { lock, begun: Mutex::default() }
    }

    /// Begins a step, which means that the one before it is done.
    ///
    /// # Errors
    /// [`Error::LockLost`] when somebody else may have the lock by now.
    pub(crate) async fn begin(&self, next: Step) -> Result<(), Error> {
        match self.lock.still_held().await {
            Ok(()) => {
                tracing::debug!(step = %next, "a step begins");
                self.begun().push(next);
                Ok(())
            }
            Err(lost) => Err(Error::LockLost { lost, next, done: self.begun().clone() }),
        }
    }

    /// Whether the lock is lost.
    pub(crate) async fn are_over(&self) -> bool {
        self.lock.still_held().await.is_err()
    }

    fn begun(&self) -> MutexGuard<'_, Vec<Step>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
