//! What goes wrong with Compose stacks, on real hosts: every failure says what happened, what the
//! world looks like now and what to do next, and loses nothing.
//!
//! Hosts that are broken are the test's own.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod connection;
mod containers;
mod destroy;
mod disk;
mod docker;
mod files;
mod gate;
mod interrupt;
mod machine;
mod reach;
mod registry;
mod story;
mod together;
mod words;
