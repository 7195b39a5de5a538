//! Compose stacks at their edges: odd files, many services, many stacks, many hosts, and engines that
//! are not Docker as most people run it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod adopted;
mod clients;
mod containerd_store;
mod engines;
mod examples;
mod files;
mod hosts;
mod logins;
mod many;
mod names;
mod networks;
mod sudo_docker;
mod tools;
