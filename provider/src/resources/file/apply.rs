//! Writing, moving and removing the file.

use framework::{Apply, Context, Diagnostic, Diagnostics, Field, State};
use remote::{
    files::{Content, Facts, FileError, Kind, WriteOptions},
    proof::Proofs,
};
use tokio::fs::File;

use super::{
    FileModel, FilePrivate, FileResource,
    model::{bits, of_sha256},
    plan::hash_of_file,
    read::{files, look, title},
};
use crate::{
    failure::{file_error, host_error},
    hosts::{Host, ReadFailure, unknown_settings},
    leaving::Leaving,
};

/// What the world looks like after a write failed.
const UNTOUCHED: &str = "The file on the host is as it was before.";

/// What the world looks like after something behind the write failed.
const WRITTEN: &str = "The new content is in place on the host.";

/// Writes a file that we did not know of.
pub(super) async fn create(
    resource: &FileResource,
    cx: &Context,
    apply: &mut Apply<FileResource>,
) -> Result<(), Diagnostics> {
    let title = title("create", &apply.planned);
    let host = host(resource, &title, &apply.planned)?;
    write(resource, &host, cx, &title, apply).await
}

/// Brings the file to what was planned: in place, or on another machine before it is removed on
/// the old one. What is right already is left alone, so that another route to the same machine
/// touches nothing.
pub(super) async fn update(
    resource: &FileResource,
    cx: &Context,
    apply: &mut Apply<FileResource>,
) -> Result<(), Diagnostics> {
    let Some(prior) = apply.prior.clone() else { return create(resource, cx, apply).await };
    if apply.planned.is_same_file(&prior.model) {
        apply.record(apply.planned.clone(), prior.private);
        return Ok(());
    }
    let title = title("update", &apply.planned);
    let host = host(resource, &title, &apply.planned)?;
    match right_already(resource, &host, &title, apply, &prior).await? {
        Some(facts) => {
            let machine_id = machine_id(resource, &host, &title).await?;
            take(apply, &facts, machine_id);
        }
        None => write(resource, &host, cx, &title, apply).await?,
    }
    let here = apply.state.as_ref().map(|state| state.private.machine_id.clone()).unwrap_or_default();
    if prior.model.host != apply.planned.host {
        leave_old_machine(resource, cx, prior, &here).await;
    }
    Ok(())
}

/// What is on the host, where that is what was planned.
async fn right_already(
    resource: &FileResource,
    host: &Host,
    title: &str,
    apply: &Apply<FileResource>,
    prior: &State<FileResource>,
) -> Result<Option<Facts>, Diagnostics> {
    let failed = |error: FileError| file_error(title, &error, UNTOUCHED);
    let path = apply.planned.path();
    let Some(facts) = look(host, path).await.map_err(failed)? else { return Ok(None) };
    if !apply.planned.is_met_by(&facts) {
        return Ok(None);
    }
    if !apply.planned.is_write_only() {
        // A proof of a content that is no secret any more says nothing.
        return Ok(Some(facts).filter(|_| !prior.model.is_write_only()));
    }
    let same_version = prior.model.content_hash == apply.planned.content_hash;
    let Some(sha256) = facts.sha256.as_deref().filter(|_| same_version) else { return Ok(None) };
    let home = resource.hosts.facts(host).await.map_err(FileError::from).map_err(failed)?.home;
    let proofs = Proofs::on(host.executor.as_ref(), &home);
    let untouched = proofs.matches(path, sha256).await.map_err(failed)?;
    Ok(Some(facts).filter(|_| untouched))
}

/// Removes the file where it was before it moved, unless that is where it is now. It is in its new
/// place already, so a machine that is gone is worth a warning and no more.
async fn leave_old_machine(resource: &FileResource, cx: &Context, prior: State<FileResource>, here: &str) {
    if prior.private.machine_id == here {
        return;
    }
    let words = Leaving {
        title: &title("delete", &prior.model),
        warning: &format!("Could not remove file {:?} from the machine it was on", prior.model.path()),
        place: "The file is in its new place",
    };
    let old = prior.model.host.clone();
    resource.hosts.leave(cx, &old, here, &words, delete(resource, cx, prior)).await;
}

/// Removes the file, unless it shall be kept. Already gone is fine.
pub(super) async fn delete(
    resource: &FileResource,
    cx: &Context,
    state: State<FileResource>,
) -> Result<(), Diagnostics> {
    if state.model.on_destroy.known().is_some_and(|word| word == "keep") {
        return Ok(());
    }
    let title = title("delete", &state.model);
    let done = remove(resource, &title, &state.model).await;
    resource.hosts.settle_delete(cx, &title, "The file is still there.", done)
}

