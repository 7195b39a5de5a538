//! Docker Swarm on several real hosts: clusters made, grown, shrunk, lost and ended.
//!
//! A host is in one swarm at a time, and every test needs most of them: the tests take turns.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cluster;
mod disaster;
mod drain;
mod interrupted;
mod leader;
mod life;
mod locked;
mod moves;
mod outages;
mod quorum;
mod refusals;
