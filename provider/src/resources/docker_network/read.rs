//! Finding out what the network is like.

use framework::{Context, Diagnostics, Field, State};

use super::{NetworkModel, NetworkPrivate, NetworkResource, TYPE};
use crate::{
    daemon::{Failure, UNCHANGED},
    hosts::{Host, import_id},
};

/// Looks at the network; gone is gone.
pub(super) async fn read(
    resource: &NetworkResource,
    cx: &Context,
    state: State<NetworkResource>,
) -> Result<Option<State<NetworkResource>>, Diagnostics> {
    let (title, connection) = (title("read", &state.model), state.model.host.clone());
    let look = |host, state| async {
        refreshed(resource, host, state).await.map_err(|failure| failure.for_read(&title, UNCHANGED))
    };
    resource.daemons.hosts.read(cx, &title, &connection, state, look).await
}

async fn refreshed(
    resource: &NetworkResource,
    host: Host,
    mut state: State<NetworkResource>,
) -> Result<Option<State<NetworkResource>>, Failure> {
    let daemon = resource.daemons.on(&host).await?;
    let Some(found) = daemon.engine.network(state.model.name()).await? else { return Ok(None) };
    let adopting = state.private.machine_id.is_empty();
    state.model.take(&found, adopting);
    state.private.machine_id = daemon.machine_id;
    Ok(Some(state))
}

/// Adopts the network that `id` names.
pub(super) fn import(id: &str) -> Result<State<NetworkResource>, Diagnostics> {
    let title = format!("Could not import {TYPE} {id:?}");
    let (connection, name) = import_id(&title, id, "<connection>|<name of the network>")?;
    let model = NetworkModel {
        host: Field::Known(connection.to_string()),
        name: Field::Known(name),
        ..NetworkModel::default()
    };
    Ok(State { model, private: NetworkPrivate::default() })
}

/// The title of a failed operation on the network.
pub(super) fn title(operation: &str, model: &NetworkModel) -> String {
    format!("Could not {operation} docker network {:?}", model.name())
}
