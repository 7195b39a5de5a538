//! What a change of `windlass_corpus_backup` means, and what a person should know of the snapshots.

use std::path::Path;

use backup::{
    Candidate, MANIFEST, Moment, Retention, SnapshotId, Store,
    store::{StoreError, manifest_of, snapshots_of},
};
use framework::{Diagnostic, Diagnostics, Plan, State};

use super::{
    CorpusBackup,
    model::{BackupModel, CAUSES},
};
use crate::{
    corpora::{duration, name, open},
    failure::Failure,
    hosted::{Hosts, OnHost, Planning},
};

type Resource = OnHost<CorpusBackup>;

/// How many snapshots a warning lists.
const LISTED: usize = 10;

/// Decides whether a snapshot will be taken.
pub(super) async fn plan(
    on: &Planning<'_>,
    plan: &mut Plan<Resource>,
    now: Moment,
) -> Result<(), Diagnostics> {
    let cx = on.cx;
    let takes = plan.is_create() || CAUSES.into_iter().any(|name| plan.changes(name));
    if takes {
        plan.planned.expect_snapshot();
        if let Some(warning) = leaving(on.hosts, &plan.planned, now).await {
            cx.warn(warning);
        }
        return Ok(());
    }
    plan.keep_prior()?;
    if let Some(prior) = &plan.prior {
        if !plan.planned.has_its_copies(&prior.model) {
            plan.planned.expect_copies();
        }
        let age = duration(&plan.planned.max_age).zip(prior.model.created_at());
        if let Some((limit, created)) = age.filter(|(limit, created)| now.since(*created) > *limit) {
            cx.warn(stale(&prior.model, now.since(created).as_secs() / 3600, limit.as_secs() / 3600));
        }
        if let Some(warning) = vanished(&prior.model) {
            cx.warn(warning);
        }
    }
    Ok(())
}

/// The same decision once everything is known, but for the machine.
pub(super) fn takes(prior: &State<Resource>, planned: &BackupModel) -> bool {
    let BackupModel { path, volume, postgres, exclude, store, format, links, triggers, .. } = &prior.model;
    (path, volume, exclude, store) != (&planned.path, &planned.volume, &planned.exclude, &planned.store)
        || postgres != &planned.postgres
        || (format, links, triggers) != (&planned.format, &planned.links, &planned.triggers)
}

fn stale(model: &BackupModel, hours: u64, limit: u64) -> Diagnostic {
    let subject = model.name.as_str().unwrap_or_default();
    Diagnostic::warning(format!("The last snapshot of corpus {subject:?} is old"))
        .detail(format!(
            "{} was taken {hours} hours ago, and `max_age` allows {limit}.",
            model.snapshot.as_str().unwrap_or_default()
        ))
        .detail("Change `triggers` to take a new one, and find out why none was taken.")
        .at("max_age")
}

/// A snapshot of the state that its store has no more: one that retention lets go is never the last one.
fn vanished(model: &BackupModel) -> Option<Diagnostic> {
    let location = model.location.as_str()?;
    let path = Path::new(location.strip_prefix("file://")?);
    if path.join(MANIFEST).exists() {
        return None;
    }
    let subject = model.name.as_str().unwrap_or_default();
    let title = format!("The last snapshot of corpus {subject:?} is gone");
    let happened = format!("There is no manifest in {location} any more, or we may not look at it.");
    let next = "Change `triggers` to take a new one, and find out who removed it.";
    Some(Diagnostic::warning(title).detail(happened).detail(next).at("store"))
}

/// The warning about snapshots that go once another one has been taken.
async fn leaving(hosts: &Hosts, planned: &BackupModel, now: Moment) -> Option<Diagnostic> {
    let retention = planned.retention();
    if retention.is_unlimited() || !planned.store.is_known() || !planned.name.is_known() {
        return None;
    }
    // What cannot be looked at now will be told by the apply.
    let store = open(hosts, &planned.store).ok()?;
    let name = name(&planned.name).ok()?;
    let mut candidates = candidates(store.as_ref(), &name).await.ok()?;
    let next = SnapshotId::new(&name, now, "planned");
    candidates.push(Candidate { id: next, verified: true, keep_until: None });
    let gone = retention.expired(&candidates, now);
    if gone.is_empty() {
        return None;
    }
    let list: Vec<String> = gone.iter().take(LISTED).map(ToString::to_string).collect();
    let more = if gone.len() > LISTED { "\n…" } else { "" };
    let title = format!("{} of corpus {:?} will go", snapshots(gone.len()), name.as_str());
    let happened =
        format!("Once a new one has been taken, `retention` does not keep:\n{}{more}", list.join("\n"));
    Some(Diagnostic::warning(title).detail(happened).at("retention"))
}

/// Removes what the retention does not keep, and says how much that was.
pub(super) async fn prune(
    store: &dyn Store,
    name: &backup::Name,
    retention: Retention,
    now: Moment,
) -> Result<Vec<SnapshotId>, Failure> {
    if retention.is_unlimited() {
        return Ok(Vec::new());
    }
    let gone = retention.expired(&candidates(store, name).await?, now);
    for id in &gone {
        store.remove(id).await?;
    }
    Ok(gone)
}

/// What a retention decides about. What is no snapshot any more is none that it counts, nor removes.
pub(super) async fn candidates(store: &dyn Store, name: &backup::Name) -> Result<Vec<Candidate>, Failure> {
    Ok(all(store, name).await?.0)
}

/// The snapshots, and what has a manifest that cannot be read: nobody knows whether it is held.
pub(super) async fn all(
    store: &dyn Store,
    name: &backup::Name,
) -> Result<(Vec<Candidate>, Vec<StoreError>), Failure> {
    let (mut candidates, mut broken) = (Vec::new(), Vec::new());
    for id in snapshots_of(store, name).await? {
        match manifest_of(store, &id).await {
            Ok(manifest) => {
                let verified = manifest.verified_at.is_some();
                candidates.push(Candidate { id, verified, keep_until: manifest.keep_until });
            }
            Err(error) => broken.push(error),
        }
    }
    Ok((candidates, broken))
}

fn snapshots(count: usize) -> String {
    if count == 1 { "1 snapshot".to_owned() } else { format!("{count} snapshots") }
}
