//! Compose projects: commands, configuration, prediction and comparison.
//!
//! How the parts make a plan:
//! 1. [`staging::needed`] picks the files that Compose reads; they go to a private directory on the
//!    host, with a [`layout::Layout::dotenv`] in which [`record::placeholder`]s stand for secrets;
//! 2. [`Compose::config`] resolves them, [`predict::Resolved::moved`] moves the result to the final
//!    directory and adds our labels, [`Compose::hashes`] hashes it;
//! 3. [`stack::wanted`] makes of it what is wanted, [`stack::read`] tells what is there,
//!    [`plan::changes`] what lies between, [`plan::planned`] what is known of the outcome.
//!
//! And an apply:
//! 1. [`tree::Manifest::difference`] says what to send and what to delete; `.env` with the real
//!    values and [`predict::override_file`] are written beside it;
//! 2. images are pulled: with credentials of ours by [`docker::Engine::pull`], the
//!    others by [`Compose::pull`]; [`stack::orphans`] are removed, [`plan::repairs`] are made;
//! 3. [`Compose::job`] for what has to run first, [`Compose::up`], [`wait::until_ready`], jobs again;
//! 4. [`stack::record`] is kept on the host for the next read.
//!
//! The order matters in one place: `.env`, the override and the files are one generation, and
//! [`record::Record`] is written last, so that an apply that was cut off reads as a change.

pub mod behaviour;
pub mod build;
pub mod calls;
pub mod choice;
pub mod command;
pub mod dotenv;
pub mod history;
pub mod hold;
pub mod job;
pub mod layout;
pub mod origin;
pub mod outline;
pub mod overview;
pub mod plan;
pub mod policy;
pub mod predict;
pub mod project;
pub mod record;
pub mod resources;
pub mod seal;
pub mod shared;
pub mod stack;
pub mod staging;
pub mod version;
pub mod wait;

pub use behaviour::Behaviour;
pub use calls::Compose;
pub use choice::Choice;
pub use command::Project;
pub use project::Config;
pub use version::ComposeVersion;
