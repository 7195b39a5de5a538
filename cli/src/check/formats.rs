//! Findings as text, and as machines read them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::finding::{Finding, Level};
use crate::version::VERSION;

/// How findings are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A line each, for people
    #[default]
    Text,
    /// A list of objects
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of a pull request, as workflow commands of GitHub Actions
    Github,
}

impl Format {
    /// The whole answer; `checked` is how many projects were looked at.
    pub fn tell(self, findings: &[Finding], checked: usize) -> String {
        match self {
            Self::Text => text(findings, checked),
            Self::Json => json!(findings).to_string() + "\n",
            Self::Sarif => sarif(findings).to_string() + "\n",
            Self::Github => findings.iter().map(annotation).collect(),
        }
    }
}

fn text(findings: &[Finding], checked: usize) -> String {
    let mut text = String::new();
    for one in findings {
        let line = one.line.map(|line| format!(":{line}")).unwrap_or_default();
        let _ = writeln!(text, "{}{line}: {}: {} ({})", one.file, one.level.word(), one.message, one.rule);
    }
    let count = |level| findings.iter().filter(|one| one.level == level).count();
    let projects = if checked == 1 { "1 project" } else { &format!("{checked} projects") };
    let _ = writeln!(
        text,
        "{projects} checked: {} to correct, {} to look at.",
        count(Level::Error),
        count(Level::Warning)
    );
    text
}

/// A workflow command; what would end a part of it is escaped as GitHub's own toolkit does.
fn annotation(one: &Finding) -> String {
    let message = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| message(text).replace(':', "%3A").replace(',', "%2C");
    let line = one.line.map(|line| format!(",line={line}")).unwrap_or_default();
    // GitHub calls notes so.
    let word = if one.level == Level::Note { "notice" } else { one.level.word() };
    format!(
        "::{word} file={}{line},title={}::{}\n",
        property(&one.file),
        property(&one.rule),
        message(&one.message)
    )
}

fn sarif(findings: &[Finding]) -> Value {
    let mut rules: Vec<&str> = findings.iter().map(|one| one.rule.as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    let rules: Vec<Value> = rules.iter().map(|id| json!({ "id": id })).collect();
    let results: Vec<Value> = findings.iter().map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "windlass", "version": VERSION, "rules": rules } },
            "results": results,
        }],
    })
}

fn result(one: &Finding) -> Value {
    let mut place = json!({ "artifactLocation": { "uri": one.file } });
    if let Some(line) = one.line {
        place["region"] = json!({ "startLine": line });
    }
    json!({
        "ruleId": one.rule,
        "level": one.level.word(),
        "message": { "text": one.message },
        "locations": [{ "physicalLocation": place }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found() -> Vec<Finding> {
        let one = Finding {
            level: Level::Error,
            rule: "pinned_images".into(),
            message: "services.api.image is \"nginx\", which has no tag: 100%\nreally".into(),
            file: "a,b/compose.yaml".into(),
            line: Some(3),
            service: Some("api".into()),
        };
        let other = Finding { level: Level::Warning, line: None, rule: "swarm".into(), ..one.clone() };
        vec![one, other]
    }

    #[test]
    fn annotations_are_one_line_each_whatever_is_in_them() {
        assert_eq!(
            Format::Github.tell(&found()[..1], 1),
            "::error file=a%2Cb/compose.yaml,line=3,title=pinned_images::services.api.image is \"nginx\", which has no \
             tag: 100%25%0Areally\n"
        );
        assert_eq!(Format::Github.tell(&[], 1), "");
        let note = Finding { level: Level::Note, ..found().remove(1) };
        assert!(Format::Github.tell(std::slice::from_ref(&note), 1).starts_with("::notice file="));
        assert!(Format::Text.tell(&[note], 1).ends_with("1 project checked: 0 to correct, 0 to look at.\n"));
    }

    #[test]
    fn text_has_places_and_a_sum() {
        let text = Format::Text.tell(&found(), 2);
        assert!(text.starts_with("a,b/compose.yaml:3: error: services.api.image"), "{text}");
        assert!(text.ends_with("2 projects checked: 1 to correct, 1 to look at.\n"), "{text}");
    }

    #[test]
    fn machines_read_the_same() {
        let list: Value = serde_json::from_str(&Format::Json.tell(&found(), 1)).unwrap();
        assert_eq!((&list[0]["line"], &list[1]["line"]), (&json!(3), &Value::Null));
        let sarif: Value = serde_json::from_str(&Format::Sarif.tell(&found(), 1)).unwrap();
        let run = &sarif["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"], json!([{"id": "pinned_images"}, {"id": "swarm"}]));
        let place = &run["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(
            (&place["artifactLocation"]["uri"], &place["region"]["startLine"]),
            (&json!("a,b/compose.yaml"), &json!(3))
        );
        assert!(run["results"][1]["locations"][0]["physicalLocation"].get("region").is_none());
    }
}
