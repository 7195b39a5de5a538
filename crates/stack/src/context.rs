//! The call that an operation of the engine belongs to.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;

use crate::error::Error;

/// Left of the time limit for finding out what runs after a wait that was too long.
pub(crate) const RESERVE: Duration = Duration::from_secs(10);
/// How long going back may take where the call has no limit of its own.
const ROLLBACK_LIMIT: Duration = Duration::from_secs(600);

/// What an operation knows of its caller: how long it may take, who may end it, and whom to tell.
///
/// Cheap to clone; clones are the same call.
#[derive(Clone)]
pub struct Context {
    /// Cancelled when a person interrupts.
    interrupt: CancellationToken,
    /// A child of it, which the time limit cancels too.
    token: CancellationToken,
    deadline: Option<Instant>,
    rollback_limit: Duration,
    sink: Arc<dyn Sink>,
}

/// Whoever wants to know how an operation goes.
pub trait Sink: Send + Sync {
    /// Something that does not stop the operation.
    fn warn(&self, warning: Warning);

    /// Going back begins, after the operation has failed, and may take as long as this: the time
    /// limit of the call does not end it.
    fn rollback(&self, limit: Duration);
}

/// Something that does not stop an operation.
#[derive(Debug)]
pub enum Warning {
    /// Files that were there before the first apply of an imported project are about to be replaced.
    FilesReplaced {
        /// The stack.
        stack: String,
        /// Where they are kept.
        kept: String,
        /// The files, relative to the stack's directory.
        paths: Vec<String>,
    },
    /// Shipped files that held something else than was sent to them were replaced or removed.
    FilesSetAside {
        /// The stack.
        stack: String,
        /// Where what they held is kept.
        kept: String,
        /// The files, relative to the stack's directory.
        paths: Vec<String>,
    },
    /// Shipped files that were to go stay, because they may not be removed.
    FilesLeft {
        /// The stack.
        stack: String,
        /// Its directory.
        directory: String,
        /// The files, relative to it.
        paths: Vec<String>,
    },
    /// The command by which a service takes in changed files failed; its containers are recreated.
    NotReloaded {
        /// The stack.
        stack: String,
        /// The service.
        service: String,
        /// The words of the command.
        command: Vec<String>,
        /// How it failed.
        problem: String,
    },
    /// The stack is as it should be, but what was made could not be kept to go back to.
    ReleaseNotKept {
        /// The name of the stack.
        stack: String,
        /// Why.
        error: Error,
    },
}

/// Only logs what it is told.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogSink;

impl Sink for LogSink {
    fn warn(&self, warning: Warning) {
        tracing::warn!(?warning, "an operation on a stack warns");
    }

    fn rollback(&self, limit: Duration) {
        tracing::info!(limit = limit.as_secs(), "going back");
    }
}

impl Context {
    /// A call without a limit that nobody interrupts, which only logs.
    pub fn background() -> Self {
        Self::new(CancellationToken::new(), Arc::new(LogSink))
    }

    /// A call that `interrupt` ends, and that tells `sink`.
    pub fn new(interrupt: CancellationToken, sink: Arc<dyn Sink>) -> Self {
        let token = interrupt.child_token();
        Self { interrupt, token, deadline: None, rollback_limit: ROLLBACK_LIMIT, sink }
    }

    /// The same, where `token` is cancelled by an interrupt and when the time is up, at `deadline`;
    /// going back may take `limit` longer.
    #[must_use]
    pub fn until(self, token: CancellationToken, deadline: Option<Instant>, limit: Option<Duration>) -> Self {
        Self { token, deadline, rollback_limit: limit.unwrap_or(ROLLBACK_LIMIT), ..self }
    }

    /// Cancelled when a person interrupts or the time limit passes.
    pub fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Whether a person interrupts. The time limit alone is no interrupt.
    pub fn is_interrupted(&self) -> bool {
        self.interrupt.is_cancelled()
    }

    /// Returns when the call is cancelled.
    pub async fn cancelled(&self) {
        self.token.cancelled().await;
    }

    /// How much of the call's time is left; `None` where it has no limit.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// The same, without what finding out what runs afterwards may take.
    pub fn time_to_work(&self) -> Option<Duration> {
        self.remaining().map(|left| left.saturating_sub(RESERVE))
    }

    pub(crate) fn warn(&self, warning: Warning) {
        self.sink.warn(warning);
    }

    /// The context for going back: with time of its own. A person's interrupt still ends it.
    #[must_use]
    pub fn rollback(&self) -> Self {
        self.sink.rollback(self.rollback_limit);
        let deadline = Some(Instant::now() + self.rollback_limit);
        Self { token: self.interrupt.child_token(), deadline, ..self.clone() }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
