//! Writing and removing the file.

use async_trait::async_trait;
use framework::{Apply, Diagnostic, Diagnostics, Field, Plan, Schema, State};
use remote::files::{Content, Facts, FileError, Kind, WriteOptions, random_name};
use tokio::fs::File;

use super::{
    FilePrivate, HostFile, KIND, OWNERSHIP,
    model::{FileModel, of_sha256},
    plan::{self, hash_of_file},
    read::{self, inspect, proofs},
    schema,
};
use crate::{
    failure::{Explain as _, Failure, IF_REPLACED, Stop},
    host_path::{Ownership, bits, claims, occupied},
    hosted::{Hosted, Import, OnHost, OnMachine, Planning, Words},
};

/// What the world looks like after a write failed.
const UNTOUCHED: &str = "The file on the host is as it was before.";
/// What the world looks like after something behind the write failed.
const WRITTEN: &str = "The new content is in place on the host.";

type Resource = OnHost<HostFile>;

#[async_trait]
impl Hosted for HostFile {
    type Model = FileModel;
    type Private = FilePrivate;

    const TYPE: &'static str = "windlass_file";
    const HOST: &'static str = "Another connection to the same machine changes nothing; another machine is a move: the \
         file is written there first, then removed here.";
    const WORDS: Words = Words {
        delete: "delete",
        unchanged: UNTOUCHED,
        remains: "The file is still there.",
        relocated: "The file is in its new place",
        ..Words::USUAL
    };

    fn schema() -> Schema {
        schema::schema()
    }

    fn subject(model: &FileModel) -> String {
        format!("file {:?}", model.path())
    }

    fn import() -> Import<FileModel> {
        let model = |host: String, path: String| FileModel {
            host: Field::Known(host),
            path: Field::Known(path),
            directory_mode: Field::Known("0755".to_owned()),
            on_destroy: Field::Known("delete".to_owned()),
            ..FileModel::default()
        };
        let set = |model: &mut FileModel, _setting: &str, value: &str| {
            model.source = value.into();
            !value.is_empty()
        };
        Import::WithConfig { what: "absolute path", settings: &["source"], model, set }
    }

    async fn plan(_on: &Planning<'_>, plan: &mut Plan<Resource>) -> Result<(), Diagnostics> {
        plan::plan(plan)
    }

    fn needs_host(prior: &State<Resource>, apply: &Apply<Resource>) -> bool {
        !apply.planned.is_same_file(&prior.model)
    }

    fn instance(state: &State<Resource>) -> &str {
        &state.private.instance
    }

    async fn is_there(on: &OnMachine<'_>, state: &State<Resource>) -> Result<Option<bool>, Failure> {
        Ok(OWNERSHIP.is_ours(on, state.model.path(), &state.private.instance).await?)
    }

    async fn observe(on: &OnMachine<'_>, state: State<Resource>) -> Result<Option<State<Resource>>, Failure> {
        read::observe(on, state).await
    }

    async fn expect_vacant(
        on: &OnMachine<'_>,
        planned: &FileModel,
        config: &FileModel,
    ) -> Result<(), Failure> {
        // Whether what is there is what is wanted, only a content that is known tells.
        if planned.path.is_unknown() || wanted_sha256(planned, config).is_none() {
            return Ok(());
        }
        leftover(on, planned, config).await.map(drop)
    }

    async fn create(on: &OnMachine<'_>, apply: &mut Apply<Resource>) -> Result<(), Failure> {
        let instance = random_name()?;
        match leftover(on, &apply.planned, &apply.config).await? {
            Some(facts) => record(on, apply, &facts, &instance).await,
            None => write(on, apply, &instance).await,
        }
    }

    /// What is right already is left alone, so that another route to the same machine touches nothing.
    async fn update(
        on: &OnMachine<'_>,
        prior: State<Resource>,
        apply: &mut Apply<Resource>,
    ) -> Result<(), Failure> {
        let instance = Ownership::instance(&prior.private.instance)?;
        match right_already(on, apply, &prior).await? {
            Some(facts) => record(on, apply, &facts, &instance).await,
            None => write(on, apply, &instance).await,
        }
    }

    fn is_kept(model: &FileModel) -> bool {
        model.on_destroy.as_str() == Some("keep")
    }

