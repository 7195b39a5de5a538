//! The lock of a stack, in the swarm itself, so that whoever comes by another manager meets it.
//!
//! It is a config: making one of a name that there is fails, so that one of two gets it. Its holder
//! renews it. Whether it is still renewed is told by its version and the clock of who waits, so that no
//! two clocks have to agree; one that is not any more is taken away by its id, which another one of the
//! same name does not have.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bollard::models::Config;
use tokio::task::JoinHandle;

use super::{
    StackError,
    api::{Api, labels_of},
    wanted::FileKind,
};

/// The label with who holds it.
const LABEL_HOLDER: &str = "windlass.lock";
/// The label that makes another version of it.
const LABEL_BEAT: &str = "windlass.beat";
/// How often it is renewed.
const BEAT: Duration = Duration::from_secs(5);
/// How long after the last time that it was renewed another one may take it.
const EXPIRY: Duration = Duration::from_secs(30);
/// How often one who waits looks.
const LOOK: Duration = Duration::from_millis(500);
/// How long somebody who goes on renewing it is waited for, where the call has no limit of its own.
const PATIENCE: Duration = Duration::from_secs(1200);
/// A config has to hold something.
const CONTENT: &[u8] = b"windlass";

/// The lock of a stack. It goes when it is released, or some time after its holder.
pub struct SwarmLock {
    api: Api,
    stack: String,
    id: String,
    lost: Arc<AtomicBool>,
    beat: JoinHandle<()>,
}

/// How the lock of the stack `stack` is called.
fn name_of(stack: &str) -> String {
    format!("windlass-lock-{stack}")
}

impl SwarmLock {
    /// Takes the lock of the stack `stack`, once nobody else has it.
    ///
    /// # Errors
    /// [`StackError::Locked`] where somebody has it until the time of the call is up.
    pub async fn acquire(
        cx: &stack::Context,
        engine: &docker::Engine,
        stack: &str,
    ) -> Result<Self, StackError> {
        let api = Api::of(engine.clone());
        let holder = stack::holder();
        let until = Instant::now() + cx.remaining().map_or(PATIENCE, |left| left / 2).min(PATIENCE);
        let mut seen: Option<(Config, Instant)> = None;
        loop {
            let labels = HashMap::from([(LABEL_HOLDER.to_owned(), holder.clone())]);
            if let Some(id) = api.create_note(&name_of(stack), labels, CONTENT).await? {
                return Ok(Self::held(api, stack, id));
            }
            let found = api.config(&name_of(stack)).await?;
            let Some(found) = found else { continue };
            seen = match seen {
                Some((before, since)) if is_same(&before, &found) => Some((before, since)),
                _ => Some((found.clone(), Instant::now())),
            };
            let holder = labels_of(&found).remove(LABEL_HOLDER).unwrap_or_default();
            if seen.as_ref().is_some_and(|(_, since)| since.elapsed() >= EXPIRY) {
                tracing::warn!(stack, holder, "the lock is not renewed any more: it is taken over");
                api.remove_file(FileKind::Config, &found.id.unwrap_or_default()).await?;
                continue;
            }
            if Instant::now() >= until {
                return Err(StackError::Locked { stack: stack.to_owned(), holder });
            }
            tokio::select! {
                () = cx.cancelled() => return Err(crate::Error::Cancelled.into()),
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    fn held(api: Api, stack: &str, id: String) -> Self {
        let lost = Arc::new(AtomicBool::new(false));
        let beat = tokio::spawn(renew(api.clone(), id.clone(), lost.clone()));
        Self { api, stack: stack.to_owned(), id, lost, beat }
    }

    /// Checks that nobody else may work on the stack.
    ///
    /// # Errors
    /// [`StackError::LostLock`].
    pub(super) fn still_held(&self) -> Result<(), StackError> {
        if self.lost.load(Ordering::Relaxed) {
            return Err(StackError::LostLock { stack: self.stack.clone() });
        }
        Ok(())
    }

    /// Lets the next one work on the stack. That it could not be let go is for the log: it expires.
    pub async fn release(self) {
        self.beat.abort();
        if let Err(error) = self.api.remove_file(FileKind::Config, &self.id).await {
            tracing::warn!(stack = self.stack, %error, "could not release the lock");
        }
    }
}

impl Drop for SwarmLock {
    fn drop(&mut self) {
        self.beat.abort();
    }
}

/// Renews the lock until it is gone, or was not renewed in time.
async fn renew(api: Api, id: String, lost: Arc<AtomicBool>) {
    let mut last = Instant::now();
    for beat in 1_u64.. {
        tokio::time::sleep(BEAT).await;
        let renewed = match api.config(&id).await {
            Ok(Some(config)) => {
                let mut labels = labels_of(&config);
                labels.insert(LABEL_BEAT.to_owned(), beat.to_string());
                api.relabel(&config, labels).await
            }
            Ok(None) => {
                lost.store(true, Ordering::Relaxed);
                return;
            }
            Err(error) => Err(error),
        };
        match renewed {
            Ok(true) => last = Instant::now(),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "could not renew the lock of a stack"),
        }
        if last.elapsed() >= EXPIRY {
            lost.store(true, Ordering::Relaxed);
            return;
        }
    }
}

/// Whether nobody has renewed it in between.
fn is_same(one: &Config, other: &Config) -> bool {
    one.id == other.id && one.version == other.version
}
