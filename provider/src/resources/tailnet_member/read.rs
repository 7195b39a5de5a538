//! Finding out what the host says of itself.

use framework::State;
use tailnet::node::{Node, NodeError};

use super::{TailnetMember, model::MemberModel};
use crate::{
    failure::Failure,
    hosted::{Host, OnHost, OnMachine},
};

/// Tailscale on `host`.
pub(super) async fn node(host: &Host, model: &MemberModel) -> Result<Node, Failure> {
    Ok(Node::new(host.executor.clone(), model.socket.known().cloned(), host.home().await?))
}

/// Observes the host. One that is logged out, or has no Tailscale any more, is in no tailnet.
pub(super) async fn observe(
    on: &OnMachine<'_>,
    mut state: State<OnHost<TailnetMember>>,
) -> Result<Option<State<OnHost<TailnetMember>>>, Failure> {
    match node(on.host, &state.model).await?.state().await {
        Ok(found) if found.has_joined() => {
            state.model.observe(&found);
            Ok(Some(state))
        }
        Ok(_) | Err(NodeError::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