    async fn let_go(on: &OnMachine<'_>, state: &State<Resource>) -> Result<(), Failure> {
        Ok(OWNERSHIP.let_go(on, state.model.path(), &state.private.instance).await?)
    }

    async fn delete(on: &OnMachine<'_>, state: &State<Resource>) -> Result<(), Failure> {
        let (path, instance) = (state.model.path(), &state.private.instance);
        let Some(claims) = OWNERSHIP.to_remove(on, path, instance).await? else { return Ok(()) };
        // Somebody may have put something else there since: that is not ours to remove.
        if inspect(on.host, path).await?.is_some_and(|facts| facts.kind == Kind::File) {
            on.host.files().remove_file(path).await?;
        }
        if state.model.is_write_only() {
            proofs(on.host).await?.forget(path).await?;
        }
        Ok(claims.release(path).await?)
    }
}

/// Checks that nobody's file is in the way of one that is to be made. What an apply has left that was
/// cut off has the very content that is wanted, and belongs to nobody; it is told.
async fn leftover(
    on: &OnMachine<'_>,
    planned: &FileModel,
    config: &FileModel,
) -> Result<Option<Facts>, Failure> {
    let path = planned.path();
    let claims = claims(on.host, KIND).await?;
    let (found, owner) = tokio::join!(inspect(on.host, path), claims.owner(path));
    let (Some(found), owner) = (found?, owner?) else { return Ok(None) };
    let host = on.host.name();
    let happened = match owner {
        Some(_) => {
            format!("There is such a file on {host} already that another resource has made. {IF_REPLACED}")
        }
        None if found.kind != Kind::File => {
            let (path, host, kind) = (path.to_owned(), host.to_owned(), found.kind);
            return Err(FileError::Occupied { path, host, kind }.into());
        }
        None if found.sha256.is_none() => format!(
            "There is such a file on {host} already that was not made by this configuration, and the SSH user may not read \
             it."
        ),
        None if found.sha256 == wanted_sha256(planned, config) => {
            let met = !planned.is_write_only() && planned.is_met_by(&found);
            return Ok(Some(found).filter(|_| met));
        }
        None => format!(
            "There is such a file on {host} already that was not made by this configuration, and its content is another \
             one."
        ),
    };
    Err(occupied(on.host, path, happened).into())
}

/// The hash of the content that the configuration asks for, a write-only one as well; `None` while that is
/// not known.
fn wanted_sha256(planned: &FileModel, config: &FileModel) -> Option<String> {
    if let Some(secret) = config.content_wo.known() {
        return Some(tree::sha256(secret.expose().as_bytes()));
    }
    planned.content_hash.known()?.strip_prefix("sha256:").map(str::to_owned)
}

/// What is on the host, where that is what was planned.
async fn right_already(
    on: &OnMachine<'_>,
    apply: &Apply<Resource>,
    prior: &State<Resource>,
) -> Result<Option<Facts>, FileError> {
    let path = apply.planned.path();
    let Some(facts) = inspect(on.host, path).await? else { return Ok(None) };
    if facts.kind == Kind::File && facts.sha256.is_none() {
        // What may not be read is what was written, as far as anybody knows.
        if prior.model.content_hash != apply.planned.content_hash || !apply.planned.has_access(&facts) {
            return Ok(None);
        }
        return Ok(Some(facts));
    }
    if !apply.planned.is_met_by(&facts) {
        return Ok(None);
    }
    if !apply.planned.is_write_only() {
        // A proof of a content that is no secret any more says nothing.
        return Ok(Some(facts).filter(|_| !prior.model.is_write_only()));
    }
    let same_version = prior.model.content_hash == apply.planned.content_hash;
    let Some(sha256) = facts.sha256.as_deref().filter(|_| same_version) else { return Ok(None) };
    let untouched = proofs(on.host).await?.matches(path, sha256).await?;
    Ok(Some(facts).filter(|_| untouched))
}

