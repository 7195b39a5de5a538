//! Networks and volumes of a host, what runs there, and the functions.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod functions;
mod looks;
mod moves;
mod network;
mod object;
mod plugin;
mod shared;
mod volume;
