//! Something that a check has found.

use serde::Serialize;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It has to be corrected.
    Error,
    /// It may be meant.
    Warning,
    /// It could not be looked at.
    Note,
}

impl Level {
    /// Its word, which SARIF has as well.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One thing in one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub level: Level,
    /// The rule, as `require` blocks name it; `compose` and `swarm` for what these say.
    pub rule: String,
    /// What is wrong, for people.
    pub message: String,
    /// The file, as it is reached from the working directory.
    pub file: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// The service, where it is about one.
    pub service: Option<String>,
}

impl Finding {
    /// Whether it has to be corrected.
    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }
}
