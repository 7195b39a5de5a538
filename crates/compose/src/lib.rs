//! Docker Compose projects: what their files mean, asked of the host's own `docker compose`.
//!
//! How the parts tell what the files want:
//! 1. [`staging::needed`] picks the files that Compose reads; they go to a private directory on the
//!    host, with a [`Layout::dotenv`] in which [`placeholder`]s stand for secrets, and the user's own
//!    `.env` beside it;
//! 2. [`Compose::resolve`] resolves them, with [`Staged`](staged::Staged) paths as what they stand for,
//!    [`Resolved::new`] adds our labels, [`Compose::hashes`] hashes it.
//!
//! [`Behaviour`] says what the Compose of a version does to services that depend on others,
//! [`policy`] what people require of every service. Nothing here compares with what runs: that is
//! the engine's work, in `stack`.

mod behaviour;
pub mod build;
mod client;
mod command;
pub mod discovery;
pub mod dotenv;
pub mod env_files;
pub mod interpolation;
mod job;
pub mod layout;
pub mod needs;
pub mod newer;
pub mod outline;
mod paths;
pub mod policy;
mod project;
mod ready_state;
mod requirements;
mod resolved;
mod resources;
mod secret_label;
pub mod staged;
pub mod staging;
pub mod uses;
mod version;
mod volumes_from;

pub use behaviour::{Behaviour, Dependents};
pub use client::{Compose, Unresolved};
pub use command::{OWN_VARIABLES, Project, own_variables};
pub use job::{Job, JobError, LABEL_RUN, leftovers};
pub use layout::Layout;
pub use paths::inside as inside_directory;
pub use project::{Config, LABEL_JOB, Service, go_duration};
pub use ready_state::ReadyState;
pub use requirements::Requirements;
pub use resolved::{Addition, LABEL_FILES, Resolved, SECRET_MODE, ShippedFiles, files_hash, override_file};
pub use resources::Values;
pub use secret_label::{Placeholders, SecretLabel, placeholder};
pub use version::{ComposeVersion, OLDEST};
