//! Copies of a snapshot in more stores.

use std::collections::BTreeMap;

use backup::{Manifest, SnapshotId, Store, replicate, snapshot};
use framework::Field;

use super::model::BackupModel;
use crate::{
    corpora::{name, open},
    failure::{Explain as _, Failure},
    hosted::OnMachine,
};

/// That the copies are in other places than the snapshot, before there is one.
pub(super) fn check_places(
    on: &OnMachine<'_>,
    model: &BackupModel,
    store: &dyn Store,
) -> Result<(), Failure> {
    let mut copies = Vec::new();
    for copy in model.copies() {
        copies.push(open(on.hosts, &Field::Known(copy))?);
    }
    let places: Vec<&dyn Store> = copies.iter().map(AsRef::as_ref).collect();
    Ok(backup::check_places(store, &places)?)
}

/// Makes the copies of a snapshot that is in a store, and records in `model` those that were made, whatever became
/// of the others.
pub(super) async fn make(
    on: &OnMachine<'_>,
    model: &mut BackupModel,
    (store, manifest): (&dyn Store, &Manifest),
) -> Result<(), Failure> {
    let (mut made, mut result) = (BTreeMap::new(), Ok(()));
    let copies = model.copies();
    for copy in &copies {
        match one(on, copy, (store, manifest)).await {
            Ok(verified_at) => drop(made.insert(copy.clone(), verified_at)),
            // The first failure is told; the others are made all the same.
            Err(failure) if result.is_ok() => result = Err(failure),
            Err(_) => {}
        }
    }
    model.copies_verified_at = if copies.is_empty() { Field::Null } else { Field::Known(made) };
    result
}

/// Makes the copies of the last snapshot that are missing.
pub(super) async fn complete(on: &OnMachine<'_>, model: &mut BackupModel) -> Result<(), Failure> {
    let Some(id) = model.snapshot.as_str().and_then(|id| id.parse::<SnapshotId>().ok()) else {
        model.copies_verified_at = Field::Null;
        return Ok(());
    };
    if model.copies().is_empty() {
        model.copies_verified_at = Field::Null;
        return Ok(());
    }
    if model.has_its_copies(&model.clone()) {
        return Ok(());
    }
    let (store, name) = (open(on.hosts, &model.store)?, name(&model.name)?);
    let manifest = snapshot(store.as_ref(), &name, &id).await?;
    make(on, model, (store.as_ref(), &manifest)).await
}

async fn one(
    on: &OnMachine<'_>,
    copy: &str,
    (store, manifest): (&dyn Store, &Manifest),
) -> Result<String, Failure> {
    let to = open(on.hosts, &Field::Known(copy.to_owned()))?;
    let copied = replicate(store, to.as_ref(), manifest).await;
    let copied = copied.with_title(|| format!("Could not copy {} to {copy:?}", manifest.snapshot))?;
    Ok(copied.verified_at.unwrap_or_else(backup::Moment::now).to_string())
}
