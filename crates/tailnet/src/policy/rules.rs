//! A policy as lines: what it says, in a form in which equal means the same.

use super::{
    Rules,
    canonical::{field_name, section_name},
};
use crate::hujson::{Node, Value, compact};

/// How the lines of a section come about.
enum Form {
    /// A list of rules whose order means nothing.
    Rules,
    /// A list of rules of which the first that fits counts.
    OrderedRules,
    /// Names with lists of members.
    Names,
    /// Lists of approvers, by what they approve.
    Approvers,
    /// Anything else.
    Whole,
}

fn form(section: &str) -> Form {
    match section {
        "acls" | "grants" | "nodeAttrs" | "tests" | "sshTests" => Form::Rules,
        "ssh" => Form::OrderedRules,
        "groups" | "hosts" | "tagOwners" | "postures" | "ipsets" => Form::Names,
        "autoApprovers" => Form::Approvers,
        _ => Form::Whole,
    }
}

pub(super) fn of(root: &Node) -> Rules {
    let mut rules = Rules::new();
    for member in root.members() {
        let section = section_name(&member.name);
        let form = form(section);
        let lines = match form {
            Form::Rules | Form::OrderedRules => {
                let mut lines: Vec<String> =
                    member.node.elements().iter().map(|rule| rule_line(section, rule)).collect();
                if matches!(form, Form::Rules) {
                    lines.sort();
                    lines.dedup();
                }
                lines
            }
            Form::Names => named_lines("", &member.node),
            Form::Approvers => {
                let mut lines = Vec::new();
                for approved in member.node.members() {
                    let name = approved.name.as_str();
                    match &approved.node.value {
                        Value::Object(_) => lines.extend(named_lines(&format!("{name} "), &approved.node)),
                        _ => lines.push(format!("{name}: {}", list(&approved.node))),
                    }
                }
                lines.sort();
                lines
            }
            Form::Whole => vec![compact(&member.node)],
        };
        // That there are no rules says something (nobody may do anything), that there are no names does not.
        let says_nothing = lines.is_empty() && matches!(form, Form::Names | Form::Approvers)
            || lines.is_empty() && matches!(section, "tests" | "sshTests" | "nodeAttrs");
        if !says_nothing {
            rules.insert(section.to_owned(), lines);
        }
    }
    rules
}

fn named_lines(prefix: &str, node: &Node) -> Vec<String> {
    // Of a name that is there twice, the last counts.
    let lines: std::collections::BTreeMap<&str, String> =
        node.members().iter().map(|member| (member.name.as_str(), list(&member.node))).collect();
    lines.into_iter().map(|(name, list)| format!("{prefix}{name}: {list}")).collect()
}

/// A list whose order means nothing; other values as they are.
fn list(node: &Node) -> String {
    let Value::Array(elements) = &node.value else { return plain(node) };
    let mut all: Vec<String> = elements.iter().map(plain).collect();
    all.sort();
    all.dedup();
    if all.is_empty() { "nobody".to_owned() } else { all.join(", ") }
}

fn plain(node: &Node) -> String {
    node.as_str().map_or_else(|| compact(node), str::to_owned)
}

/// One rule: `accept tag:ci -> tag:prod:22`, with everything else that it says behind that.
fn rule_line(section: &str, rule: &Node) -> String {
    if rule.members().is_empty() {
        return compact(rule);
    }
    let mut fields = std::collections::BTreeMap::new();
    for member in rule.members() {
        fields.insert(field_name(section, &member.name), &member.node);
    }
    let mut words = Vec::new();
    if let Some(action) = fields.remove("action") {
        words.push(plain(action));
    }
    let (from, to) = (fields.remove("src"), fields.remove("dst"));
    words.extend(from.map(list));
    if let Some(to) = to {
        words.push(format!("-> {}", list(to)));
    }
    for name in ["accept", "deny", "check"] {
        words.extend(fields.remove(name).map(|node| format!("{name}: {}", list(node))));
    }
    for (name, node) in fields {
        let value = match &node.value {
            Value::Object(_) => compact(node),
            _ => list(node),
        };
        words.push(format!("{name}={value}"));
    }
    words.join(" ")
}
