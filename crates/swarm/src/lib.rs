//! Docker Swarm through the Engine API: what an engine is in a swarm ([`Member`]), what a manager
//! does with the whole ([`Manager`]), and which step is safe.
//!
//! Decisions are pure functions of what a manager says: whether a manager may go ([`Quorum`]), which
//! address a host joins ([`address`]), what can run where ([`placement`]), what has to move before a
//! node goes ([`drain`]). A node is known by its id: host names repeat, and a host that joins again
//! is another node.

pub mod address;
pub mod drain;
mod error;
pub mod join;
mod manager;
mod member;
mod membership;
mod node;
pub mod placement;
mod quorum;
#[cfg(test)]
mod scripted;
mod settings;
mod spec;
pub mod stacks;
mod work;

pub use drain::Drain;
pub use error::Error;
pub use manager::Manager;
pub use member::{JoinRequest, Member, NewSwarm};
pub use membership::{LocalState, Membership, Obstacle};
pub use node::{Availability, ManagerStatus, Node, NodeChange, NodeState, Reachability, Role};
pub use quorum::{Quorum, Removal};
pub use settings::{Cluster, Settings, Tokens};
pub use work::{Mode, Service, Task};
