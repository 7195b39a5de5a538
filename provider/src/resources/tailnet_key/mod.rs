//! `windlass_tailnet_key`: a key by which machines join a tailnet, in the state.
//!
//! At the control server it owns the one key that it made, and takes that back when it is destroyed.
//! It never touches machines that have joined by it. Its secret is in the state, in clear: the one
//! exception to the rule that none is, for cloud-init and cores that know no ephemeral values. A key
//! cannot be changed, so that every change makes another one.

mod apply;
mod model;
mod schema;

/// The keys of `windlass_tailnet_key`.
pub(crate) struct TailnetKey;
