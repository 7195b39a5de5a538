//! Restoring.

use std::time::Instant;

use async_trait::async_trait;
use backup::{
    Chosen, Corpus, Error, Manifest, Moment, Name, Quiesce, Repository, Restored, Restoring,
    RestoringResticSnapshot, SnapshotId, Store, latest, snapshot,
};
use framework::{Apply, Diagnostic, Diagnostics, Field, Plan, Schema, State, error_chain};

use super::{
    CorpusRestore,
    model::{self, LATEST, RestoreModel},
    plan::{self, unconfirmed},
};
use crate::{
    corpora::{CorpusFields, SectionsModel, corpus, links, name, open, quiesce, repository},
    failure::{Explain as _, Failure, Stop, could_not},
    hosted::{Hosted, Import, MachinePrivate, OnHost, OnMachine, Planning, Words},
};

/// What the world looks like when nothing was restored.
const NOT_RESTORED: &str = "What is there on the host is as it was.";

type Resource = OnHost<CorpusRestore>;

#[async_trait]
impl Hosted for CorpusRestore {
    type Model = RestoreModel;
    type Private = MachinePrivate;

    const TYPE: &'static str = "windlass_corpus_restore";
    const HOST: &'static str = "Another connection to the same machine changes nothing; on another machine it is restored, \
         and the data on this one stay.";
    const WORDS: Words = Words {
        create: "restore",
        update: "restore",
        unchanged: NOT_RESTORED,
        relocated: "The data are in their new place",
        ..Words::USUAL
    };

    fn schema() -> Schema {
        model::schema()
    }

    fn subject(model: &RestoreModel) -> String {
        format!("corpus {:?} to {:?}", model.name.as_str().unwrap_or_default(), model.target().1)
    }

    fn import() -> Import<RestoreModel> {
        Import::Never {
            why: "What was restored is data of the product, and nothing says of them where they come from.",
            instead: "Leave it as it is: a resource of this kind has nothing to do with data that are there.",
        }
    }

    async fn plan(on: &Planning<'_>, plan: &mut Plan<Resource>) -> Result<(), Diagnostics> {
        plan::plan(on.title, plan)
    }

    fn needs_host(prior: &State<Resource>, apply: &Apply<Resource>) -> bool {
        apply.planned.is_another(&prior.model) || apply.planned.host != prior.model.host
    }

    /// The data are the product's, and nobody looks at them; on another machine there are none.
    async fn observe(on: &OnMachine<'_>, state: State<Resource>) -> Result<Option<State<Resource>>, Failure> {
        let known = &state.private.machine_id;
        Ok(Some(state.clone()).filter(|_| known.is_empty() || *known == on.place))
    }

    async fn create(on: &OnMachine<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
        restore(on, apply).await
    }

    async fn update(
        on: &OnMachine<'_>,
        prior: State<Resource>,
        apply: &mut Apply<Resource>,
    ) -> Result<(), Failure> {
        if apply.planned.is_another(&prior.model) {
            return restore(on, apply).await;
        }
        let mut model = apply.planned.clone();
        model.keep_restore(&prior.model);
        on.record(apply, model, MachinePrivate::default());
        Ok(())
    }

    fn is_kept(_model: &RestoreModel) -> bool {
        true
    }

    async fn delete(_on: &OnMachine<'_>, _state: &State<Resource>) -> Result<(), Failure> {
        Ok(())
    }
}

