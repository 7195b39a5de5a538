//! `windlass_compose_stack`: a Docker Compose project on a host.
//!
//! On the host it owns the containers and networks of the project, the files that it shipped to the
//! stack's directory, the `.env` there (unless `host_env` leaves it to the server), `.windlass` below it (see `compose::layout`), and the names that
//! keep its images.
//! It never touches other files in that directory, volumes (unless `remove_volumes_on_destroy`
//! says so), containers of other projects, one-off containers of `docker compose run` (but for those
//! of its own jobs), and, until the stack is destroyed, containers of services that `start_services`
//! leaves out.
//!
//! Life: Read gathers what runs and what lies on the host into `services`; Plan asks the host's own
//! `docker compose config` what the files want, unless its inputs are the ones of the last apply,
//! and compares; Apply takes a lock, pulls, ships what changed, runs `up`, waits, and leaves a
//! record; Destroy works by the project's label and by our own names for its images alone. How all
//! that is done is the engine's affair (`crates/stack`); here is what the attributes mean to it.

mod apply;
mod blocks;
mod model;
mod plan;
mod read;
mod schema;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use stack::{DesiredStack, ImageFacts, StackSpec};

use crate::hosted::placed_on_machine;

/// The stacks of `windlass_compose_stack`.
pub(crate) struct ComposeStack;

/// What the resource remembers besides its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StackPrivate {
    /// The machine that the stack is on, so that another route to it is no move.
    #[serde(default)]
    pub(crate) machine_id: String,
    /// The id of this very stack, which lies on the host as well.
    #[serde(default)]
    pub(crate) instance: String,
    /// The version of Compose there, as of the last read.
    #[serde(default)]
    pub(crate) compose: String,
    /// The ids behind the image references of the stack, as of the last read; only of references
    /// that can move.
    #[serde(default)]
    pub(crate) images: BTreeMap<String, String>,
    /// What else is known of images, as of the last read.
    #[serde(default)]
    pub(crate) image_facts: ImageFacts,
    /// What the last apply made, or what the plan wants.
    #[serde(rename = "prediction", default)]
    pub(crate) desired: Option<DesiredStack>,
    /// The project that this was made of; none in a record of when the attributes said it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) project: Option<ChosenProject>,
    /// What tells how the server's own `.env` was when it was last looked at, where its values count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) host_env: Option<String>,
    /// The files of this machine that were not on the host as they are here, where the stack was started by
    /// hand and nothing of it was applied yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) differing: Option<BTreeSet<String>>,
}

/// What Compose is told of a project beside its directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChosenProject {
    /// Its files, relative to the stack's directory.
    pub(crate) files: Vec<String>,
    /// The profiles that are switched on.
    pub(crate) profiles: Vec<String>,
}

impl ChosenProject {
    /// That of `spec`.
    fn of(spec: &StackSpec) -> Self {
        Self { files: spec.files.clone(), profiles: spec.profiles.clone() }
    }
}

placed_on_machine!(StackPrivate);
