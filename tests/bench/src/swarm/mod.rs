//! What a Docker Swarm of five hosts costs, and what it loses when its nodes change.

pub(crate) mod drain;
pub(crate) mod join;
pub(crate) mod plan;
pub(crate) mod rebuild;
mod requests;
mod servers;
pub(crate) mod service;
