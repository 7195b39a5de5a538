//! Ephemeral resources: what is open for the time of one run, and in no plan and no state.

pub(crate) mod sops_file;
pub(crate) mod tailnet_key;
