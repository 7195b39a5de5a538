//! What the doctor has found.

use serde::Serialize;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It is well.
    Ok,
    /// It works, and may not for long.
    Warning,
    /// It does not work.
    Error,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing about one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it matters.
    pub level: Level,
    /// What was looked at, such as `disk`.
    pub about: &'static str,
    /// What was seen.
    pub seen: String,
    /// What to do next; none where all is well.
    pub next: Option<String>,
}

impl Finding {
    /// That it is well.
    pub fn ok(about: &'static str, seen: impl Into<String>) -> Self {
        Self { level: Level::Ok, about, seen: seen.into(), next: None }
    }

    /// That it works, and may not for long.
    pub fn warning(about: &'static str, seen: impl Into<String>, next: impl Into<String>) -> Self {
        Self { level: Level::Warning, about, seen: seen.into(), next: Some(next.into()) }
    }

    /// That it does not work.
    pub fn error(about: &'static str, seen: impl Into<String>, next: impl Into<String>) -> Self {
        Self { level: Level::Error, about, seen: seen.into(), next: Some(next.into()) }
    }

    /// For a person.
    pub fn told(&self) -> String {
        let Self { level, about, seen, next } = self;
        let next = next.iter().map(|next| format!("\n    Next: {}", next.replace('\n', "\n    ")));
        format!("  {:7}  {about}: {}{}", level.word(), seen.replace('\n', "\n    "), next.collect::<String>())
    }
}

/// What was found of one subject: a host, a store, an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whose it is.
    pub subject: String,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Report {
    /// The worst of it.
    pub fn level(&self) -> Level {
        self.findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
    }

    /// For a person.
    pub fn told(&self) -> String {
        let lines = std::iter::once(self.subject.clone()).chain(self.findings.iter().map(Finding::told));
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_as_bad_as_its_worst_finding_and_says_what_to_do() {
        let mut report = Report {
            subject: "ssh://web".into(),
            findings: vec![Finding::ok("clock", "right to the second")],
        };
        assert_eq!(report.level(), Level::Ok);
        report.findings.push(Finding::error("disk", "/ is full", "Remove\nsomething."));
        report.findings.push(Finding::warning("tailnet", "logged out", "Log in."));
        assert_eq!(report.level(), Level::Error);
        assert_eq!(
            report.told(),
            "ssh://web\n  ok       clock: right to the second\n  error    disk: / is full\n    Next: Remove\n    something.\n  \
             warning  tailnet: logged out\n    Next: Log in."
        );
        assert_eq!(Report { findings: Vec::new(), ..report }.level(), Level::Ok);
    }
}
