//! Removing what only a failed apply had, once the stack is what it was before.

use super::{Deployment, Work, release::KeptRelease};
use crate::{containers::orphans, error::Error};

impl Deployment<'_> {
    /// Removes the containers of services that only the failed apply had, or only it started.
    pub(super) async fn remove_newcomers(&self, back: &Work, failed: &Work) -> Result<(), Error> {
        let known = failed.before();
        let is_alone =
            |work: &Work, name: &str| work.desired.services.get(name).is_none_or(|one| one.unmanaged);
        let mut stay = back.services();
        stay.retain(|name| !is_alone(back, name) || is_alone(failed, name));
        for orphan in orphans(&back.containers, &stay) {
            if !known.contains(&orphan.id) {
                self.host.engine.remove(&orphan.id).await?;
            }
        }
        Ok(())
    }

    /// Removes the networks that the last good state did not have, unless somebody uses them. One
    /// that stays harms nothing, so that it could not be removed is for the log.
    pub(super) async fn remove_new_networks(&self, kept: &KeptRelease) {
        let Some(known) = &kept.release.networks else { return };
        let stack = &self.spec.name;
        let there = match self.host.engine.networks(stack).await {
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
    async fn remove_unused_network(&self, name: &str) -> Result<bool, Error> {
        let Some(network) = self.host.engine.network(name).await? else { return Ok(true) };
        if !self.host.engine.containers_on_network(&network).await?.is_empty() {
            return Ok(false);
        }
        self.host.engine.remove_network(name).await?;
        Ok(true)
    }
}