/// Restores the snapshot, and records what it was.
async fn restore(on: &OnMachine<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
    let (mut model, began) = (apply.planned.clone(), Instant::now());
    let subject = CorpusRestore::subject(&model);
    if let Some(problem) = unconfirmed(&could_not("restore", &subject), &model) {
        return Err(problem.into());
    }
    let fields = CorpusFields {
        path: &model.path,
        volume: &model.volume,
        postgres: model.postgres.as_ref(),
        exec: model.exec.as_ref(),
        configured: apply.config.postgres.as_ref(),
    };
    let corpus = corpus(on.host, fields).await?;
    let quiesce = quiesce(model.quiesce.as_ref(), on.host).await?;
    let repository = repository(on.hosts, &model.store)?;
    let (came, restored) = match &repository {
        Some(repository) => from_repository(on, &model, (&corpus, quiesce.as_ref()), repository).await?,
        None => from_first(on, &model, (&corpus, quiesce.as_ref())).await?,
    };
    if let Some(left) = restored.replaced_left_at {
        let title = format!("Restored {subject}, and something was left");
        let happened =
            format!("What was there before could not be removed: it is at {left} on {}.", on.host.name());
        on.cx.warn(Diagnostic::warning(title).detail(happened));
    }
    if let Some(owner) = restored.all_owned_by {
        let title = format!("Restored {subject}, and the owners are lost");
        let happened = format!(
            "All of it belongs to {owner} now, and not to those whose it was: the login {} is not root, who alone gives \
             files to others.",
            on.host.name()
        );
        let next = format!(
            "Restore again by a connection of root or with `sudo = true` on the host, or say that it is right by \
             `owner = \"{owner}\"`."
        );
        on.cx.warn(Diagnostic::warning(title).detail(happened).detail(next).at("owner"));
    }
    if let Some(unset) = restored.unset {
        let title = format!("Restored {subject}, and extended attributes are lost");
        let next = "Restore to a host with GNU tar (1.27 or newer) and a file system that has them, a volume as root, to keep \
                    them.";
        on.cx.warn(Diagnostic::warning(title).detail(unset.to_string()).detail(next));
    }
    let (files, size) = came.totals.unzip();
    model.snapshot_id = Field::Known(came.id);
    model.restored_from = Field::Known(came.from);
    model.restored_at = Field::Known(Moment::now().to_string());
    model.file_count = Field::from(files);
    model.size_bytes = Field::from(size);
    model.duration_seconds = Field::Known(began.elapsed().as_secs());
    on.record(apply, model, MachinePrivate::default());
    Ok(())
}

/// What was restored, and where it came from.
struct Came {
    id: String,
    /// The store's URL.
    from: String,
    /// Its files, and the bytes in them, where that is known.
    totals: Option<(u64, u64)>,
}

/// Restores from a repository of restic, by the restic of the host.
async fn from_repository(
    on: &OnMachine<'_>,
    model: &RestoreModel,
    (corpus, quiesce): (&Corpus, Option<&Quiesce>),
    repository: &Repository,
) -> Result<(Came, Restored), Failure> {
    let wanted = model.snapshot.as_str().unwrap_or(LATEST);
    let chosen: Chosen = wanted.parse().map_err(|why| {
        Stop::new(format!("{wanted:?} is not a snapshot of restic: {why}."), "Correct `snapshot`.")
            .at("snapshot")
    })?;
    if !model.copies.clone().known_or_default().is_empty() {
        let next = "Take it out, and name the repository to restore from in `store`.";
        return Err(Stop::new("`copies` is for archives, and the store is a repository of restic.", next)
            .at("copies")
            .into());
    }
    let (name, transform) = (name(&model.name)?, model.transform.clone().known_or_default());
    let restoring = RestoringResticSnapshot {
        exec: on.host.executor.as_ref(),
        repository,
        name: &name,
        chosen: &chosen,
        corpus,
        overwrite: model.overwrite(),
        owner: model.owner(),
        transform: &transform,
        quiesce,
        cancel: on.cx.token().clone(),
    };
    let (found, restored) = restoring.restore().await?;
    let totals = found.totals().map(|[files, size, _]| (files, size));
    Ok((Came { id: found.id, from: repository.url(), totals }, restored))
}

