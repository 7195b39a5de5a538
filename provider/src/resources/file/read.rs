//! Finding out what a file looks like now.

use framework::{Context, Diagnostic, Diagnostics, Field, State};
use remote::{
    files::{Facts, FileError, Files, Kind, Symlinks},
    proof::Proofs,
};

use super::{FileModel, FilePrivate, FileResource, TYPE};
use crate::{
    failure::file_error,
    hosts::{Host, Hosts, ReadFailure, import_id},
};

/// Looks at the file. Gone is gone; something else in its place is an error, because repairing it
/// would destroy what somebody put there.
pub(super) async fn read(
    resource: &FileResource,
    cx: &Context,
    state: State<FileResource>,
) -> Result<Option<State<FileResource>>, Diagnostics> {
    let (title, connection) = (title("read", &state.model), state.model.host.clone());
    let look = |host, state| refreshed(&resource.hosts, host, &title, state);
    resource.hosts.read(cx, &title, &connection, state, look).await
}

async fn refreshed(
    hosts: &Hosts,
    host: Host,
    title: &str,
    mut state: State<FileResource>,
) -> Result<Option<State<FileResource>>, ReadFailure> {
    let path = state.model.path().to_owned();
    let failed = |error| match error {
        FileError::Remote(error) => ReadFailure::Host(error),
        error => ReadFailure::Other(file_error(title, &error, "Nothing was changed.")),
    };
    let Some(facts) = look(&host, &path).await.map_err(failed)? else { return Ok(None) };
    if facts.kind != Kind::File {
        return Err(ReadFailure::Other(
            Diagnostic::error(title)
                .detail(format!("There is {} in its place on {}.", facts.kind, host.executor.name()))
                .detail("Nothing was changed.")
                .detail("Move it out of the way, or drop the file from the state (`state rm`)."),
        ));
    }
    let untouched = match (state.model.is_write_only(), &facts.sha256) {
        (true, Some(sha256)) => {
            let home = hosts.facts(&host).await?.home;
            let proofs = Proofs::on(host.executor.as_ref(), &home);
            Some(proofs.matches(&path, sha256).await.map_err(failed)?)
        }
        _ => None,
    };
    state.model.take(&facts, untouched);
    state.private.machine_id = hosts.facts(&host).await?.machine_id;
    // An adopted file belongs to whom it belongs.
    for (known, found) in [(&mut state.private.owner, &facts.owner), (&mut state.private.group, &facts.group)]
    {
        if known.is_empty() {
            known.clone_from(found);
        }
    }
    Ok(Some(state))
}

/// What is at `path`, if anything.
pub(super) async fn look(host: &Host, path: &str) -> Result<Option<Facts>, FileError> {
    let mut facts = files(host).stat(&[path], Symlinks::Report).await?;
    Ok(facts.remove(path))
}

/// The files of the host, with root's rights where the connection has them.
pub(super) fn files(host: &Host) -> Files<'_> {
    Files::on(host.executor.as_ref()).privileged(true)
}

/// Adopts the file that `id` names.
pub(super) fn import(id: &str) -> Result<State<FileResource>, Diagnostics> {
    let title = format!("Could not import {TYPE} {id:?}");
    let (connection, path) = import_id(&title, id, "<connection>|<absolute path>")?;
    let model = FileModel {
        host: Field::Known(connection.to_string()),
        path: Field::Known(path),
        directory_mode: Field::Known("0755".to_owned()),
        on_destroy: Field::Known("delete".to_owned()),
        ..FileModel::default()
    };
    Ok(State { model, private: FilePrivate::default() })
}

/// The title of a failed operation on the file.
pub(super) fn title(operation: &str, model: &FileModel) -> String {
    format!("Could not {operation} file {:?}", model.path())
}
