//! What a host may lack of what a stack needs and does not make itself.

use std::collections::BTreeSet;

/// Something that a stack needs of its host and does not find there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// What it is.
    pub what: MissingKind,
    /// Its name or path.
    pub name: String,
    /// The services that need it.
    pub services: BTreeSet<String>,
}

/// What may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MissingKind {
    /// A network that somebody else makes.
    Network,
    /// A range of addresses for a network that Compose makes.
    Addresses,
    /// A volume that somebody else makes.
    Volume,
    /// The name of a container that another one has.
    ContainerName {
        /// The Compose project of that one, if it is of one.
        project: Option<String>,
    },
    /// A path of the host that is mounted.
    Mount,
}

impl Missing {
    /// Whether Compose fails for it, whatever else becomes of the host by then. Docker makes up what is
    /// mounted, and a network that goes meanwhile leaves its addresses.
    pub fn is_fatal(&self) -> bool {
        !matches!(self.what, MissingKind::Mount | MissingKind::Addresses)
    }
}
