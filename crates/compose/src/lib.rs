//! Docker Compose projects: what their files mean, asked of the host's own `docker compose`.
//!
//! How the parts tell what the files want:
//! 1. [`staging::needed`] picks the files that Compose reads; they go to a private directory on the
//!    host, with a [`Layout::dotenv`] in which [`secret_label::placeholder`]s stand for secrets;
//! 2. [`Compose::config`] resolves them, [`Resolved::moved`] moves the result to the final directory
//!    and adds our labels, [`Compose::hashes`] hashes it.
//!
//! [`Behaviour`] says what the Compose of a version does to services that depend on others,
//! [`policy`] what people require of every service. Nothing here compares with what runs: that is
//! the engine's work, in `stack`.

pub mod behaviour;
pub mod build;
pub mod client;
pub mod command;
pub mod dotenv;
pub mod job;
pub mod layout;
pub mod outline;
pub mod policy;
pub mod project;
pub mod ready_state;
mod requirements;
pub mod resolved;
pub mod resources;
pub mod secret_label;
pub mod staging;
pub mod version;
mod volumes_from;

pub use behaviour::Behaviour;
pub use client::Compose;
pub use command::Project;
pub use layout::Layout;
pub use project::Config;
pub use ready_state::ReadyState;
pub use requirements::Requirements;
pub use resolved::Resolved;
pub use version::ComposeVersion;
