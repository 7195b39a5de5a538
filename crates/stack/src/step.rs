//! The steps of an operation on a stack that change the host.

use std::fmt;

/// Something that changes the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Noting on the host that an apply is under way.
    Mark,
    /// Files.
    Ship,
    /// Images.
    Build,
    /// A job, by its name.
    Job(String),
    /// What is not wanted any more, and what is not well.
    Clear,
    /// `docker compose up`.
    Start,
    /// Containers whose files or neighbours have changed.
    Restart,
    /// The commands by which containers take in changed files.
    Reload,
    /// The record of what was made.
    Record,
    /// What was good last.
    Return,
    /// `docker compose down`.
    Stop,
    /// The files of a stack that goes.
    Remove,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mark => "noting on the host that it has begun",
            Self::Ship => "shipping files",
            Self::Build => "building images",
            Self::Job(name) => return write!(f, "running job {name:?}"),
            Self::Clear => "removing what is not wanted any more",
            Self::Start => "starting containers",
            Self::Restart => "restarting containers",
            Self::Reload => "having containers take in changed files",
            Self::Record => "recording what was made",
            Self::Return => "putting back what was good last",
            Self::Stop => "stopping and removing containers",
            Self::Remove => "removing files",
        })
    }
}
