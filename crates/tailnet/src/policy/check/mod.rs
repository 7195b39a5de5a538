//! Mistakes in a policy that can be seen without the server.
//!
//! An error is what the server would refuse, or would take and silently do nothing with. What a
//! server may know better (a group that comes from a directory, a section that is new) is a warning.

mod logins;
mod references;
mod targets;
mod tests_section;

use std::collections::BTreeSet;

use super::canonical::{HEADSCALE, SECTIONS, section, section_name};
use crate::{
    Kind,
    hujson::{Node, Position, Value},
};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The server refuses it, or a rule would do nothing.
    Error,
    /// A person should look at it.
    Warning,
}

/// Something about a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// Where it is.
    pub at: Position,
    /// What it is, as a sentence without its full stop.
    pub what: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

/// What is there to be referred to.
struct Names<'n> {
    tags: BTreeSet<&'n str>,
    groups: BTreeSet<&'n str>,
    hosts: BTreeSet<&'n str>,
}

/// What is being checked, and what has been found.
struct Check<'n> {
    kind: Kind,
    root: &'n Node,
    names: Names<'n>,
    found: Vec<Finding>,
}

impl Check<'_> {
    fn error(&mut self, at: Position, what: impl Into<String>) {
        self.found.push(Finding { level: Level::Error, at, what: what.into() });
    }

    fn warning(&mut self, at: Position, what: impl Into<String>) {
        self.found.push(Finding { level: Level::Warning, at, what: what.into() });
    }
}

pub(super) fn all(root: &Node, kind: Kind) -> Vec<Finding> {
    let keys = |name: &str| -> BTreeSet<&str> {
        let members = section(root, name).map(Node::members).unwrap_or_default();
        members.iter().map(|member| member.name.as_str()).collect()
    };
    let names = Names { tags: keys("tagOwners"), groups: keys("groups"), hosts: keys("hosts") };
    let mut check = Check { kind, root, names, found: Vec::new() };
    duplicates(&mut check);
    sections(&mut check);
    references::definitions(&mut check);
    targets::rules(&mut check);
    logins::rules(&mut check);
    tests_section::tests(&mut check);
    let mut found = check.found;
    found.sort_by_key(|finding| finding.at);
    found.dedup();
    found
}

fn duplicates(check: &mut Check<'_>) {
    for one in check.root.duplicates() {
        let what = format!(
            "{:?} is there twice, first on line {}; the server would take the last one and leave out the other",
            one.name, one.first.line
        );
        check.error(one.again, what);
    }
}

fn sections(check: &mut Check<'_>) {
    for member in check.root.members() {
        let name = section_name(&member.name);
        if check.kind == Kind::Headscale && !HEADSCALE.contains(&name) {
            check.error(member.at, format!("Headscale has no section {:?}", member.name));
        } else if !SECTIONS.contains(&name) {
            check.warning(
                member.at,
                format!("{:?} is not a section of a policy that is known here", member.name),
            );
        }
        let fits = match name {
            "acls" | "grants" | "ssh" | "nodeAttrs" | "tests" | "sshTests" => {
                matches!(member.node.value, Value::Array(_))
            }
            "groups" | "hosts" | "tagOwners" | "autoApprovers" => {
                matches!(member.node.value, Value::Object(_))
            }
            _ => true,
        };
        if !fits {
            let wanted = if matches!(name, "groups" | "hosts" | "tagOwners" | "autoApprovers") {
                "an object"
            } else {
                "a list"
            };
            check.error(member.node.at, format!("{:?} must be {wanted}", member.name));
        }
    }
    let has_rules = ["acls", "grants"].into_iter().any(|name| section(check.root, name).is_some());
    if !has_rules && check.kind == Kind::Headscale {
        let what = "there is neither \"acls\" nor \"grants\", so everybody may reach everything; \"acls\": [] lets nobody";
        check.warning(check.root.at, what);
    }
}
