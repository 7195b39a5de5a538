//! Labels that stand for secret content without telling it.
//!
//! Compose's own hash sees the values that are interpolated into a service, not the content of a
//! secret file and not what a secret or config takes from a variable. For these there is a label.
//! While a plan is made, `name#version` stands in it for each secret, so that another version shows.
//! What an apply writes is an HMAC over the real content, with the key that stays on the host and
//! without any version: `up` replaces the containers whose content is another one, and no others.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use secret::{ProofKey, Secret};
use serde::{Deserialize, Serialize};

/// What a label stands for beside secrets, and which secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretLabel {
    /// A hash over everything else, in which no version of a secret is.
    pub base: String,
    /// The secrets: names of variables, or paths of files.
    pub secrets: BTreeSet<String>,
}

impl SecretLabel {
    /// The label of `service` for the secrets as they are; `digests` are hashes of their contents,
    /// by their names.
    pub fn label(
        &self,
        key: &ProofKey,
        label: &str,
        service: &str,
        digests: &BTreeMap<String, String>,
    ) -> String {
        let mut content = self.base.clone();
        for name in &self.secrets {
            let digest = digests.get(name).map(String::as_str).unwrap_or_default();
            // Writing to a String cannot fail.
            let _ = write!(content, "\n{}:{name}={digest}", name.len());
        }
        key.proof(&format!("seal/{label}/{service}"), Secret::new(content).expose())
    }
}

/// What stands for secrets while a plan is made.
#[derive(Clone, Copy, Debug)]
pub struct Placeholders<'a> {
    /// Variable to placeholder.
    pub values: &'a BTreeMap<String, String>,
    /// Path to placeholder.
    pub files: &'a BTreeMap<String, String>,
}

impl Placeholders<'static> {
    /// Of a stack without secrets.
    pub const NONE: Self = Self { values: &BTreeMap::new(), files: &BTreeMap::new() };
}

/// What stands for a secret wherever a hash is planned.
pub fn placeholder(name: &str, version: &str) -> String {
    format!("{name}#{version}")
}

/// What stands for the secret `name` in every version.
pub(super) fn unversioned(name: &str) -> String {
    placeholder(name, "")
}

/// `text` with the versions taken out of its placeholders; the names of those are added to `found`.
pub(super) fn strip(
    text: &str,
    placeholders: &BTreeMap<String, String>,
    found: &mut BTreeSet<String>,
) -> String {
    // The longest first: one may end like another.
    let mut all: Vec<_> = placeholders.iter().collect();
    all.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let mut text = text.to_owned();
    for (name, placeholder) in all {
        if text.contains(placeholder.as_str()) {
            found.insert(name.clone());
            text = text.replace(placeholder.as_str(), &unversioned(name));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_label_changes_with_its_own_secrets_only() {
        let key = ProofKey::from_random([7; 32]);
        let seal = SecretLabel { base: "b".into(), secrets: ["A".to_owned()].into() };
        let label = |seal: &SecretLabel, service: &str, digests: &[(&str, &str)]| {
            seal.label(&key, "l", service, &map(digests))
        };
        let first = label(&seal, "app", &[("A", "1"), ("B", "1")]);
        assert_eq!(first.len(), 64);
        assert_eq!(label(&seal, "app", &[("A", "1"), ("B", "2")]), first);
        assert_ne!(label(&seal, "app", &[("A", "2"), ("B", "1")]), first);
        assert_ne!(label(&seal, "db", &[("A", "1")]), first);
        assert_ne!(label(&SecretLabel { base: "c".into(), ..seal.clone() }, "app", &[("A", "1")]), first);
        assert_ne!(seal.label(&ProofKey::from_random([8; 32]), "l", "app", &map(&[("A", "1")])), first);
    }

    #[test]
    fn versions_are_taken_out() {
        let mut found = BTreeSet::new();
        let placeholders = map(&[("A", "A#2"), ("AA", "AA#2"), ("B", "B#2")]);
        assert_eq!(strip("x=AA#2 C#2", &placeholders, &mut found), "x=AA# C#2");
        assert_eq!(found, BTreeSet::from(["AA".to_owned()]));
    }
}
