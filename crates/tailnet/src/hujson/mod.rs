//! HuJSON: JSON with comments and trailing commas, and nothing else, as the control servers read it.
//!
//! The grammar is that of `github.com/tailscale/hujson`: RFC 8259, `//` and `/* */` comments, commas
//! after the last element. Every value knows where it stands, for messages.

mod parse;
mod print;
mod strict;

use std::fmt;

pub use parse::parse;
pub use print::{compact, pretty};

/// A place in a text, both counted from 1; the column counts characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in it.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a text is not HuJSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {what}")]
pub struct SyntaxError {
    /// Where it is seen.
    pub at: Position,
    /// What is wrong there, as a fragment.
    pub what: String,
}

/// A value and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where it begins.
    pub at: Position,
    /// What it is.
    pub value: Value,
}

/// A value. Numbers stay as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the variants are those of JSON")]
pub enum Value {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    Array(Vec<Node>),
    Object(Vec<Member>),
}

/// A name in an object, where it stands, and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The name.
    pub name: String,
    /// Where the name begins.
    pub at: Position,
    /// The value.
    pub node: Node,
}

/// A name that an object has twice. A server takes the last one and is silent about the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The name.
    pub name: String,
    /// Where it is first.
    pub first: Position,
    /// Where it is again.
    pub again: Position,
}

impl Node {
    /// The members, if it is an object.
    pub fn members(&self) -> &[Member] {
        match &self.value {
            Value::Object(members) => members,
            _ => &[],
        }
    }

    /// The elements, if it is an array.
    pub fn elements(&self) -> &[Self] {
        match &self.value {
            Value::Array(elements) => elements,
            _ => &[],
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Every name that an object in it has more than once.
    pub fn duplicates(&self) -> Vec<Duplicate> {
        let mut found = Vec::new();
        self.collect_duplicates(&mut found);
        found
    }

    fn collect_duplicates(&self, found: &mut Vec<Duplicate>) {
        let mut seen = std::collections::HashMap::new();
        for member in self.members() {
            if let Some(first) = seen.get(member.name.as_str()) {
                found.push(Duplicate { name: member.name.clone(), first: *first, again: member.at });
            } else {
                seen.insert(member.name.as_str(), member.at);
            }
            member.node.collect_duplicates(found);
        }
        for element in self.elements() {
            element.collect_duplicates(found);
        }
    }
}

#[cfg(test)]
mod tests;
