//! Which snapshots of a name a store has, and letting go of those that a retention does not keep.

use crate::{
    error::Error,
    moment::Moment,
    name::{Name, SnapshotId},
    retention::{Candidate, Retention},
    store::{Store, StoreError, manifest_of, snapshots_of},
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

/// What `retention` does not keep of `name`, oldest first. What is no snapshot any more is none that it counts,
/// nor lets go.
///
/// # Errors
/// When the store cannot be asked.
pub async fn expired(
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

/// Removes that, and says what it was.
///
/// # Errors
/// When the store cannot be asked, or does not let go of one.
pub async fn prune(
    store: &dyn Store,
    name: &Name,
    retention: Retention,
    now: Moment,
) -> Result<Vec<SnapshotId>, Error> {
    let gone = expired(store, name, retention, now).await?;
    for id in &gone {
        store.remove(id).await?;
    }
    Ok(gone)
}