/// Restores from the first store that can be reached and has the snapshot whole: what it was, what became of it, and
/// the URL of that store.
async fn from_first(
    on: &OnMachine<'_>,
    model: &RestoreModel,
    to: (&Corpus, Option<&Quiesce>),
) -> Result<(Came, Restored), Failure> {
    let (name, copies) = (name(&model.name)?, model.copies.clone().known_or_default());
    let stores = [vec![model.store.clone()], copies.into_iter().map(Field::Known).collect()].concat();
    let mut opened = Vec::new();
    for store in &stores {
        opened.push(open(on.hosts, store)?);
    }
    let last = opened.len() - 1;
    let mut passed_over = Vec::new();
    for (number, store) in opened.iter().enumerate() {
        match from_store(on, model, to, (store.as_ref(), &name)).await {
            Ok((manifest, restored)) => {
                if !passed_over.is_empty() {
                    let title = format!("Restored {} from another store", CorpusRestore::subject(model));
                    let happened =
                        format!("It came from {}. Before it:\n{}", store.url(), passed_over.join("\n"));
                    on.cx.warn(Diagnostic::warning(title).detail(happened).at("store"));
                }
                let totals = Some((manifest.totals.files, manifest.totals.size_bytes));
                return Ok((Came { id: manifest.snapshot.to_string(), from: store.url(), totals }, restored));
            }
            Err(FromStore::Failed(error)) if error.is_of_store() && number < last => {
                passed_over.push(error_chain(&error));
            }
            Err(error) => {
                for passed in passed_over {
                    let title = format!("A store of {} was passed over", CorpusRestore::subject(model));
                    on.cx.warn(Diagnostic::warning(title).detail(format!("{passed}.")).at("store"));
                }
                let world = error.left_behind();
                return Err(error).with_world(world);
            }
        }
    }
    Err(Stop::new("There is no store.", "Set `store`.").at("store").into())
}

/// Why nothing came from a store.
enum FromStore {
    /// It, or the host, has failed.
    Failed(Error),
    /// The private keys cannot be read.
    Keys(Stop),
}

impl FromStore {
    fn left_behind(&self) -> &'static str {
        match self {
            Self::Failed(error) => error.left_behind(),
            Self::Keys(_) => NOT_RESTORED,
        }
    }
}

impl From<Error> for FromStore {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<FromStore> for Failure {
    fn from(error: FromStore) -> Self {
        match error {
            FromStore::Failed(error) => error.into(),
            FromStore::Keys(stop) => stop.into(),
        }
    }
}

/// Restores what `store` has.
async fn from_store(
    on: &OnMachine<'_>,
    model: &RestoreModel,
    (corpus, quiesce): (&Corpus, Option<&Quiesce>),
    (store, name): (&dyn Store, &Name),
) -> Result<(Manifest, Restored), FromStore> {
    let wanted = model.snapshot.as_str().unwrap_or(LATEST);
    let manifest = match wanted.parse::<SnapshotId>() {
        Ok(id) => snapshot(store, name, &id).await?,
        Err(_) => {
            let (manifest, broken) = latest(store, name).await?;
            for error in broken {
                let title = format!("A newer snapshot of corpus {:?} cannot be restored", name.as_str());
                let happened = format!("{}. It was passed over.", error_chain(&error));
                on.cx.warn(Diagnostic::warning(title).detail(happened).at("store"));
            }
            manifest
        }
    };
    let key = match &manifest.encryption {
        Some(_) => manifest.unlock(&on.hosts.keyring().identities().map_err(FromStore::Keys)?)?,
        None => None,
    };
    let transform = model.transform.clone().known_or_default();
    let sections = model.sections.as_ref().map(SectionsModel::sections);
    let restoring = Restoring {
        exec: on.host.executor.as_ref(),
        store,
        manifest: &manifest,
        corpus,
        overwrite: model.overwrite(),
        links: links(&model.links),
        owner: model.owner(),
        sections: sections.as_ref(),
        transform: &transform,
        quiesce,
        key,
        cancel: on.cx.token().clone(),
    };
    let restored = restoring.restore().await?;
    Ok((manifest, restored))
}
