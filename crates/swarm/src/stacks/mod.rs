//! Stacks on a swarm: what Compose files mean there, and how it is brought about.
//!
//! [`translate`] makes of what the host's `docker compose config` says what a swarm takes, as
//! `docker stack deploy` would have it; it is pure. What differs from that command is what is done
//! with it: only services that are to be another than they are get an update, everything is waited
//! for, and what has left the files goes after the rest is well.

pub mod translate;
mod wanted;

pub use translate::{Files, Problem, translate};
pub use wanted::{
    FileContent, FileKind, NewFile, NewNetwork, NewService, ServiceMode, Wanted, WantedService, WantedStack,
};
