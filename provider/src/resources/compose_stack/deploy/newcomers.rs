//! Removing what only a failed apply had, once the stack is what it was before.

use compose::stack::orphans;

use super::{Deployment, Work, good::Good};
use crate::resources::compose_stack::failure::Failure;

impl Deployment<'_> {
    /// Removes the containers of services that only the failed apply had, or only it started.
    pub(super) async fn remove_newcomers(&self, back: &Work, failed: &Work) -> Result<(), Failure> {
        let known = failed.before();
        let is_alone =
            |work: &Work, name: &str| work.prediction.services.get(name).is_none_or(|one| one.left_alone);
        let mut stay = back.services();
        stay.retain(|name| !is_alone(back, name) || is_alone(failed, name));
        for orphan in orphans(&back.containers, &stay) {
            if !known.contains(&orphan.id) {
                self.engine.remove(&orphan.id).await?;
            }
        }
        Ok(())
    }

    /// Removes the networks that the last good state did not have, unless somebody uses them. One
    /// that stays harms nothing, so that it could not be removed is for the log.
    pub(super) async fn remove_new_networks(&self, good: &Good) {
        let Some(known) = &good.generation.networks else { return };
        let stack = &self.inputs.name;
        let there = match self.engine.networks(stack).await {
            Ok(there) => there,
            Err(error) => return tracing::warn!(stack, %error, "could not look for networks to remove"),
        };
        for network in there.difference(known) {
            match self.remove_unused_network(network).await {
                Ok(true) => tracing::info!(stack, network, "removed a network of the failed apply"),
                Ok(false) => tracing::info!(stack, network, "a network of the failed apply is in use"),
                Err(error) => tracing::warn!(stack, network, ?error, "could not remove a network"),
            }
        }
    }

    /// Whether it was removed: it is not while containers are attached, also ones that do not run.
    async fn remove_unused_network(&self, name: &str) -> Result<bool, Failure> {
        let Some(network) = self.engine.network(name).await? else { return Ok(true) };
        if !self.engine.containers_on_network(&network).await?.is_empty() {
            return Ok(false);
        }
        self.engine.remove_network(name).await?;
        Ok(true)
    }
}
