//! Finding out what the host serves.

use framework::State;
use tailnet::{
    node::{LocalApi, NodeState},
    serve::Names,
};

use super::{KIND, TailscaleServe, model::ServeModel};
use crate::{
    failure::Failure,
    host_path::claims,
    hosted::{Host, OnHost, OnMachine},
};

/// Tailscale's daemon on `host`.
pub(super) fn api(host: &Host, model: &ServeModel) -> LocalApi {
    LocalApi::new(host.executor.clone(), model.socket.known().cloned())
}

/// The names that the machine serves under.
pub(super) fn names(node: &NodeState) -> Names {
    Names { machine: node.fqdn.clone(), suffix: node.suffix.clone() }
}

/// Observes the host. One that is in no tailnet, or serves nothing, serves none of ours.
pub(super) async fn observe(
    on: &OnMachine<'_>,
    mut state: State<OnHost<TailscaleServe>>,
) -> Result<Option<State<OnHost<TailscaleServe>>>, Failure> {
    let api = api(on.host, &state.model);
    let node = api.state().await?;
    let found = api.serving().await?;
    if !node.has_joined() || found.config.is_empty() {
        return Ok(None);
    }
    state.model.observe(&found.config, &names(&node), &node.prefs.advertise_services);
    state.private.seen = found.config.version();
    if state.private.instance.is_empty() {
        let owner = claims(on.host, KIND).await?.owner(api.socket()).await?;
        state.private.instance = owner.unwrap_or_default();
    }
    Ok(Some(state))
}
