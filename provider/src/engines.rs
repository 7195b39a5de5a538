//! The way by which `compose_stack` comes to Docker, until it stands on the kernel of hosts itself.

use compose::ComposeVersion;
use docker::{Engine, Error};

use crate::hosted::Host;
pub(crate) use crate::hosted::cli;

#[derive(Default)]
pub(crate) struct Engines {
    _later: (),
}

impl Engines {
    pub(crate) async fn engine(&self, host: &Host) -> Result<Engine, Error> {
        host.engine().await
    }

    pub(crate) async fn compose_version(&self, host: &Host) -> Result<ComposeVersion, Error> {
        host.compose_version().await
    }
}
