//! Which snapshots of a name a store has, and letting go of those that a retention does not keep.

use crate::{
    error::Error,
    moment::Moment,
    name::{Name, SnapshotId},
    retention::{Candidate, Retention},
    store::{Held, Store, StoreError, manifest_of, snapshots_of},
};

/// The snapshots of `name` as a retention looks at them, newest first, and what has a manifest that cannot be
/// read: nobody knows whether that is held.
///
/// # Errors
/// When the store cannot be asked.
pub async fn candidates(
    store: &dyn Store,
    name: &Name,
) -> Result<(Vec<Candidate>, Vec<StoreError>), StoreError> {
    let (mut candidates, mut broken) = (Vec::new(), Vec::new());
    for id in snapshots_of(store, name).await? {
        match manifest_of(store, &id).await {
            Ok(manifest) => candidates.push(Candidate::of(&manifest)),
            Err(error) => broken.push(error),
        }
    }
    Ok((candidates, broken))
}

/// What goes of the snapshots of a name, and what stays all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Those that go, oldest first.
    pub gone: Vec<SnapshotId>,
    /// Those that their store keeps though nobody else does, and why.
    pub held: Vec<(SnapshotId, Held)>,
}

impl Pruned {
    /// What keeps one in its store, a line for each.
    pub fn held_lines(&self) -> Vec<String> {
        self.held.iter().map(|(id, held)| format!("{id}: {held}")).collect()
    }
}

/// What would go of `name` by a prune, as far as the store tells what it keeps. What is no snapshot any more is none
/// that the retention counts, nor lets go.
///
/// # Errors
/// When the store cannot be asked.
pub async fn expired(
    store: &dyn Store,
    name: &Name,
    retention: Retention,
    now: Moment,
) -> Result<Pruned, Error> {
    let mut pruned = Pruned::default();
    for id in not_kept(store, name, retention, now).await? {
        match store.held(&id).await? {
            None => pruned.gone.push(id),
            Some(held) => pruned.held.push((id, held)),
        }
    }
    Ok(pruned)
}

async fn not_kept(
    store: &dyn Store,
    name: &Name,
    retention: Retention,
    now: Moment,
) -> Result<Vec<SnapshotId>, Error> {
    if retention.is_unlimited() {
        return Ok(Vec::new());
    }
    Ok(retention.expired(&candidates(store, name).await?.0, now))
}

/// Removes what `retention` does not keep of `name`, and says what it was. What the store keeps stays, and hinders
/// nothing else.
///
/// # Errors
/// When the store cannot be asked, or does not let go of one for another reason.
pub async fn prune(
    store: &dyn Store,
    name: &Name,
    retention: Retention,
    now: Moment,
) -> Result<Pruned, Error> {
    remove_all(store, not_kept(store, name, retention, now).await?).await
}

/// Removes these, but for those that the store keeps.
///
/// # Errors
/// When the store does not let go of one for another reason.
pub async fn remove_all(store: &dyn Store, ids: Vec<SnapshotId>) -> Result<Pruned, Error> {
    let mut pruned = Pruned::default();
    for id in ids {
        match store.remove(&id).await {
            Ok(()) => pruned.gone.push(id),
            Err(StoreError::Held { held, .. }) => pruned.held.push((id, held)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(pruned)
}
