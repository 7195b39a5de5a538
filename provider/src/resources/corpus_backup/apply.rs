//! Taking snapshots, and letting them go.

use async_trait::async_trait;
use backup::{Error, Host, Moment, Pruned, Taking, candidates, prune, remove_all};
use framework::{Apply, Diagnostic, Diagnostics, Field, Plan, Schema, State, error_chain};
use sops::Recipient;

use super::{
    CorpusBackup, copies,
    model::BackupModel,
    plan::{self, takes},
    restic, schema,
    telling::{NOT_PRUNED, beat, corpus_of, tell_kept, tell_skipped},
};
use crate::{
    corpora::{duration, links, name, open, quiesce},
    failure::{Explain as _, Failure, Stop, sentence},
    hosted::{Hosted, Import, MachinePrivate, OnHost, OnMachine, Planning, Words},
};

/// What the world looks like when no snapshot was taken.
const NOT_TAKEN: &str =
    "There is no new snapshot, and nothing of one is left in the store; older ones are as they were.";
/// What the world looks like when a copy is missing.
const NOT_COPIED: &str = "The snapshot is recorded, and so are the copies that were made. The next apply makes the others; until \
     then nothing is removed.";
/// The same of the first one: the core takes what was made by a create that failed for broken.
const NOT_COPIED_AT_FIRST: &str = "The snapshot is in its store, and so are the copies that were made. The next apply takes another one and \
     copies that; until then nothing is removed.";
type Resource = OnHost<CorpusBackup>;

#[async_trait]
impl Hosted for CorpusBackup {
    type Model = BackupModel;
    type Private = MachinePrivate;

    const TYPE: &'static str = "windlass_corpus_backup";
    const HOST: &'static str = "Another connection to the same machine takes no snapshot; another machine does, and the \
         older ones stay: they are all of one name.";
    const WORDS: Words = Words {
        create: "back up",
        update: "back up",
        delete: "delete the snapshots of",
        unchanged: NOT_TAKEN,
        remains: "Some of its snapshots are still there.",
        ..Words::USUAL
    };

    fn schema() -> Schema {
        schema::schema()
    }

    fn subject(model: &BackupModel) -> String {
        format!("corpus {:?}", model.name.as_str().unwrap_or_default())
    }

    fn import() -> Import<BackupModel> {
        Import::Never {
            why: "What is in a store is told by the data source `windlass_corpus_snapshots`; a backup is what takes more \
                  of them.",
            instead: "Write the resource with the name that the snapshots have, and apply: it takes one more, and \
                      `retention` counts the others.",
        }
    }

    async fn plan(on: &Planning<'_>, plan: &mut Plan<Resource>) -> Result<(), Diagnostics> {
        plan::plan(on, plan, Moment::now()).await
    }

    fn needs_host(prior: &State<Resource>, apply: &Apply<Resource>) -> bool {
        takes(prior, &apply.planned)
            || !apply.planned.has_its_copies(&prior.model)
            || apply.planned.host != prior.model.host
    }

    /// It is in its store, whatever machine answers.
    async fn is_there(_on: &OnMachine<'_>, _state: &State<Resource>) -> Result<Option<bool>, Failure> {
        Ok(Some(true))
    }

    fn stands_without_host(_model: &BackupModel) -> Option<&'static str> {
        Some("Its snapshots are in their store, whatever became of the host.")
    }

    /// The host knows nothing of its snapshots; that it lets us in is looked at all the same.
    async fn observe(
        _on: &OnMachine<'_>,
        state: State<Resource>,
    ) -> Result<Option<State<Resource>>, Failure> {
        Ok(Some(state))
    }

    async fn create(on: &OnMachine<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
        take(on, apply).await
    }

    async fn update(
        on: &OnMachine<'_>,
        prior: State<Resource>,
        apply: &mut Apply<Resource>,
    ) -> Result<(), Failure> {
        if takes(&prior, &apply.planned) || prior.private.machine_id != on.place {
            return take(on, apply).await;
        }
        let mut model = apply.planned.clone();
        model.keep_snapshot(&prior.model);
        let copied = copies::complete(on, &mut model).await;
        on.record(apply, model, MachinePrivate::default());
        copied.with_world(NOT_COPIED)
    }

    fn is_kept(model: &BackupModel) -> bool {
        model.on_destroy.as_str() != Some("delete")
    }

    async fn delete(on: &OnMachine<'_>, state: &State<Resource>) -> Result<(), Failure> {
        if state.model.uses_restic() {
            return restic::delete(on, state).await;
        }
        for copy in state.model.copies() {
            delete_from(on, state, &Field::Known(copy)).await?;
        }
        delete_from(on, state, &state.model.store).await
    }
}

