//! What snapshots are taken of, and what they come back as.

use std::time::Duration;

use crate::{exec::Exec, postgres::Postgres, subject::Subject, volume::Volume};

/// How far clocks may be apart.
pub(crate) const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// A corpus on a host.
#[derive(Clone, Debug)]
pub enum Corpus {
    /// The directory at an absolute path.
    Path(String),
    /// A Docker volume.
    Volume(Volume),
    /// A database of a Postgres.
    Postgres(Postgres),
    /// What a command in a container writes.
    Exec(Exec),
}

impl Corpus {
    /// It in words.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Path(path) => Subject::Path(path.clone()),
            Self::Volume(volume) => Subject::Volume(volume.name.clone()),
            Self::Postgres(postgres) => postgres.subject(),
            Self::Exec(exec) => exec.subject(),
        }
    }
}
