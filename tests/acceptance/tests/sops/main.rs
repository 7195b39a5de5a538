//! Files of SOPS in a configuration: read for one run, and looked at without a key.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod ephemeral;
mod metadata;
mod stacks;
