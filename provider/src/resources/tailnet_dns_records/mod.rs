//! `windlass_tailnet_dns_records`: names in a Headscale's tailnet, in the file on its host that it
//! watches (`dns.extra_records_path`).
//!
//! On the host it owns that file as a whole and, below `~/.windlass`, the note that it does. The file
//! is sorted and replaced in one step, so that Headscale never reads a part of it. A file that
//! somebody else has written is not overwritten. When it is destroyed an empty list stays, unless
//! `on_destroy` says otherwise: Headscale does not start where the file is missing.

mod apply;
mod model;
mod read;
mod schema;

/// What the host calls the objects whose owners it remembers: a path has one, whichever resource.
const KIND: &str = "file";

/// Whose they are.
const OWNERSHIP: Ownership = Ownership { kind: KIND, what: "DNS records" };

use serde::{Deserialize, Serialize};

use crate::{host_path::Ownership, hosted::placed_on_machine};

/// The records of `windlass_tailnet_dns_records`.
pub(crate) struct DnsRecords;

/// What the resource remembers besides its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordsPrivate {
    /// The machine that the file is on, so that another route to it is no move.
    #[serde(default)]
    pub(crate) machine_id: String,
    /// The id of this very file, which its host remembers as well.
    #[serde(default)]
    pub(crate) instance: String,
}

placed_on_machine!(RecordsPrivate);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosted::testing::matrix;

    #[tokio::test]
    async fn the_schema_equals_the_model_and_no_configuration_breaks_a_plan() {
        let report = matrix::<DnsRecords>()
            .sample("path", ["/var/lib/headscale/records.json"])
            .sample("mode", ["0640"])
            .sample("on_destroy", ["keep", "delete"])
            .run()
            .await;
        assert!(report.planned > 20 && report.invalid > 20, "{report:?}");
    }
}
