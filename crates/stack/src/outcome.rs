//! What an apply made, or what became of a stack whose apply failed.

use std::{collections::BTreeMap, sync::Arc};

use docker::engine::Container;

use crate::{
    adopted::NotRestorable, desired::DesiredStack, error::Error, host_state::HostState,
    image_facts::ImageFacts,
};

/// What a good apply made.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct Deployed {
    pub containers: Vec<Container>,
    pub host_state: HostState,
    /// What was wanted.
    pub desired: DesiredStack,
    /// The version of Compose that made it.
    pub compose: String,
    /// The ids of its images, by reference.
    pub images: BTreeMap<String, String>,
    /// What else is known of them.
    pub image_facts: ImageFacts,
}

/// An apply that failed.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct Failed {
    pub error: Error,
    /// What became of the stack.
    pub outcome: Outcome,
    /// Whether something of it was on the machine already.
    pub found: bool,
}

/// What became of a stack whose apply failed.
#[derive(Debug)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum Outcome {
    /// What the apply did was not taken back.
    Kept(KeptBecause),
    /// Everything is as before: what the host has, and the containers.
    RolledBack(Box<HostState>, Vec<Container>),
    /// Nothing is left but these volumes.
    TakenDown(Vec<String>),
    /// Taking it back failed too.
    Stuck {
        /// What was tried.
        undo: Undo,
        error: Box<Error>,
    },
}

/// How an apply that failed is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undo {
    /// To the last good apply.
    Rollback,
    /// To nothing, where there was nothing before.
    TakeDown,
}

/// Why nothing was taken back.
#[derive(Clone, Debug)]
pub enum KeptBecause {
    /// It failed before it did anything.
    Untouched,
    /// That is what was asked for.
    Wanted,
    /// Somebody interrupted.
    Interrupted,
    /// The host could not be reached any more.
    Lost,
    /// The stack's lock was lost: somebody else may be working on it.
    Unlocked,
    /// The last good state is not other than what was applied.
    Same,
    /// Something of it was there already, and no good state is known.
    Earlier,
    /// There is no good state from before.
    NoRelease(NoRelease),
}

/// Why there is no release to go back to.
#[derive(Clone, Debug)]
pub enum NoRelease {
    /// There was no good apply yet, or none of it was kept.
    Never,
    /// It was started by hand, and what runs cannot be had again from its files.
    NotRestorable(NotRestorable),
    /// It was started by hand, and how it ran could not be kept.
    NotKept(Arc<Error>),
}

impl Failed {
    /// One that failed before it did anything.
    pub(crate) fn before_anything(error: Error) -> Self {
        Self { error, outcome: Outcome::Kept(KeptBecause::Untouched), found: false }
    }
}

impl Outcome {
    /// That taking it back failed too.
    pub(crate) fn stuck(undo: Undo, error: Error) -> Self {
        Self::Stuck { undo, error: Box::new(error) }
    }
}
