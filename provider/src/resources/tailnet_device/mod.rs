//! `windlass_tailnet_device`: a machine that has joined a tailnet, as the control server knows it.
//!
//! It makes no machine: it adopts one by what that calls itself, or by its id, and owns the settings
//! that are written down (tags, name, key expiry, approved routes); what is left out stays as it is.
//! When the machine is made anew (`instance`), it waits for the one that has joined since, settles
//! that and removes the dead one. When it is destroyed, the machine leaves the tailnet, so that a
//! drill leaves nothing behind, unless `on_destroy` says otherwise. It never touches the machine.

mod apply;
mod model;
mod plan;
mod schema;

/// The machines of `windlass_tailnet_device`.
pub(crate) struct TailnetDevice;
