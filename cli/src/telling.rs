//! From a plan's text to what is told of it: for every command that tells one.

use crate::exit::Failure;
use crate::summary::read::{self, Source};
use crate::summary::{Format, Summary};

/// The longest body that GitHub takes is of 65,536 characters; a byte is never more than one.
const COMMENT_LIMIT: usize = 65_536;

/// What a summary is made from, read from its text.
///
/// # Errors
/// When it is no plan.
pub fn source(text: &str, name: &str) -> Result<Source, Failure> {
    read::read(text).map_err(|error| {
        Failure::new(format!("Could not read a plan from {name}"))
            .because(&error)
            .with("Give it what `tofu show -json PLANFILE` or `tofu plan -json` prints.")
    })
}

/// A comment for a pull request, with a first line by which it is found again.
///
/// # Errors
/// As [`rendered`].
pub fn comment(summary: &Summary, key: &str) -> Result<String, Failure> {
    let marker = marker(key);
    let body = rendered(summary, Format::Markdown, Some(COMMENT_LIMIT - marker.len() - 1))?;
    Ok(format!("{marker}\n{body}"))
}

/// A name by which what is told is found again.
///
/// # Errors
/// When it has other characters than those of the line that it stands in.
pub fn key(text: &str) -> Result<String, String> {
    let is_key = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if is_key { Ok(text.to_owned()) } else { Err("it has letters, digits, `-`, `_` and `.`".into()) }
}

/// The line by which a comment is known.
pub fn marker(key: &str) -> String {
    format!("<!-- windlass plan-summary: {key} -->")
}

/// The summary as a text that may be shown.
///
/// # Errors
/// When something would be in it that nobody may see.
pub fn rendered(summary: &Summary, format: Format, limit: Option<usize>) -> Result<String, Failure> {
    summary.render(format, limit).map(|rendered| rendered.text).map_err(|leak| {
        Failure::new("Could not tell the plan: a secret would be in the summary")
            .because(&leak)
            .with("Nothing was written. The plan itself has it in clear, and does not call it sensitive.")
            .with("Mark it where it comes from: `sensitive = true` on its variable or output, or `sensitive(…)` around it; better, give it to a write-only attribute.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn summary(text: &str, name: &str) -> Result<Summary, Failure> {
        source(text, name).map(|source| Summary::of(&source))
    }

    /// A plan of so many resources, each with a text of so many lines.
    fn large(resources: usize, lines: usize) -> Summary {
        let text: String =
            (0..lines).map(|line| format!("line {line} of something that is long\n")).collect();
        let changes: Vec<serde_json::Value> = (0..resources)
            .map(|at| json!({
                "address": format!("aws_db_instance.n[{at}]"), "mode": "managed", "type": "aws_db_instance",
                "change": { "actions": ["delete", "create"], "before": { "t": "" }, "after": { "t": text } },
            }))
            .collect();
        let plan = json!({ "format_version": "1.2", "resource_changes": changes });
        summary(&plan.to_string(), "x").unwrap()
    }

    #[test]
    fn a_comment_is_never_too_long_and_says_what_matters() {
        for (resources, lines) in [(1, 1), (3, 5000), (40, 500), (400, 20), (5000, 1)] {
            let text = comment(&large(resources, lines), "default").unwrap();
            assert!(text.len() <= COMMENT_LIMIT, "{resources} {lines}: {}", text.len());
            assert!(text.starts_with("<!-- windlass plan-summary: default -->\n### Plan: "), "{text}");
            assert!(text.contains("**data loss**"), "{resources} {lines}");
            assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
            assert_eq!(text.matches("```").count() % 2, 0);
            let is_short = text.contains("Something was left out here");
            assert_eq!(is_short, resources * lines > 1, "{resources} {lines}");
        }
    }

    #[test]
    fn a_secret_that_nobody_calls_one_is_told_nowhere() {
        let plan = json!({ "format_version": "1.2", "resource_changes": [{
            "address": "t.n", "type": "t", "change": { "actions": ["create"], "after": { "url": "postgres://u:hunter22@db/x" } },
        }] });
        let summary = summary(&plan.to_string(), "x").unwrap();
        for format in [Format::Text, Format::Markdown, Format::Html] {
            let told = rendered(&summary, format, None).unwrap_err().to_string();
            assert!(told.contains("A password in a URL would be in it"), "{told}");
            assert!(!told.contains("hunter22"));
        }
    }
}
