//! Compose projects: commands, configuration, prediction and comparison.

pub mod command;

pub use command::Project;
