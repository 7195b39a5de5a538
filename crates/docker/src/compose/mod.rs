//! Compose projects: commands, configuration, prediction and comparison.

pub mod command;
pub mod predict;
pub mod project;

pub use command::Project;
pub use project::Config;

/// Bytes as lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        drop(write!(text, "{byte:02x}"));
        text
    })
}
