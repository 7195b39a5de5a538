//! `windlass_tailnet_dns`: the DNS of a tailnet at Tailscale, in the parts that are written down.
//!
//! What is left out belongs to somebody else and stays as it is; of split DNS each domain is a part
//! of its own, unless `remove_other_domains` takes the whole. It never overwrites what it has not
//! seen: not what is there already when it is created, nor what somebody has changed since. When it
//! is destroyed everything stays, unless `on_destroy` says otherwise: a tailnet that cannot resolve
//! names any more is lost. Headscale has all of this in its configuration.

mod apply;
mod model;
mod plan;
mod schema;

/// The DNS of `windlass_tailnet_dns`.
pub(crate) struct TailnetDns;
