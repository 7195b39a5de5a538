//! `windlass_tailnet_policy`: the policy of a tailnet, as a whole.
//!
//! At the control server it owns the one policy that there is. It never takes over a policy that
//! somebody else has written without being told to, and never overwrites a version that it has not
//! seen: every change is guarded by the version that was read. It never touches devices, keys or
//! other settings. When it is destroyed the policy stays in force, unless asked otherwise, because a
//! tailnet without one lets everybody reach everything.

mod apply;
mod model;
mod plan;
mod reading;
mod schema;

/// The policy of `windlass_tailnet_policy`.
pub(crate) struct TailnetPolicy;
