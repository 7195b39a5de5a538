//! Labs: several real Linux hosts in containers (sshd, dockerd, docker compose v2) and a registry
//! with real images, on one machine, without any engine that already runs there.
//!
//! `lab up` writes `state/lab.json` (or `state/<name>.json`), tests read it with [`Lab::current`]
//! or [`Lab::load`]. What a test does to a host behind the back of the code under test goes
//! through [`Lab::exec`] and its like, which never use SSH. Needs root.

mod apt;
mod cgroup;
mod command;
mod engine;
mod error;
mod files;
mod host;
mod http;
mod image;
mod lab;
mod labels;
mod mischief;
mod network;
mod orphans;
mod programs;
mod recipe;
mod registry;
mod removal;
mod state;
mod throwaway;
mod up;
mod variant;

pub use apt::install_missing;
pub use command::interrupt;
pub use engine::cache_dir;
pub use error::{Error, Result};
pub use lab::{Lab, down, down_all};
pub use mischief::SmallDisk;
pub use registry::Registry;
pub use state::{Host, PrivateRegistry, State, state_dir};
pub use throwaway::Throwaway;
pub use up::Options;
pub use variant::Variant;