/// Removes the snapshots from one store, but for those that are held.
async fn delete_from(
    on: &OnMachine<'_>,
    state: &State<Resource>,
    store: &Field<String>,
) -> Result<(), Failure> {
    let (store, name, now) = (open(on.hosts, store)?, name(&state.model.name)?, Moment::now());
    let (candidates, broken) = candidates(store.as_ref(), &name).await?;
    let (held, free): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|candidate| candidate.keep_until > Some(now));
    let held: Vec<String> = held.iter().map(|candidate| candidate.id.to_string()).collect();
    let removed =
        remove_all(store.as_ref(), free.into_iter().map(|candidate| candidate.id).collect()).await?;
    tell_held(on, &CorpusBackup::subject(&state.model), (&store.url(), &removed));
    if !broken.is_empty() {
        let title = format!("Snapshots of {} could not be read", CorpusBackup::subject(&state.model));
        let list: Vec<String> = broken.iter().map(|error| error_chain(error)).collect();
        let happened = format!("They stay, because nobody knows whether they are held:\n{}", list.join("\n"));
        let next = format!("Look at them, and remove their folders from {} by hand.", store.url());
        on.cx.warn(Diagnostic::warning(title).detail(happened).detail(next).at("store"));
    }
    tell_kept(on, &CorpusBackup::subject(&state.model), (&store.url(), &held));
    Ok(())
}

/// Tells of what a store keeps, though nobody else does.
fn tell_held(on: &OnMachine<'_>, subject: &str, (store, pruned): (&str, &Pruned)) {
    if pruned.held.is_empty() {
        return;
    }
    let lines = pruned.held_lines().join("\n");
    let happened = format!("They stay in {store}, which does not let go of them now:\n{lines}");
    let next = "A later apply that takes a snapshot removes what `retention` does not keep, once it can be.";
    on.cx.warn(
        Diagnostic::warning(format!("Snapshots of {subject} are locked")).detail(happened).detail(next),
    );
}

/// Takes a snapshot, records it, and lets go of those that are not kept.
async fn take(on: &OnMachine<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
    if apply.planned.uses_restic() {
        return restic::take(on, apply).await;
    }
    let mut model = apply.planned.clone();
    let (store, name, now) = (open(on.hosts, &model.store)?, name(&model.name)?, Moment::now());
    copies::check_places(on, &model, store.as_ref())?;
    let exclude = model.exclude.clone().known_or_default();
    let encrypt_to = recipients(&model.encrypt_to)?;
    let host = Host { name: on.host.name().to_owned(), machine_id: on.host.machine_id().await?.to_owned() };
    let quiesce = quiesce(model.quiesce.as_ref(), on.host).await?;
    let proof = model.proof();
    let taking = |corpus| Taking {
        exec: on.host.executor.as_ref(),
        host,
        name: &name,
        corpus,
        exclude: &exclude,
        store: store.as_ref(),
        format: model.format(),
        compress: model.compress(),
        links: links(&model.links),
        quiesce: quiesce.as_ref(),
        encrypt_to: &encrypt_to,
        keep_until: duration(&model.keep_for).map(|hold| now.after(hold)),
        verify: true,
        proof: proof.as_ref(),
        cancel: on.cx.token().clone(),
    };
    let taken = match corpus_of(on, &model, apply.config.postgres.as_ref()).await {
        Ok(corpus) => taking(&corpus).take(now).await,
        Err(error) => Err(error),
    };
    let mut copied = Ok(());
    match taken {
        Ok(manifest) => {
            model.set_snapshot(Some((&manifest, store.url())));
            copied = copies::make(on, &mut model, (store.as_ref(), &manifest)).await;
        }
        Err(Error::SourceMissing { subject, host }) if model.if_missing.as_str() == Some("skip") => {
            tell_skipped(on, &CorpusBackup::subject(&model), &subject, &host);
            model.set_snapshot(None);
        }
        Err(error) => return Err(error.into()),
    }
    let (retention, copies, subject) = (model.retention(), model.copies(), CorpusBackup::subject(&model));
    let is_taken = model.snapshot.is_known();
    let not_copied = if apply.prior.is_some() { NOT_COPIED } else { NOT_COPIED_AT_FIRST };
    on.record(apply, model, MachinePrivate::default());
    copied.with_world(not_copied)?;
    if is_taken {
        let mut stores = vec![store];
        for copy in copies {
            stores.push(open(on.hosts, &Field::Known(copy))?);
        }
        for store in stores {
            let pruned = prune(store.as_ref(), &name, retention, now).await.with_world(NOT_PRUNED)?;
            tell_held(on, &subject, (&store.url(), &pruned));
        }
        if let Some(url) = apply.config.heartbeat_url_wo.known() {
            beat(on, name.as_str(), url).await;
        }
    }
    Ok(())
}

/// For whom snapshots are encrypted.
fn recipients(texts: &Field<Vec<String>>) -> Result<Vec<Recipient>, Failure> {
    let texts = texts.clone().known_or_default();
    let parsed: Result<_, sops::Error> = texts.iter().map(|text| text.parse()).collect();
    parsed.map_err(|error| {
        let next = "Name age recipients (age1…) or SSH public keys.";
        Stop::new(sentence(&error.to_string()), next).at("encrypt_to").into()
    })
}
