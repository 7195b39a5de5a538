//! The companion on real hosts.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod adopt;
mod doctor;
mod restore;
mod roots;
mod stack;
