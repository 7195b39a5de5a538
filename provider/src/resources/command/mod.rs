//! `windlass_command`: commands on a host, for what no resource covers.
//!
//! On the host it owns nothing but what its commands make: `create` makes it, `update` changes it,
//! `read` looks at it and `destroy` takes it down. Words reach the programs as they are, without a
//! shell. What a command prints is kept, up to a limit; what it reads from stdin is not.
//!
//! Life: Read runs `read`, where there is one, and contacts nothing else; Plan compares what it
//! printed with what the last apply left, and the configuration with the last one. Whatever has to
//! be made again is made by `update` in place, or by replacing where there is none. A `create` that
//! failed is recorded only where there is a `destroy`, which then runs before the next attempt.

mod apply;
mod model;
mod plan;
mod read;
mod run;
mod schema;

use serde::{Deserialize, Serialize};

use crate::hosted::placed_on_machine;

/// The commands of `windlass_command`.
pub(crate) struct HostCommand;

/// What the resource remembers besides its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CommandPrivate {
    /// The machine that the commands ran on, so that another route to it is no move.
    #[serde(default)]
    pub(crate) machine_id: String,
    /// The hash of what the last apply left as the output; empty before there was one.
    #[serde(default)]
    pub(crate) output_hash: String,
}

placed_on_machine!(CommandPrivate);

#[cfg(test)]
mod tests {
    use framework::Value;

    use super::*;
    use crate::hosted::testing::matrix;

    #[tokio::test]
    async fn the_schema_equals_the_model_and_no_configuration_breaks_a_plan() {
        let words = |words: &[&str]| Value::list_of(words.iter().map(|word| Value::from(*word)));
        let report = matrix::<HostCommand>()
            .sample("create", [words(&["make", "it"])])
            .sample("update", [words(&["change", "it"])])
            .sample("read", [words(&["look"])])
            .sample("destroy", [words(&["rm", "it"])])
            .sample("working_directory", ["/srv"])
            .sample("gone_statuses", [Value::list_of([Value::from(3)])])
            .run()
            .await;
        assert!(report.planned > 50 && report.invalid > 20, "{report:?}");
    }
}