async fn remove(resource: &FileResource, title: &str, model: &FileModel) -> Result<(), ReadFailure> {
    let failed = |error| match error {
        FileError::Remote(error) => ReadFailure::Host(error),
        error => ReadFailure::Other(file_error(title, &error, "The file is still there.")),
    };
    let Some(host) = resource.hosts.reach(&model.host)? else {
        return Err(ReadFailure::Other(unknown_settings(title)));
    };
    let path = model.path();
    // Somebody may have put something else there since: that is not ours to remove.
    if look(&host, path).await.map_err(failed)?.is_some_and(|facts| facts.kind == Kind::File) {
        files(&host).remove_file(path).await.map_err(failed)?;
    }
    if model.is_write_only() {
        let home = resource.hosts.facts(&host).await?.home;
        Proofs::on(host.executor.as_ref(), &home).forget(path).await.map_err(failed)?;
    }
    Ok(())
}

/// Writes the planned content and records what is there then.
async fn write(
    resource: &FileResource,
    host: &Host,
    cx: &Context,
    title: &str,
    apply: &mut Apply<FileResource>,
) -> Result<(), Diagnostics> {
    let failed = |world| move |error: FileError| file_error(title, &error, world);
    let path = apply.planned.path().to_owned();
    let machine_id = machine_id(resource, host, title).await?;
    let content = content(&apply.planned, &apply.config).await?;
    let writer = files(host).cancelled_by(cx.token());
    let written = writer.write(&path, content, &options(&apply.planned)).await.map_err(failed(UNTOUCHED))?;
    // From here on the file is there: whatever fails below, it is recorded.
    let mut recorded = apply.planned.clone();
    recorded.owner = settled(&apply.planned.owner);
    recorded.group = settled(&apply.planned.group);
    apply.record(recorded, FilePrivate { machine_id: machine_id.clone(), ..FilePrivate::default() });

    keep_proof(resource, host, apply, &written.sha256).await.map_err(failed(WRITTEN))?;
    let facts = look(host, &path).await.map_err(failed(WRITTEN))?;
    let Some(facts) = facts.filter(|facts| facts.sha256.as_deref() == Some(written.sha256.as_str())) else {
        return Err(Diagnostic::error(title)
            .detail(
                "The file was written and verified, but a moment later it held something else or was gone.",
            )
            .detail("Something else on the host writes it too.")
            .detail("Find out what, then apply again.")
            .into());
    };
    take(apply, &facts, machine_id);
    Ok(())
}

/// Leaves a proof of a write-only content on the host, and none of any other.
async fn keep_proof(
    resource: &FileResource,
    host: &Host,
    apply: &Apply<FileResource>,
    sha256: &str,
) -> Result<(), FileError> {
    let was_write_only = apply.prior.as_ref().is_some_and(|prior| prior.model.is_write_only());
    if !apply.planned.is_write_only() && !was_write_only {
        return Ok(());
    }
    let home = resource.hosts.facts(host).await?.home;
    let proofs = Proofs::on(host.executor.as_ref(), &home);
    if apply.planned.is_write_only() {
        return proofs.keep(apply.planned.path(), sha256).await;
    }
    proofs.forget(apply.planned.path()).await
}

/// Records the planned file as it was found on the host.
fn take(apply: &mut Apply<FileResource>, facts: &Facts, machine_id: String) {
    let mut model = apply.planned.clone();
    let untouched = model.is_write_only().then_some(true);
    model.take(facts, untouched);
    let private = FilePrivate { machine_id, owner: facts.owner.clone(), group: facts.group.clone() };
    apply.record(model, private);
}

async fn machine_id(resource: &FileResource, host: &Host, title: &str) -> Result<String, Diagnostics> {
    let facts = resource.hosts.facts(host).await;
    Ok(facts.map_err(|error| host_error(title, &error, UNTOUCHED))?.machine_id)
}

/// What the configuration says the file holds.
async fn content(planned: &FileModel, config: &FileModel) -> Result<Content<'static>, Diagnostics> {
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
            .at("source")
            .into());
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
            .into()
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

/// The host of the planned file.
fn host(resource: &FileResource, title: &str, planned: &FileModel) -> Result<Host, Diagnostics> {
    let reached =
        resource.hosts.reach(&planned.host).map_err(|error| host_error(title, &error, UNTOUCHED))?;
    reached.ok_or_else(|| unknown_settings(title).into())
}

/// A known value as it is; what is unknown is filled in once the file has been looked at.
fn settled(field: &Field<String>) -> Field<String> {
    if field.is_unknown() { Field::Null } else { field.clone() }
}
