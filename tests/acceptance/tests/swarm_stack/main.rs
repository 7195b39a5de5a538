//! Stacks on a Docker Swarm of two real hosts. The lab's kernel has no IP_VS: services are found by
//! `endpoint_mode: dnsrr`, and publish on their own node.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod databases;
mod drift;
mod failures;
mod gates;
mod life;
mod lock;
mod options;
mod overlay;
mod refusals;
mod sealed;
mod secrets;
mod shared;
mod swarm;
