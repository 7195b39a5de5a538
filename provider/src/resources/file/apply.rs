//! Writing, moving and removing the file.

use framework::{Apply, Context, Diagnostic, Diagnostics, Field, State};
use remote::{
    facts::facts,
    files::{Content, FileError, Files, Kind, WriteOptions},
};
use tokio::fs::File;

use super::{
    FileModel, FilePrivate, FileResource,
    model::bits,
    read::{files, look, title},
    witness::Witness,
};
use crate::{
    diagnose::{file_error, host_error},
    hosts::{Host, ReadFailure},
};

/// What the world looks like after a write failed.
const UNTOUCHED: &str = "The file on the host is as it was before.";

/// Writes a file that we did not know of.
pub(super) async fn create(
    resource: &FileResource,
    cx: &Context,
    apply: &mut Apply<FileResource>,
) -> Result<(), Diagnostics> {
    let title = title("create", &apply.planned);
    let host = host(resource, &title, &apply.planned)?;
    write(&host, cx, &title, apply).await
}

/// Writes the file again: in place, or on another machine before it is removed on the old one.
pub(super) async fn update(
    resource: &FileResource,
    cx: &Context,
    apply: &mut Apply<FileResource>,
) -> Result<(), Diagnostics> {
    let title = title("update", &apply.planned);
    let host = host(resource, &title, &apply.planned)?;
    let prior = apply.prior.clone();
    write(&host, cx, &title, apply).await?;
    let Some(prior) = prior else { return Ok(()) };
    let here = apply.state.as_ref().map(|state| state.private.machine_id.clone()).unwrap_or_default();
    let moved = prior.model.host != apply.planned.host && prior.private.machine_id != here;
    if moved {
        leave_old_machine(resource, cx, prior).await;
    }
    Ok(())
}

/// Removes the file where it was before it moved. It is in its new place already, so a machine
/// that is gone is worth a warning and no more.
async fn leave_old_machine(resource: &FileResource, cx: &Context, prior: State<FileResource>) {
    let path = prior.model.path().to_owned();
    if let Err(problems) = delete(resource, cx, prior).await {
        for problem in problems {
            cx.warn(
                Diagnostic::warning(format!("File {path:?} moved, but is still on the old machine too"))
                    .detail(problem.detail),
            );
        }
    }
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
        Witness::on(host.executor.as_ref()).await.map_err(failed)?.forget(path).await.map_err(failed)?;
    }
    Ok(())
}

/// Writes the planned content and records what is there then.
async fn write(
    host: &Host,
    cx: &Context,
    title: &str,
    apply: &mut Apply<FileResource>,
) -> Result<(), Diagnostics> {
    let failed = |error: FileError| file_error(title, &error, UNTOUCHED);
    let path = apply.planned.path().to_owned();
    let machine_id = facts(host.executor.as_ref()).await.map_err(FileError::from).map_err(failed)?.machine_id;
    let content = content(&apply.config).await?;
    let options = options(&apply.planned);
    let writer: Files<'_> = files(host).cancelled_by(cx.token());
    let written = writer.write(&path, content, &options).await.map_err(failed)?;
    // From here on the file is there: whatever fails below, it is recorded.
    let mut model = apply.planned.clone();
    model.owner = settled(&apply.planned.owner);
    model.group = settled(&apply.planned.group);
    apply.state = Some(State { model: model.clone(), private: FilePrivate { machine_id } });

    let untouched = if model.is_write_only() {
        let witness = Witness::on(host.executor.as_ref()).await.map_err(failed)?;
        witness.keep(&path, &written.sha256).await.map_err(failed)?;
        Some(true)
    } else {
        None
    };
    let Some(facts) = look(host, &path).await.map_err(failed)? else {
        return Err(Diagnostic::error(title)
            .detail("The file was written and verified, but it is gone again: something else removes it.")
            .into());
    };
    let spelled = model.mode.clone();
    model.take(&facts, untouched);
    // The plan's spelling of the same bits.
    model.mode = spelled;
    if let Some(state) = &mut apply.state {
        state.model = model;
    }
    Ok(())
}

/// What the configuration says the file holds.
async fn content(config: &FileModel) -> Result<Content<'static>, Diagnostics> {
    if let Some(secret) = config.content_wo.known() {
        return Ok(Content::from(secret.expose().to_owned().into_bytes()));
    }
    if let Some(text) = config.content.known() {
        return Ok(Content::from(text.clone().into_bytes()));
    }
    let path = config.source.known().cloned().unwrap_or_default();
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

fn unknown_settings(title: &str) -> Diagnostic {
    Diagnostic::bug(title, "The host or the provider's settings are still unknown during apply.")
}

/// A known value as it is; what is unknown is filled in once the file has been looked at.
fn settled(field: &Field<String>) -> Field<String> {
    if field.is_unknown() { Field::Null } else { field.clone() }
}
