//! Compose projects: commands, configuration, prediction and comparison.

pub mod calls;
pub mod command;
pub mod layout;
pub mod manifest;
pub mod plan;
pub mod predict;
pub mod project;
pub mod record;
pub mod resources;
pub mod stack;
pub mod staging;
pub mod wait;

pub use calls::Compose;
pub use command::Project;
pub use project::Config;

/// Bytes as lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
