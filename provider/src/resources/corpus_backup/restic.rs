//! Snapshots that restic takes, on the host.

use backup::{Error, Moment, Repository, TakingWithRestic};
use framework::{Apply, Field, State};

use super::{
    CorpusBackup,
    model::BackupModel,
    telling::{NOT_PRUNED, beat, corpus_of, tell_kept, tell_skipped},
};
use crate::{
    corpora::{duration, name, quiesce, repository},
    failure::{Explain as _, Failure, Stop},
    hosted::{Hosted as _, Hosts, MachinePrivate, OnHost, OnMachine},
};

type Resource = OnHost<CorpusBackup>;

/// The repository that `store` means.
pub(super) fn repository_of(hosts: &Hosts, model: &BackupModel) -> Result<Repository, Failure> {
    repository(hosts, &model.store)?.ok_or_else(|| {
        let next = "Name a store whose URL is `restic:…`, or leave `engine` out.";
        Stop::new("`engine` is `restic`, and the store is not a repository of restic.", next)
            .at("store")
            .into()
    })
}

/// Takes a snapshot, records it, and lets go of those that are not kept.
pub(super) async fn take(on: &OnMachine<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
    let mut model = apply.planned.clone();
    let (repository, name, now) = (repository_of(on.hosts, &model)?, name(&model.name)?, Moment::now());
    let exclude = model.exclude.clone().known_or_default();
    let quiesce = quiesce(model.quiesce.as_ref(), on.host).await?;
    let was_there = |prior: &State<Resource>| prior.model.uses_restic() && prior.model.store == model.store;
    let taking = async {
        let corpus = corpus_of(on, &model, None).await?;
        let taking = TakingWithRestic {
            exec: on.host.executor.as_ref(),
            name: &name,
            corpus: &corpus,
            exclude: &exclude,
            repository: &repository,
            makes: !apply.prior.as_ref().is_some_and(was_there),
            quiesce: quiesce.as_ref(),
            keep_until: duration(&model.keep_for).map(|hold| now.after(hold)),
            check: model.check(),
            cancel: on.cx.token().clone(),
        };
        taking.take().await
    };
    let taken = taking.await;
    match taken {
        Ok(taken) => model.set_taken(&taken, &repository.url()),
        Err(Error::SourceMissing { subject, host }) if model.if_missing.as_str() == Some("skip") => {
            tell_skipped(on, &CorpusBackup::subject(&model), &subject, &host);
            model.set_snapshot(None);
        }
        Err(error) => return Err(error.into()),
    }
    let (retention, is_taken) = (model.retention(), model.snapshot.is_known());
    on.record(apply, model, MachinePrivate::default());
    if is_taken {
        let (exec, cancel) = (on.host.executor.as_ref(), on.cx.token());
        repository.prune(exec, &name, retention, (now, cancel)).await.with_world(NOT_PRUNED)?;
        if let Some(url) = apply.config.heartbeat_url_wo.known() {
            beat(on, name.as_str(), url).await;
        }
    }
    Ok(())
}

/// Lets go of all snapshots of the name but for those that are held.
pub(super) async fn delete(on: &OnMachine<'_>, state: &State<Resource>) -> Result<(), Failure> {
    let (repository, name) = (repository_of(on.hosts, &state.model)?, name(&state.model.name)?);
    let (exec, cancel) = (on.host.executor.as_ref(), on.cx.token());
    let held = repository.forget_all(exec, &name, (Moment::now(), cancel)).await?;
    tell_kept(on, &CorpusBackup::subject(&state.model), (&repository.url(), &held));
    Ok(())
}

/// Whether the repository still has a snapshot; `None` where its host cannot be asked now.
pub(super) async fn has(hosts: &Hosts, model: &BackupModel, id: &str) -> Result<Option<bool>, Failure> {
    let (repository, name) = (repository_of(hosts, model)?, name(&model.name)?);
    let Some(host) = hosts.reach(&model.host).await? else { return Ok(None) };
    let found = repository.snapshots_of(host.executor.as_ref(), &name, &Default::default()).await?;
    Ok(Some(found.iter().any(|one| one.id == id)))
}

/// What goes once another snapshot has been taken, as far as that can be looked at.
pub(super) async fn leaving(hosts: &Hosts, model: &BackupModel, now: Moment) -> Option<Vec<String>> {
    if !matches!(model.host, Field::Known(_)) {
        return None;
    }
    let (repository, name) = (repository_of(hosts, model).ok()?, name(&model.name).ok()?);
    let host = hosts.reach(&model.host).await.ok()??;
    let (exec, retention) = (host.executor.as_ref(), model.retention());
    repository.expired(exec, &name, (retention, true), (now, &Default::default())).await.ok()
}
