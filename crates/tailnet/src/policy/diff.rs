//! What one policy says and another does not.

use std::collections::{BTreeMap, VecDeque};

use super::Rules;

/// A rule that is only in one of two policies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Only the new one has it.
    Added(String),
    /// Only the old one has it.
    Removed(String),
    /// Something that has a name is another in the new one.
    Changed {
        /// What it was.
        from: String,
        /// What it is.
        to: String,
    },
}

/// What is different, section by section: `acls: accept tag:ci -> tag:prod:22`. Empty when both
/// mean the same.
pub fn changes(old: &Rules, new: &Rules) -> Vec<Change> {
    let none = Vec::new();
    let mut sections: Vec<&String> = old.keys().chain(new.keys()).collect();
    sections.sort();
    sections.dedup();
    let mut found = Vec::new();
    for section in sections {
        let (before, after) = (old.get(section), new.get(section));
        let (lines_before, lines_after) = (before.unwrap_or(&none), after.unwrap_or(&none));
        let differences = of_section(section, lines_before, lines_after);
        if differences.is_empty() && before != after {
            found.push(if lines_before.len() == lines_after.len() && before.is_some() && after.is_some() {
                Change::Changed {
                    from: format!("{section}: its order"),
                    to: format!("{section}: another order"),
                }
            } else if after.is_some() {
                Change::Added(format!("{section}: no rule"))
            } else {
                Change::Removed(format!("{section}: no rule"))
            });
        }
        found.extend(differences);
    }
    found
}

fn of_section(section: &str, old: &[String], new: &[String]) -> Vec<Change> {
    let (mut removed, mut added) = (counted(old), counted(new));
    for line in old {
        if let (Some(there), Some(here)) = (removed.get_mut(line.as_str()), added.get_mut(line.as_str())) {
            let both = (*there).min(*here);
            *there -= both;
            *here -= both;
        }
    }
    let left = |lines: &BTreeMap<&str, usize>| {
        lines
            .iter()
            .flat_map(|(line, count)| std::iter::repeat_n((*line).to_owned(), *count))
            .collect::<Vec<_>>()
    };
    let (mut unnamed, mut by_name) = (Vec::new(), BTreeMap::<String, VecDeque<String>>::new());
    for line in left(&removed) {
        match name_of(&line).map(str::to_owned) {
            Some(name) => by_name.entry(name).or_default().push_back(line),
            None => unnamed.push(line),
        }
    }
    let mut changes = Vec::new();
    for line in left(&added) {
        let to = format!("{section}: {line}");
        let was = name_of(&line).and_then(|name| by_name.get_mut(name)?.pop_front());
        changes.push(match was {
            Some(was) => Change::Changed { from: format!("{section}: {was}"), to },
            None => Change::Added(to),
        });
    }
    let gone = unnamed.into_iter().chain(by_name.into_values().flatten());
    changes.extend(gone.map(|line| Change::Removed(format!("{section}: {line}"))));
    changes.sort();
    changes
}

fn counted(lines: &[String]) -> BTreeMap<&str, usize> {
    let mut counted = BTreeMap::new();
    for line in lines {
        *counted.entry(line.as_str()).or_default() += 1;
    }
    counted
}

/// The name in a line such as `group:ops: a@example.org`.
fn name_of(line: &str) -> Option<&str> {
    line.split_once(": ")
        .map(|(name, _)| name)
        .filter(|name| !name.contains(" -> ") && !name.contains("accept "))
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Added(line) => write!(f, "+ {line}"),
            Self::Removed(line) => write!(f, "- {line}"),
            Self::Changed { from, to } => write!(f, "- {from}\n+ {to}"),
        }
    }
}
