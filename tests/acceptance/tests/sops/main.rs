//! Files of SOPS in a configuration: read for one run, looked at without a key, and written.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod ephemeral;
mod file;
mod metadata;
mod stacks;
