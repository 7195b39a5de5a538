//! The control servers of tailnets, for what lives on a host and is known to one of them as well.

use std::sync::{Arc, OnceLock, Weak};

use async_trait::async_trait;
use framework::Field;
use tailnet::Control;

use crate::failure::Failure;

/// Who knows control servers. They are reached through hosts, some of them, so that hosts know them
/// only by this.
#[async_trait]
pub(crate) trait ControlServers: Send + Sync {
    /// The control server that an attribute `tailnet` names; `None` while something is unknown that is
    /// needed to reach it.
    ///
    /// # Errors
    /// When there is no such server, or the way to it cannot be used.
    async fn reach(&self, tailnet: &Field<String>) -> Result<Option<Arc<dyn Control>>, Failure>;
}

/// Those that the provider has, once there are any.
#[derive(Default)]
pub(super) struct Servers(OnceLock<Weak<dyn ControlServers>>);

impl Servers {
    /// Asks `servers` from now on; the first ones are the provider's.
    pub(super) fn know(&self, servers: Weak<dyn ControlServers>) {
        let _ = self.0.set(servers);
    }

    /// As [`ControlServers::reach`]; `None` where there are none, too.
    pub(super) async fn reach(&self, tailnet: &Field<String>) -> Result<Option<Arc<dyn Control>>, Failure> {
        match self.0.get().and_then(Weak::upgrade) {
            Some(servers) => servers.reach(tailnet).await,
            None => Ok(None),
        }
    }
}
