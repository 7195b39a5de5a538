//! Corpora whose snapshots restic takes, on their host.

use std::collections::BTreeMap;
use std::time::Duration;

use backup::{
    Error, Moment, Repository, ResticCheck, ResticError, ResticSnapshot, Retention, TakingWithRestic, roughly,
};
use tokio_util::sync::CancellationToken;

use super::settings::CorpusSettings;
use super::taken::{Done, not_taken, quiesce};
use super::target::Target;
use crate::exit::Failure;
use crate::machine::Machine;
use crate::settings::Settings;

/// Takes a snapshot, and lets go of what is not kept.
///
/// # Errors
/// When it could not.
pub async fn run(
    settings: &Settings,
    (target, known): (&Target<'_>, &CorpusSettings),
    (repository, init): (&Repository, bool),
    cancel: &CancellationToken,
) -> Result<Done, Failure> {
    let name = target.name.as_str();
    let (wanted, keep_for, now) = (known.wanted_with_secrets(name)?, known.keep_for(name)?, Moment::now());
    let machine = Machine::open(settings, target.host()).await?;
    let quiesce = quiesce(&machine, target, known).await?;
    let taken = async {
        let corpus = machine.find(&wanted).await?;
        let taking = TakingWithRestic {
            exec: machine.executor.as_ref(),
            name: &target.name,
            corpus: &corpus,
            exclude: &known.exclude,
            repository,
            makes: init,
            quiesce: quiesce.as_ref(),
            keep_until: keep_for.map(|hold| now.after(hold)),
            check: ResticCheck::Some,
            cancel: cancel.clone(),
        };
        taking.take().await
    };
    let taken = taken.await;
    let pruned = match &taken {
        Ok(_) => {
            let (exec, retention) = (machine.executor.as_ref(), known.retention.into());
            repository.prune(exec, &target.name, retention, (now, cancel)).await
        }
        Err(_) => Ok(Vec::new()),
    };
    machine.close().await;
    let taken = taken.map_err(|error| {
        let failure = not_taken(target).because(&error);
        match &error {
            Error::Restic(ResticError::NoRepository { .. }) => failure.with(
                "There is no new snapshot. A disk that is not mounted looks like this; if there is no repository yet, \
                 `windlass backup run --init` makes it.",
            ),
            _ => failure.with("There is no new snapshot; older ones are as they were."),
        }
    })?;
    let removed = pruned.map_err(|error| {
        Failure::new(format!("Could not remove old snapshots of {name} from {}", repository.url()))
            .because(&error)
            .with("The new snapshot is there.")
    })?;
    Ok(Done {
        corpus: name.to_owned(),
        snapshot: taken.id,
        store: repository.url(),
        size_bytes: taken.size_bytes,
        stored_bytes: taken.stored_bytes,
        file_count: taken.files,
        sha256: None,
        verified_at: Some(taken.verified_at.to_string()),
        copies_verified_at: BTreeMap::new(),
        copied_again: Vec::new(),
        failed: None,
        removed: removed.into_iter().map(|id| format!("{}/{id}", repository.url())).collect(),
    })
}

/// The snapshots of a corpus, newest first.
///
/// # Errors
/// When the host or the repository cannot be asked.
pub async fn snapshots(
    settings: &Settings,
    target: &Target<'_>,
    repository: &Repository,
) -> Result<Vec<ResticSnapshot>, Failure> {
    let machine = Machine::open(settings, target.host()).await?;
    let (exec, cancel) = (machine.executor.as_ref(), CancellationToken::new());
    let found = repository.snapshots_of(exec, &target.name, &cancel).await;
    machine.close().await;
    found.map_err(|error| {
        Failure::new(format!("Could not list the snapshots of {}", target.name)).because(&error)
    })
}

/// What a look at a repository has found.
#[derive(Debug, Default)]
pub struct Checked {
    /// A word for programs, and what is wrong.
    pub findings: Vec<(&'static str, String)>,
    /// The newest snapshot, where all was read that should be, and was whole.
    pub whole: Option<String>,
}

/// Looks after the snapshots of a corpus, and after their repository if `how` says so.
///
/// # Errors
/// When the host or the repository cannot be asked.
pub async fn verify(
    settings: &Settings,
    target: &Target<'_>,
    repository: &Repository,
    (max_age, how): (Option<Duration>, Option<ResticCheck>),
) -> Result<Checked, Failure> {
    let machine = Machine::open(settings, target.host()).await?;
    let (exec, cancel) = (machine.executor.as_ref(), CancellationToken::new());
    let looking = async {
        let found = repository.snapshots_of(exec, &target.name, &cancel).await?;
        let mut checked = Checked { findings: judge(&found, max_age, Moment::now()), whole: None };
        let Some(how) = how else { return Ok(checked) };
        match repository.check(exec, how, &cancel).await {
            Ok(()) => checked.whole = found.into_iter().next().map(|newest| newest.id),
            // That it is damaged is an answer; that it cannot be asked is none.
            Err(error @ Error::Restic(ResticError::Failed { .. })) => {
                checked.findings.push(("corrupt", error.to_string()));
            }
            Err(error) => return Err(error),
        }
        Ok(checked)
    };
    let checked = looking.await;
    machine.close().await;
    checked.map_err(|error| {
        Failure::new(format!("Could not verify the snapshots of {}", target.name)).because(&error)
    })
}

/// What is wrong with the snapshots of a corpus, newest first.
fn judge(found: &[ResticSnapshot], max_age: Option<Duration>, now: Moment) -> Vec<(&'static str, String)> {
    let Some(newest) = found.first() else {
        return vec![("none", "there is no snapshot".to_owned())];
    };
    let age = newest.moment().map(|moment| now.since(moment));
    match (age, max_age) {
        (Some(age), Some(limit)) if age > limit => {
            let (age, limit) = (roughly(age), roughly(limit));
            vec![("stale", format!("the newest snapshot, {}, is {age} old, and may be {limit}", newest.id))]
        }
        _ => Vec::new(),
    }
}

/// Lets go of what `retention` does not keep; with `only_looks`, only says what that is.
///
/// # Errors
/// When it could not.
pub async fn prune(
    settings: &Settings,
    target: &Target<'_>,
    repository: &Repository,
    (retention, only_looks): (Retention, bool),
) -> Result<Vec<String>, Failure> {
    let machine = Machine::open(settings, target.host()).await?;
    let (exec, cancel, now) = (machine.executor.as_ref(), CancellationToken::new(), Moment::now());
    let gone = match only_looks {
        true => repository.expired(exec, &target.name, (retention, false), (now, &cancel)).await,
        false => repository.prune(exec, &target.name, retention, (now, &cancel)).await,
    };
    machine.close().await;
    gone.map_err(|error| {
        Failure::new(format!("Could not prune the snapshots of {} in {}", target.name, repository.url()))
            .because(&error)
            .with(if only_looks { "Nothing was removed." } else { "Some may be gone already." })
    })
}
