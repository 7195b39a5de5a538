//! What a provider complains about.

use std::fmt::Write as _;

use tfplugin5::pb::{self, attribute_path::step::Selector};

/// A diagnostic, in the form in which tests ask about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether it is an error and not a warning.
    pub is_error: bool,
    /// The title.
    pub summary: String,
    /// The text below the title.
    pub detail: String,
    /// The attribute that is to blame, such as `ssh[0].port`; empty when none is.
    pub path: String,
}

impl Problem {
    /// The problems in a response. A core shows nothing of a diagnostic without a severity or a
    /// title, so such a one is an error that says so.
    pub fn all(diagnostics: Vec<pb::Diagnostic>) -> Vec<Self> {
        diagnostics.into_iter().map(Self::of).collect()
    }

    fn of(diagnostic: pb::Diagnostic) -> Self {
        let severity = diagnostic.severity();
        let path = diagnostic.attribute.as_ref().map(path_text).unwrap_or_default();
        let pb::Diagnostic { mut summary, detail, .. } = diagnostic;
        if summary.is_empty() || severity == pb::diagnostic::Severity::Invalid {
            summary = format!("a diagnostic that no core shows: {severity:?} {summary:?}");
        }
        Self { is_error: severity != pb::diagnostic::Severity::Warning, summary, detail, path }
    }

    /// Whether title or text contain `part`.
    pub fn says(&self, part: &str) -> bool {
        self.summary.contains(part) || self.detail.contains(part)
    }
}

/// Whether one of them is an error.
pub fn failed(problems: &[Problem]) -> bool {
    problems.iter().any(|problem| problem.is_error)
}

/// A path as people write it: `ssh[0].port`, `environment["A"]`.
pub fn path_text(path: &pb::AttributePath) -> String {
    let mut text = String::new();
    for step in &path.steps {
        let _ = match &step.selector {
            Some(Selector::AttributeName(name)) if text.is_empty() => write!(text, "{name}"),
            Some(Selector::AttributeName(name)) => write!(text, ".{name}"),
            Some(Selector::ElementKeyString(key)) => write!(text, "[{key:?}]"),
            Some(Selector::ElementKeyInt(index)) => write!(text, "[{index}]"),
            None => write!(text, "<nothing>"),
        };
    }
    text
}
