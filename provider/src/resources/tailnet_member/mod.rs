//! `windlass_tailnet_member`: a host that takes part in a tailnet.
//!
//! On the host it owns that Tailscale's daemon there is logged in, and those of its settings that are
//! written down; what is left out stays as it is. At the control server it owns the machine's entry:
//! that it is there with the wanted tags is waited for, and it goes when the host has logged out.
//!
//! A host that somebody has joined to that server already is adopted as it is, without a key. One that
//! belongs to another server is left alone. Without a key of its own it makes one, for this one machine
//! and ten minutes, that is in no plan and no state. It never installs Tailscale.
//!
//! What may end the connection by which the host is reached runs detached there and is waited for.

mod apply;
mod join;
mod model;
mod plan;
mod read;
mod schema;

use serde::{Deserialize, Serialize};

use crate::hosted::placed_on_machine;

/// The hosts of `windlass_tailnet_member`.
pub(crate) struct TailnetMember;

/// What the resource remembers besides its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MemberPrivate {
    /// The machine that has joined, so that another route to it is no move.
    #[serde(default)]
    pub(crate) machine_id: String,
}

placed_on_machine!(MemberPrivate);

#[cfg(test)]
mod tests {
    use framework::Value;

    use super::*;
    use crate::hosted::testing::matrix;

    #[tokio::test]
    async fn the_schema_equals_the_model_and_no_configuration_breaks_a_plan() {
        let report = matrix::<TailnetMember>()
            .sample("login_server", ["https://vpn.example.org"])
            .sample("hostname", ["web"])
            .sample("socket", ["/run/tailscaled.sock"])
            .sample("tags", [Value::list_of(["tag:prod"])])
            .sample("advertise_routes", [Value::list_of(["10.0.0.0/16"])])
            .run()
            .await;
        assert!(report.planned > 50, "{report:?}");
    }
}
