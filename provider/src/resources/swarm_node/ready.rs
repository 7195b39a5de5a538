//! Waiting until managers hear from a node.

use std::time::Duration;

use remote::poll::{Ended, Poll};
use swarm::{Manager, Node, NodeState, Role};

use crate::{clustered::OnCluster, failure::Failure};

/// How long a node may take until the managers hear from it.
const READY: Duration = Duration::from_secs(60);
/// The time between two looks.
pub(super) const INTERVAL: Duration = Duration::from_millis(300);

/// Waits until the managers hear from the node, as a manager where it is to be one.
pub(super) async fn ready(
    on: &OnCluster<'_>,
    manager: &Manager,
    id: &str,
    role: Option<Role>,
) -> Result<Node, Failure> {
    let poll = Poll::new(INTERVAL, READY, on.cx.token());
    loop {
        let node = manager.node(id).await?;
        let is_ready = |node: &Node| {
            node.state == NodeState::Ready
                && match role {
                    Some(Role::Manager) => node.is_reachable_manager(),
                    Some(Role::Worker) => node.manager.is_none(),
                    None => true,
                }
        };
        if let Some(node) = node.clone().filter(is_ready) {
            return Ok(node);
        }
        let now = node.map_or_else(|| "unknown to the managers".to_owned(), |node| node.state.to_string());
        next(&poll, || format!("the node {id} to be ready (it is {now})")).await?;
    }
}

/// Waits until the managers count a node no more, whether it is up or not.
pub(super) async fn voteless(on: &OnCluster<'_>, manager: &Manager, id: &str) -> Result<(), Failure> {
    let poll = Poll::new(INTERVAL, READY, on.cx.token());
    while manager.node(id).await?.is_some_and(|node| node.manager.is_some()) {
        next(&poll, || format!("the node {id} to be a manager no more")).await?;
    }
    Ok(())
}

async fn next(poll: &Poll<'_>, what: impl FnOnce() -> String) -> Result<(), Failure> {
    poll.next().await.map_err(|ended| match ended {
        Ended::Cancelled => swarm::Error::Cancelled.into(),
        Ended::Late => swarm::Error::Late { what: what(), seconds: READY.as_secs() }.into(),
    })
}
