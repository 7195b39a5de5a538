//! The layer of what a Docker daemon keeps under a name (networks, volumes), on the kernel of hosts.
//!
//! Such a thing is found by its name and belongs to whoever made it, so that a name that is taken is
//! refused and not taken over. The daemon changes nothing of it, so that every change replaces it, and
//! does not give it up while containers use it. A resource says what it is and how it is made
//! ([`DaemonObject`]), and how what the daemon says becomes attributes ([`ObjectModel`]).

mod fields;
mod in_use;
mod object;
mod place;

pub(crate) use fields::{FieldTexts, ObjectFields, check_name, set_map};
pub(crate) use in_use::{name_taken, named};
pub(crate) use object::{DaemonObject, ObjectModel, ObjectWords};
