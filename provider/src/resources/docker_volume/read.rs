//! Finding out what the volume is like.

use framework::{Context, Diagnostics, Field, State};

use super::{TYPE, VolumeModel, VolumePrivate, VolumeResource};
use crate::{
    daemon::{Failure, UNCHANGED},
    hosts::{Host, import_id},
};

/// Looks at the volume; gone is gone.
pub(super) async fn read(
    resource: &VolumeResource,
    cx: &Context,
    state: State<VolumeResource>,
) -> Result<Option<State<VolumeResource>>, Diagnostics> {
    let (title, connection) = (title("read", &state.model), state.model.host.clone());
    let look = |host, state| async {
        refreshed(resource, host, state).await.map_err(|failure| failure.for_read(&title, UNCHANGED))
    };
    resource.daemons.hosts.read(cx, &title, &connection, state, look).await
}

async fn refreshed(
    resource: &VolumeResource,
    host: Host,
    mut state: State<VolumeResource>,
) -> Result<Option<State<VolumeResource>>, Failure> {
    let daemon = resource.daemons.on(&host).await?;
    let Some(found) = daemon.engine.volume(state.model.name()).await? else { return Ok(None) };
    state.model.take(&found);
    state.private.machine_id = daemon.machine_id;
    Ok(Some(state))
}

/// Adopts the volume that `id` names.
pub(super) fn import(id: &str) -> Result<State<VolumeResource>, Diagnostics> {
    let title = format!("Could not import {TYPE} {id:?}");
    let (connection, name) = import_id(&title, id, "<connection>|<name of the volume>")?;
    let model = VolumeModel {
        host: Field::Known(connection.to_string()),
        name: Field::Known(name),
        remove_on_destroy: Field::Known(false),
        ..VolumeModel::default()
    };
    Ok(State { model, private: VolumePrivate::default() })
}

/// The title of a failed operation on the volume.
pub(super) fn title(operation: &str, model: &VolumeModel) -> String {
    format!("Could not {operation} docker volume {:?}", model.name())
}
