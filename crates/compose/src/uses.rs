//! Where the texts of a project use a variable: for people, who look for the line.
//!
//! A Compose text is read line by line here, not as YAML, because that would not tell lines. What is
//! found is shown and decides nothing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{dotenv, interpolation, interpolation::Known};

/// One use of a variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Use {
    /// The file, relative to the stack's directory.
    pub file: String,
    /// The number of its line, from 1.
    pub line: usize,
    /// Who uses it there.
    pub by: User,
}

/// Who uses a variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum User {
    /// The value of a variable of a dotenv text.
    Variable(String),
    /// A service.
    Service(String),
    /// The project's name, which Compose is told by other means.
    Project,
    /// Another part of a Compose file.
    Other,
}

/// The uses in a Compose text of variables that nothing sets, each with the name.
pub fn in_compose_file(file: &str, text: &str, known: &dyn Fn(&str) -> Known) -> Vec<(String, Use)> {
    let mut owner = Owner::default();
    let mut uses = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        owner.enter(line.len() - trimmed.len(), trimmed);
        let found: BTreeSet<&str> = interpolation::missing(trimmed, known).into_iter().collect();
        for name in found {
            let other = if owner.name { User::Project } else { User::Other };
            let by = owner.service.clone().map_or(other, User::Service);
            uses.push((name.to_owned(), Use { file: file.to_owned(), line: index + 1, by }));
        }
    }
    uses
}

/// The values in a dotenv text that take those of variables which nothing sets, each with the name of
/// such a variable.
pub fn in_env_file(file: &str, text: &str, known: &dyn Fn(&str) -> Known) -> Vec<(String, Use)> {
    let missing = dotenv::missing(text, known).into_iter();
    let uses = missing.flat_map(|(one, names)| {
        let by = User::Variable(one.name.to_owned());
        let line = one.line;
        names.into_iter().map(move |name| (name, Use { file: file.to_owned(), line, by: by.clone() }))
    });
    uses.collect()
}

/// The service that a line of a Compose text belongs to, by its indentation.
#[derive(Default)]
struct Owner {
    /// Whether the lines are those of `services`.
    services: bool,
    /// Whether the line is that of the project's name.
    name: bool,
    /// How far the names of services are indented.
    indent: Option<usize>,
    service: Option<String>,
}

impl Owner {
    fn enter(&mut self, indent: usize, line: &str) {
        if indent == 0 {
            let key = key(line);
            *self = Self { services: key == Some("services"), name: key == Some("name"), ..Self::default() };
        } else if self.services && *self.indent.get_or_insert(indent) == indent {
            self.service = key(line).map(str::to_owned).or_else(|| self.service.take());
        }
    }
}

/// The key that a line begins with.
fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once(':')?;
    let key = key.trim_end().trim_matches(['"', '\'']);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    (!key.is_empty() && key.chars().all(is_name)).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_told_by_file_line_and_service() {
        let text = "name: $A\nx-env: &env {K: \"${A}\"}\n\nservices:\n  # $A\n  web:\n    image: \"x:${A:-1}\"\n    \
                    labels:\n      a: $$A ${A:+$A}\n  \"db\":\n    command: run ${B:+--x ${A}}\nvolumes:\n  data: {name: $A}\n";
        let found = in_compose_file("compose.yaml", text, &|name: &str| match name {
            "A" => Known::Unset,
            _ => Known::Given,
        });
        let found: Vec<_> = found.into_iter().map(|(_, one)| (one.line, one.by)).collect();
        let service = |name: &str| User::Service(name.to_owned());
        assert_eq!(found, [(1, User::Project), (2, User::Other), (11, service("db")), (13, User::Other)]);
    }

    #[test]
    fn a_value_of_a_dotenv_text_is_told_by_its_variable() {
        let known = |_: &str| Known::Unset;
        let found = in_env_file("app.env", "A=1\nB=x$def\n", &known);
        let by = User::Variable("B".to_owned());
        assert_eq!(found, [("def".to_owned(), Use { file: "app.env".into(), line: 2, by })]);
    }
}
