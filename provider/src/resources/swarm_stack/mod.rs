//! `windlass_swarm_stack`: a stack on a Docker Swarm.
//!
//! In the swarm it owns the services, networks, secrets and configs that have the label of the stack:
//! what `docker stack ls` knows by its name, services of jobs among them while these run. It never touches volumes, what other stacks have, and
//! networks, secrets and configs that its files call external. On hosts it owns nothing: files are
//! only read there, in a directory that is removed again.
//!
//! Life: Read asks a manager what there is; Plan has the manager's own `docker compose config` say what
//! the files want, unless its inputs are the ones of the last apply, translates it and compares; Apply
//! takes a lock in the swarm, updates only services that are to be another than they are, waits, and
//! leaves a record; Destroy works by the label alone, and waits until everything is gone. How all that
//! is done is the engine's affair (`swarm::stacks`).

mod apply;
mod model;
mod outcome;
mod plan;
mod read;
mod schema;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use swarm::stacks::WantedStack;

use crate::clustered::InCluster;

/// The stacks of `windlass_swarm_stack`.
pub(crate) struct SwarmStack;

/// The resource that the kernel makes of them.
type Resource = InCluster<SwarmStack>;

/// What the resource remembers besides its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StackPrivate {
    /// The id of this very stack, which lies in the swarm as well.
    #[serde(default)]
    pub(crate) instance: String,
    /// The version of Compose that was asked last.
    #[serde(default)]
    pub(crate) compose: String,
    /// What the last apply made, or what the plan wants.
    #[serde(default)]
    pub(crate) wanted: Option<WantedStack>,
    /// References that stand for another image by now, as of the last read, with its digest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) moved: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clustered::testing::matrix;

    #[tokio::test]
    async fn the_schema_equals_the_model_and_no_configuration_breaks_a_plan() {
        let report = matrix::<SwarmStack>()
            .sample("managers", [vec!["ssh://a"], vec!["ssh://a", "ssh://b"]])
            .sample("name", ["web"])
            .sample("config", [vec!["services: {a: {image: a}}"]])
            .sample("source_dir", ["."])
            .sample("file_modes", ["git", "exact"])
            .sample("undefined_variables", ["error", "warn"])
            .sample("resolve_image", ["changed", "always", "never"])
            .sample("on_failure", ["rollback", "keep"])
            .sample("on_destroy", ["down", "abandon"])
            .sample("start_timeout", ["90s"])
            .run()
            .await;
        assert!(report.planned > 0, "{report:?}");
    }
}
