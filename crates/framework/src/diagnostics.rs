//! What a person reads when something went wrong or deserves attention.
//!
//! A diagnostic is data: severity, a title that names the operation and the thing (no colon), a
//! detail that says what happened, what the world looks like now and what to do next, and the path
//! of the attribute to blame when there is exactly one. Resource code collects every problem of a
//! phase in a [`Diagnostics`] before it stops, so that a person fixes them in one go.

use std::fmt;

use tfvalue::Path;

/// How serious a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The operation failed.
    Error,
    /// The operation went on; a person should know.
    Warning,
}

/// One message to the person who runs the plan or apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the operation failed.
    pub severity: Severity,
    /// Title: the operation and the thing, without a colon.
    pub summary: String,
    /// What happened, what the world looks like now, what to do next. May be empty.
    pub detail: String,
    /// The attribute to blame, if there is exactly one.
    pub path: Option<Path>,
}

/// Where a person takes a bug. Kept in one place so that every such message says the same.
const REPORT: &str = "This is a bug in the provider, not in your configuration. Please report it together with \
                      this message and the version of the provider.";

impl Diagnostic {
    /// The operation failed. `summary` names the operation and the thing.
    pub fn error(summary: impl Into<String>) -> Self {
        Self { severity: Severity::Error, summary: summary.into(), detail: String::new(), path: None }
    }

    /// The operation goes on, but a person should know.
    pub fn warning(summary: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(summary) }
    }

    /// Our own mistake: an error whose detail says so and asks for a report.
    pub fn bug(summary: impl Into<String>, what_happened: impl fmt::Display) -> Self {
        Self::error(summary).detail(what_happened.to_string()).detail(REPORT)
    }

    /// Adds a paragraph to the detail.
    #[must_use]
    pub fn detail(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        if !self.detail.is_empty() && !text.is_empty() {
            self.detail.push_str("\n\n");
        }
        self.detail.push_str(&text);
        self
    }

    /// Appends the error's text and those of its causes as a paragraph of the detail.
    #[must_use]
    pub fn cause(self, error: &(dyn std::error::Error + 'static)) -> Self {
        self.detail(error_chain(error))
    }

    /// Blames one attribute.
    #[must_use]
    pub fn at(mut self, path: impl IntoPath) -> Self {
        self.path = Some(path.into_path());
        self
    }
}

/// An error and its causes in one line, each part separated by a colon.
pub fn error_chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)?;
        if let Some(path) = &self.path {
            write!(f, " (at {path})")?;
        }
        if !self.detail.is_empty() {
            write!(f, "\n{}", self.detail)?;
        }
        Ok(())
    }
}

/// Whatever names an attribute: a path, or the name of a top-level attribute.
pub trait IntoPath {
    /// The path that is meant.
    fn into_path(self) -> Path;
}

impl IntoPath for Path {
    fn into_path(self) -> Path {
        self
    }
}

impl IntoPath for &Path {
    fn into_path(self) -> Path {
        self.clone()
    }
}

impl IntoPath for &str {
    fn into_path(self) -> Path {
        Path::root().attribute(self)
    }
}

/// All messages of one phase. As the `Err` of a result it holds at least one error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// No message yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one message.
    pub fn push(&mut self, diagnostic: impl Into<Diagnostic>) {
        self.0.push(diagnostic.into());
    }

    /// Adds the messages of another phase.
    pub fn append(&mut self, other: impl IntoIterator<Item = Diagnostic>) {
        self.0.extend(other);
    }

    /// Whether one of the messages is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Whether there is no message at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The messages in the order in which they came up.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// Only the errors.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.iter().filter(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// `Err` when there is an error, so that a phase can end with `?`. Warnings alone are dropped:
    /// send those to the context, which outlives the phase.
    pub fn into_result(self) -> Result<(), Self> {
        if self.has_errors() { Err(self) } else { Ok(()) }
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(messages: I) -> Self {
        Self(messages.into_iter().collect())
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, diagnostic) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_asks_for_a_report_and_keeps_what_happened() {
        let bug = Diagnostic::bug("Could not plan file \"x\"", "the index was 3").at("path");
        assert_eq!(bug.severity, Severity::Error);
        assert!(bug.detail.starts_with("the index was 3\n\n"), "{}", bug.detail);
        assert!(bug.detail.contains("Please report it"), "{}", bug.detail);
        assert_eq!(bug.path, Some(Path::root().attribute("path")));
    }

    #[test]
    fn only_errors_end_a_phase() {
        let mut diagnostics = Diagnostics::from(Diagnostic::warning("a"));
        assert!(diagnostics.clone().into_result().is_ok());
        diagnostics.push(Diagnostic::error("b"));
        assert_eq!(diagnostics.errors().count(), 1);
        assert!(diagnostics.into_result().is_err());
    }

    #[test]
    fn a_cause_is_shown_with_its_own_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("write file")]
        struct Outer(#[source] std::io::Error);
        let outer = Outer(std::io::Error::other("disk full"));
        assert_eq!(Diagnostic::error("x").cause(&outer).detail, "write file: disk full");
    }
}
