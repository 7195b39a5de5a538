//! The registries that images come from and go to.

use docker::Registry;

use crate::hosted::Hosts;

/// Those that the provider can log in to.
pub(crate) fn known(hosts: &Hosts) -> Vec<Registry> {
    hosts.settings().map(|settings| settings.registries.clone()).unwrap_or_default()
}
