//! `windlass_file`, from the first apply to the destruction, on every kind of host.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod directory;
mod life;
mod moves;
mod odd;
mod ownership;
mod secret;
mod unreadable;

use acceptance_tests::hcl::quoted;

/// A `windlass_file` at `path` on `host` (an expression), with these further lines.
fn file_block(name: &str, host: &str, path: &str, more: &[&str]) -> String {
    format!(
        "resource \"windlass_file\" {} {{\n  host = {host}\n  path = {}\n  {}\n}}\n",
        quoted(name),
        quoted(path),
        more.join("\n  ")
    )
}
