//! What a message is about: a corpus in words.

use std::fmt;

/// A corpus in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A directory, by its path.
    Path(String),
    /// A volume, by its name.
    Volume(String),
    /// A database, by its name.
    Database(String),
    /// What a command writes, by the container that it runs in.
    Stream(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(path),
            Self::Volume(name) => write!(f, "volume {name:?}"),
            Self::Database(name) => write!(f, "database {name:?}"),
            Self::Stream(container) => write!(f, "what a command in container {container:?} writes"),
        }
    }
}

impl Subject {
    /// What is not there, where it is missing: of what a command writes, the container.
    pub(crate) fn missing(&self) -> String {
        match self {
            Self::Stream(container) => format!("container {container:?}"),
            other => other.to_string(),
        }
    }

    /// What kind it is, in words.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Path(_) => "a directory",
            Self::Volume(_) => "a volume",
            Self::Database(_) => "a Postgres database",
            Self::Stream(_) => "the stream of a command",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn what_is_missing_is_a_thing() {
        let missing = |subject| Error::SourceMissing { subject, host: "web".into() }.to_string();
        assert_eq!(missing(Subject::Stream("db-1".into())), "there is no container \"db-1\" on web");
        assert_eq!(missing(Subject::Volume("data".into())), "there is no volume \"data\" on web");
    }
}
