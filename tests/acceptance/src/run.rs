//! What one run of a CLI said.

use std::{process::ExitStatus, time::Duration};

use serde_json::Value;

/// A finished run of a CLI.
#[derive(Clone, Debug)]
pub struct Run {
    /// The exit code; a run ended by a signal has none.
    pub code: Option<i32>,
    /// What it printed to stdout.
    pub stdout: String,
    /// What it printed to stderr.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
}

/// An error or a warning as the CLI reports it in its JSON output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// `error` or `warning`.
    pub severity: String,
    /// The title.
    pub summary: String,
    /// The resource it is about; empty without one.
    pub address: String,
    /// The text below the title.
    pub detail: String,
    /// The line of configuration that is shown with it; empty without one.
    pub code: String,
}

impl Run {
    pub(crate) fn of(status: ExitStatus, stdout: &[u8], stderr: &[u8], took: Duration) -> Self {
        Self {
            code: status.code(),
            stdout: String::from_utf8_lossy(stdout).into_owned(),
            stderr: String::from_utf8_lossy(stderr).into_owned(),
            took,
        }
    }

    /// Fails the test unless the run ended with 0; the whole output is shown.
    ///
    /// # Panics
    /// When the run failed.
    #[track_caller]
    pub fn expect_success(self) -> Self {
        assert_eq!(self.code, Some(0), "the run failed:\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails the test unless the run ended with an error, and gives its first error diagnostic.
    ///
    /// # Panics
    /// When the run succeeded or printed no diagnostic.
    #[track_caller]
    pub fn expect_error(&self) -> Diagnostic {
        assert_eq!(self.code, Some(1), "the run did not fail:\n{}\n{}", self.stdout, self.stderr);
        let errors = self.diagnostics().into_iter().find(|diagnostic| diagnostic.severity == "error");
        errors.unwrap_or_else(|| panic!("no error diagnostic in:\n{}\n{}", self.stdout, self.stderr))
    }

    /// Fails the test unless some warning contains `part`.
    ///
    /// # Panics
    /// When none does.
    #[track_caller]
    pub fn expect_warning(&self, part: &str) -> Diagnostic {
        let warnings = self.diagnostics().into_iter().filter(|diagnostic| diagnostic.severity == "warning");
        let found = warnings
            .into_iter()
            .find(|warning| warning.summary.contains(part) || warning.detail.contains(part));
        found.unwrap_or_else(|| panic!("no warning with {part:?} in:\n{}\n{}", self.stdout, self.stderr))
    }

    /// Every diagnostic of a run with `-json`.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        self.lines().filter_map(|line| Diagnostic::of(&line["diagnostic"])).collect()
    }

    /// The JSON lines of a run with `-json`.
    pub fn lines(&self) -> impl Iterator<Item = Value> {
        self.stdout.lines().filter_map(|line| serde_json::from_str(line).ok())
    }
}

impl Diagnostic {
    fn of(json: &Value) -> Option<Self> {
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        json.is_object().then(|| Self {
            severity: text("severity"),
            summary: text("summary"),
            address: text("address"),
            detail: text("detail"),
            code: json["snippet"]["code"].as_str().unwrap_or_default().to_owned(),
        })
    }

    /// Fails the test unless the detail contains `part`.
    ///
    /// # Panics
    /// When it does not.
    #[track_caller]
    pub fn says(&self, part: &str) -> &Self {
        assert!(self.summary.contains(part) || self.detail.contains(part), "{part:?} is not in {self:#?}");
        self
    }

    /// Fails the test unless the line of configuration that is shown with it sets `attribute`.
    ///
    /// # Panics
    /// When it shows another one, or none.
    #[track_caller]
    pub fn at(&self, attribute: &str) -> &Self {
        let shown = self.code.trim_start().strip_prefix(attribute);
        let sets = shown.is_some_and(|rest| rest.trim_start().starts_with('='));
        assert!(sets, "{attribute} is not what is shown with {self:#?}");
        self
    }
}
