//! Stacks on a swarm: what Compose files mean there, and how it is brought about.
//!
//! [`translate`] makes of what the host's `docker compose config` says what a swarm takes, as
//! `docker stack deploy` would have it; it is pure. What differs from that command is what is done
//! with it: only services that are to be another than they are get an update, everything is waited
//! for, and what has left the files goes after the rest is well.
//!
//! A plan: [`LiveStack::look`] tells what is there, [`resolve()`] what the files want, [`plan()`] what
//! each service will be. An apply is a [`Deployment`] under the stack's [lock](SwarmLock).

mod api;
mod converge;
mod deploy;
mod destroy;
mod error;
pub mod files;
mod live;
mod lock;
mod overview;
mod plan;
mod record;
mod resolve;
mod survey;
pub mod translate;
mod wanted;

pub use deploy::{DeployOptions, Deployment, Failed, Outcome, PriorStack};
pub use destroy::{Destroyed, destroy};
pub use error::{ServiceFailure, StackError};
pub use live::{CHANGED, LiveStack, ObservedService};
pub use lock::SwarmLock;
pub use overview::{CONVERGING, StackOverview, overview};
pub use plan::{PlanOptions, PlannedService, ResolveImage, plan};
pub use resolve::{Resolved, Tokens, digest, directory, resolve, resolve_for_apply};
pub use survey::Survey;
pub use translate::{Files, Problem, translate};
pub use wanted::{
    FileContent, FileKind, NewFile, NewNetwork, NewService, ServiceMode, Wanted, WantedService, WantedStack,
};
