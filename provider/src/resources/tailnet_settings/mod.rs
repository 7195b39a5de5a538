//! `windlass_tailnet_settings`: settings of a tailnet at Tailscale, those that are written down.
//!
//! Every other setting belongs to somebody else and stays as it is. There is nothing to destroy: the
//! settings stay. Headscale has what it has of them in its configuration.

mod apply;
mod model;

/// The settings of `windlass_tailnet_settings`.
pub(crate) struct TailnetSettings;
