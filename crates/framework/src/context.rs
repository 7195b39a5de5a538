//! What resource code knows about the call it serves.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::schema::{Operation, Timeouts};
use crate::{Diagnostic, Diagnostics};

/// See [`Context::grace`]. Long enough to run a clean-up on a slow host.
pub(crate) const GRACE: Duration = Duration::from_secs(30);

/// What the core on the other side can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// It never stores write-only attributes (OpenTofu and Terraform since 1.11).
    pub write_only_attributes_allowed: bool,
    /// It accepts that something is decided in a later run. Not used in this version.
    pub deferral_allowed: bool,
}

/// One call of the core: what was asked, how long it may take, and whether it was cancelled.
///
/// Cheap to clone; clones are the same call.
#[derive(Clone, Debug)]
pub struct Context(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    operation: Operation,
    /// Cancelled when a person interrupts the run.
    interrupt: CancellationToken,
    /// A child of it, which the time limit cancels too.
    token: CancellationToken,
    limits: Timeouts,
    deadline: Option<Instant>,
    /// Until when work goes on that began after the call had failed.
    overtime: Mutex<Option<Instant>>,
    terraform_version: String,
    capabilities: Capabilities,
    /// How long work may take to stop once it was cancelled, before it is dropped.
    grace: Duration,
    warnings: Arc<Mutex<Diagnostics>>,
}

impl Context {
    /// The context of one call. `limits` are the time limits that apply; the call's own, when it
    /// has one, starts now.
    pub fn new(operation: Operation, token: CancellationToken, limits: Timeouts) -> Self {
        let deadline = limits.of(operation).map(|limit| now() + limit);
        Self(Arc::new(Inner {
            operation,
            token: token.child_token(),
            interrupt: token,
            limits,
            deadline,
            overtime: Mutex::default(),
            terraform_version: String::new(),
            capabilities: Capabilities::default(),
            grace: GRACE,
            warnings: Arc::default(),
        }))
    }

    /// The same, for a call of a core of this version with these capabilities.
    #[must_use]
    pub(crate) fn called_by(
        self,
        terraform_version: &str,
        capabilities: Capabilities,
        grace: Duration,
    ) -> Self {
        Self(Arc::new(Inner {
            terraform_version: terraform_version.to_owned(),
            capabilities,
            grace,
            ..self.copied()
        }))
    }

    /// The same facts for another context.
    fn copied(&self) -> Inner {
        let inner = &*self.0;
        Inner {
            operation: inner.operation,
            interrupt: inner.interrupt.clone(),
            token: inner.token.clone(),
            limits: inner.limits.clone(),
            deadline: inner.deadline,
            overtime: Mutex::default(),
            terraform_version: inner.terraform_version.clone(),
            capabilities: inner.capabilities,
            grace: inner.grace,
            warnings: inner.warnings.clone(),
        }
    }

    /// The context for what has to be done after the call has failed, such as putting back what was
    /// there: with time of its own, `limit`, which the call's time limit does not end. A person's
    /// interrupt still does.
    #[must_use]
    pub fn overtime(&self, limit: Duration) -> Self {
        let deadline = now() + limit;
        *self.0.overtime.lock().unwrap_or_else(PoisonError::into_inner) = Some(deadline);
        let token = self.0.interrupt.child_token();
        Self(Arc::new(Inner { token, deadline: Some(deadline), ..self.copied() }))
    }

    /// What the core asked for.
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// Cancelled when a person interrupts the run or the time limit passes. Work should then stop
    /// at the next safe place and return an error; what it recorded so far is kept.
    pub fn token(&self) -> &CancellationToken {
        &self.0.token
    }

    /// Whether the call was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.token.is_cancelled()
    }

    /// Cancelled when a person interrupts the run, and not by the time limit.
    pub fn interrupt(&self) -> &CancellationToken {
        &self.0.interrupt
    }

    /// Whether a person interrupts the run. The time limit alone is no interrupt.
    pub fn is_interrupted(&self) -> bool {
        self.0.interrupt.is_cancelled()
    }

    /// Returns when a person interrupts the run.
    pub(crate) async fn interrupted(&self) {
        self.0.interrupt.cancelled().await;
    }

    /// Until when work goes on that began after the call had failed, while it does.
    pub(crate) fn in_overtime(&self) -> Option<Instant> {
        let until = *self.0.overtime.lock().unwrap_or_else(PoisonError::into_inner);
        until.filter(|until| *until > now() && !self.is_interrupted())
    }

    /// Returns when the call is cancelled.
    pub async fn cancelled(&self) {
        self.0.token.cancelled().await;
    }

    /// The time limit of an operation of this resource, the person's or the default.
    pub fn timeout(&self, operation: Operation) -> Option<Duration> {
        self.0.limits.of(operation)
    }

    /// When this call must be over.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// How much of this call's time is left.
    pub fn remaining(&self) -> Option<Duration> {
        self.0.deadline.map(|deadline| deadline.saturating_duration_since(now()))
    }

    /// The version of the core, as it told when it configured the provider; empty before.
    pub fn terraform_version(&self) -> &str {
        &self.0.terraform_version
    }

    /// What the core can do.
    pub fn capabilities(&self) -> Capabilities {
        self.0.capabilities
    }

    /// Tells the person something that does not stop the operation. Shown whether the operation
    /// succeeds or fails.
    pub fn warn(&self, warning: Diagnostic) {
        self.0.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
    }

    pub(crate) fn grace(&self) -> Duration {
        self.0.grace
    }

    pub(crate) fn take_warnings(&self) -> Diagnostics {
        std::mem::take(&mut *self.0.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The present, which tests may hold up.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