/// Writes the planned content and records what is there then.
async fn write(on: &OnMachine<'_>, apply: &mut Apply<Resource>, instance: &str) -> Result<(), Failure> {
    let path = apply.planned.path().to_owned();
    let content = content(&apply.planned, &apply.config).await?;
    let writer = on.host.files().cancelled_by(on.cx.token());
    let written = writer.write(&path, content, &options(&apply.planned)).await?;
    // From here on the file is there: whatever fails below, it is recorded.
    let mut recorded = apply.planned.clone();
    recorded.owner = settled(&apply.planned.owner);
    recorded.group = settled(&apply.planned.group);
    let private = FilePrivate { instance: instance.to_owned(), ..FilePrivate::default() };
    on.record(apply, recorded, private);

    keep_proof(on, apply, &written.sha256).await.with_world(WRITTEN)?;
    let facts = inspect(on.host, &path).await.with_world(WRITTEN)?;
    // What only others may read was verified before it was put there.
    let is_ours = |facts: &Facts| {
        facts.kind == Kind::File && facts.sha256.as_deref().is_none_or(|found| found == written.sha256)
    };
    let Some(facts) = facts.filter(is_ours) else {
        let happened =
            "The file was written and verified, but a moment later it held something else or was gone.";
        let stop = Stop::new(happened, "Find out what, then apply again.");
        return Err(stop).with_world("Something else on the host writes it too.");
    };
    record(on, apply, &facts, instance).await
}

/// Leaves a proof of a write-only content on the host, and none of any other.
async fn keep_proof(on: &OnMachine<'_>, apply: &Apply<Resource>, sha256: &str) -> Result<(), FileError> {
    let was_write_only = apply.prior.as_ref().is_some_and(|prior| prior.model.is_write_only());
    if apply.planned.is_write_only() {
        proofs(on.host).await?.keep(apply.planned.path(), sha256).await?;
    } else if was_write_only {
        proofs(on.host).await?.forget(apply.planned.path()).await?;
    }
    Ok(())
}

/// Records the planned file as it was found on the host, and has the host remember whose it is.
async fn record(
    on: &OnMachine<'_>,
    apply: &mut Apply<Resource>,
    facts: &Facts,
    instance: &str,
) -> Result<(), Failure> {
    let mut model = apply.planned.clone();
    let untouched = model.is_write_only().then_some(true);
    model.set_observed(facts, untouched);
    let (owner, group) = (facts.owner.clone(), facts.group.clone());
    let private = FilePrivate { instance: instance.to_owned(), owner, group, ..FilePrivate::default() };
    let path = model.path().to_owned();
    let before = apply.prior.as_ref().map(|prior| prior.private.instance.clone());
    on.record(apply, model, private);
    OWNERSHIP.take(on, &path, instance, before.as_deref()).await.with_world(WRITTEN)
}

/// What the configuration says the file holds.
async fn content(planned: &FileModel, config: &FileModel) -> Result<Content<'static>, Diagnostic> {
    if let Some(secret) = config.content_wo.known() {
        return Ok(Content::from(secret.expose().to_owned().into_bytes()));
    }
    if let Some(text) = config.content.known() {
        return Ok(Content::from(text.clone().into_bytes()));
    }
    let path = config.source.known().cloned().unwrap_or_default();
    if Some(&of_sha256(&hash_of_file(&path)?)) != planned.content_hash.known() {
        return Err(Diagnostic::error(format!("Could not use {path:?}"))
            .detail("The file on this machine is not the one that was planned: it was changed since.")
            .detail(UNTOUCHED)
            .detail("Plan and apply again.")
            .at("source"));
    }
    let opened = async {
        let file = File::open(&path).await?;
        let length = file.metadata().await?.len();
        Ok::<_, std::io::Error>(Content::Reader { reader: Box::new(file), length })
    };
    opened.await.map_err(|error| {
        Diagnostic::error(format!("Could not read {path:?}"))
            .detail(format!("The file on this machine cannot be read any more: {error}."))
            .detail(UNTOUCHED)
            .at("source")
    })
}

fn options(planned: &FileModel) -> WriteOptions {
    let mode = |field: &Field<String>, default| field.known().and_then(|text| bits(text)).unwrap_or(default);
    WriteOptions {
        mode: mode(&planned.mode, 0o644),
        owner: planned.owner.known().cloned(),
        group: planned.group.known().cloned(),
        directory_mode: mode(&planned.directory_mode, 0o755),
    }
}

/// A known value as it is; what is unknown is filled in once the file has been looked at.
fn settled(field: &Field<String>) -> Field<String> {
    if field.is_unknown() { Field::Null } else { field.clone() }
}
