//! `windlass_tailscale_serve`: what a host offers to its tailnet under its own name, and as a host of
//! Tailscale Services.
//!
//! On the host it owns what Tailscale's daemon serves in the background, as a whole: these handlers and
//! no others. Which services the daemon offers to host follows from them. What somebody serves in a
//! terminal for the moment is left alone, and so is what is open to the internet (Funnel) of a port that
//! stays. The host remembers whose it is, so that two resources do not take turns.
//!
//! A change is made only to what was read, by the daemon's own version of it. It never joins a host,
//! never switches HTTPS on and never touches the policy: what is missing of these is said before
//! anything is changed.

mod apply;
mod check;
mod model;
mod plan;
mod read;
mod schema;

use serde::{Deserialize, Serialize};

use crate::{host_path::Ownership, hosted::placed_on_machine};

/// What the host calls what it remembers the owners of: by the socket of the daemon.
const KIND: &str = "tailscale-serve";

/// Whose they are.
const OWNERSHIP: Ownership = Ownership { kind: KIND, what: "what Tailscale serves by" };

/// The hosts of `windlass_tailscale_serve`.
pub(crate) struct TailscaleServe;

/// What the resource remembers besides its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServePrivate {
    /// The machine that it is on, so that another route to it is no move.
    #[serde(default)]
    pub(crate) machine_id: String,
    /// The id of this very resource, which its host remembers as well.
    #[serde(default)]
    pub(crate) instance: String,
    /// The version of what was served when it was read last: what a change may replace.
    #[serde(default)]
    pub(crate) seen: String,
}

placed_on_machine!(ServePrivate);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosted::testing::matrix;

    #[tokio::test]
    async fn the_schema_equals_the_model_and_no_configuration_breaks_a_plan() {
        let report = matrix::<TailscaleServe>()
            .sample("socket", ["/run/tailscale/tailscaled.sock"])
            .sample("handler.service", ["svc:api"])
            .sample("handler.listen", [443_i64, 80])
            .sample("handler.protocol", ["https", "tcp"])
            .sample("handler.path", ["/a"])
            .sample("handler.target", ["unix:/run/app.sock"])
            .run()
            .await;
        assert!(report.planned > 20 && report.invalid > 20, "{report:?}");
    }
}
