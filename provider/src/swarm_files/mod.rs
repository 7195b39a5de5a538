//! The layer of secrets and configs of a swarm, on the kernel of what lives in a cluster.
//!
//! Nothing in such a thing can be changed, and it cannot go while a service uses it. So another content
//! is another object, with a name of its own that plans know (`full_name`): an update makes the new one
//! and lets the old one go, which is removed once nothing needs it any more (`swarm::stacks::files`). A
//! resource says what its names end with and what goes into it ([`SwarmFile`], [`FileModel`]).

mod apply;
mod fields;
mod in_swarm;
mod object;

pub(crate) use fields::FileFields;
pub(crate) use object::{FileModel, SwarmFile};
