//! What snapshots are taken of, and what they come back as.

use crate::{postgres::Postgres, subject::Subject, volume::Volume};

/// A corpus on a host.
#[derive(Clone, Debug)]
pub enum Corpus {
    /// The directory at an absolute path.
    Path(String),
    /// A Docker volume.
    Volume(Volume),
    /// A database of a Postgres in a container.
    Postgres(Postgres),
}

impl Corpus {
    /// It in words.
    pub fn subject(&self) -> Subject {
        match self {
            Self::Path(path) => Subject::Path(path.clone()),
            Self::Volume(volume) => Subject::Volume(volume.name.clone()),
            Self::Postgres(postgres) => postgres.subject(),
        }
    }
}
