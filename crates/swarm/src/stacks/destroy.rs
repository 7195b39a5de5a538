//! Taking a stack down.

use docker::Engine;
use stack::Context;

use super::{LiveStack, StackError, SwarmLock, deploy::take_down};

/// What became of a stack that was to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destroyed {
    /// It is gone.
    Gone,
    /// What is there by its name is another one, and stays.
    Another,
}

/// Takes down the stack `name` that the configuration `instance` made, and returns when its tasks and
/// networks are gone. Volumes stay on their nodes. Where nobody has noted who made it, its name counts.
///
/// # Errors
/// When something of it does not go; and when somebody else works on it.
pub async fn destroy(
    cx: &Context,
    engine: &Engine,
    name: &str,
    instance: &str,
) -> Result<Destroyed, StackError> {
    let lock = SwarmLock::acquire(cx, engine, name).await?;
    let done = async {
        let found = LiveStack::inspect(engine, name).await?;
        if !instance.is_empty() && found.instance().is_some_and(|other| other != instance) {
            return Ok(Destroyed::Another);
        }
        take_down(cx, engine, &lock, name).await?;
        Ok(Destroyed::Gone)
    };
    let done = done.await;
    lock.release().await;
    done
}
