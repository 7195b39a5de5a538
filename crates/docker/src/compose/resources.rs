//! What a service uses of the rest of the project, as far as Compose's hash does not see it.
//!
//! The hash of a service covers the service, not what it names: with Compose 2.26 a network or
//! volume that gets another name, an inline config with another content and a secret from another
//! variable leave the containers as they are, attached to the old ones (seen on a host). A label
//! over all of it makes `up` replace just those containers, with every version of Compose.
//! Services that use nothing of the kind get no label.

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The label that stands for what a service uses of the rest of the project.
pub const LABEL_RESOURCES: &str = "windlass.resources-hash";

/// The values that `environment:` of configs and secrets may name.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    /// The stack's environment, and placeholders for its secrets.
    pub known: &'a BTreeMap<String, String>,
    /// The text of the user's own `.env`: its variables count as a whole.
    pub own: Option<&'a str>,
}

impl Values<'_> {
    /// The value of a variable, or what stands for it.
    pub(super) fn of(&self, name: &str) -> &str {
        self.known.get(name).map(String::as_str).or(self.own).unwrap_or_default()
    }
}

/// The hash for the service `name` of a resolved project; `None` where its own hash says it all.
pub fn hash(document: &Value, name: &str, values: Values<'_>) -> Option<String> {
    let service = &document["services"][name];
    let project = document["name"].as_str().unwrap_or_default();
    let mut facts = Vec::new();
    for network in service["networks"].as_object().into_iter().flat_map(|networks| networks.keys()) {
        named(&mut facts, "network", project, network, &document["networks"][network]);
    }
    for volume in used(&service["volumes"], |mount| mount["type"] == "volume") {
        named(&mut facts, "volume", project, volume, &document["volumes"][volume]);
    }
    for (kind, plural) in [("config", "configs"), ("secret", "secrets")] {
        for source in used(&service[plural], |_| true) {
            content(&mut facts, kind, source, &document[plural][source], values);
        }
    }
    if facts.is_empty() {
        return None;
    }
    facts.sort();
    let mut hash = Sha256::new();
    for field in facts.iter().flatten() {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    Some(super::hex(&hash.finalize()))
}

fn used(list: &Value, which: impl Fn(&Value) -> bool) -> Vec<&str> {
    let items = list.as_array().into_iter().flatten();
    items.filter(|item| which(item)).filter_map(|item| item["source"].as_str()).collect()
}

/// A network or volume that goes by another name than Compose would give it.
fn named(facts: &mut Vec<[String; 3]>, kind: &str, project: &str, key: &str, definition: &Value) {
    let name = definition["name"].as_str().unwrap_or_default();
    if !name.is_empty() && name != format!("{project}_{key}") {
        facts.push([kind.to_owned(), key.to_owned(), name.to_owned()]);
    }
}

/// A config or secret whose content is not a file's.
fn content(facts: &mut Vec<[String; 3]>, kind: &str, key: &str, definition: &Value, values: Values<'_>) {
    let content = match (definition["content"].as_str(), definition["environment"].as_str()) {
        (Some(content), _) => content,
        (None, Some(variable)) => values.of(variable),
        (None, None) => return,
    };
    facts.push([kind.to_owned(), key.to_owned(), content.to_owned()]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document() -> Value {
        json!({
            "name": "web",
            "networks": {"default": {"name": "web_default"}, "shared": {"name": "proxy", "external": true}},
            "volumes": {"data": {"name": "web_data"}, "old": {"name": "legacy"}},
            "configs": {"inline": {"content": "hi"}, "file": {"file": "/f"}},
            "secrets": {"env": {"environment": "TOKEN"}},
            "services": {
                "plain": {
                    "networks": {"default": null}, "configs": [{"source": "file"}],
                    "volumes": [{"type": "volume", "source": "data"}, {"type": "bind", "source": "old"}]
                },
                "net": {"networks": {"shared": {"aliases": ["x"]}}},
                "vol": {"volumes": [{"type": "volume", "source": "old"}, {"type": "volume"}]},
                "conf": {"configs": [{"source": "inline"}]},
                "token": {"secrets": [{"source": "env"}]}
            }
        })
    }

    fn hash_of(document: &Value, name: &str, token: Option<&str>, own: Option<&str>) -> Option<String> {
        let known = token.map(|token| ("TOKEN".to_owned(), token.to_owned())).into_iter().collect();
        hash(document, name, Values { known: &known, own })
    }

    #[test]
    fn what_compose_names_itself_needs_no_label() {
        assert_eq!(hash_of(&document(), "plain", None, None), None);
    }

    #[test]
    fn each_kind_counts() {
        let before = document();
        let mut after = document();
        after["networks"]["shared"]["name"] = json!("proxy2");
        after["volumes"]["old"]["name"] = json!("legacy2");
        after["configs"]["inline"]["content"] = json!("ho");
        for name in ["net", "vol", "conf"] {
            let (before, after) = (hash_of(&before, name, None, None), hash_of(&after, name, None, None));
            assert!(before.is_some() && before != after, "{name}");
        }
    }

    #[test]
    fn secrets_from_variables_count_by_their_values() {
        let token = |token, own| hash_of(&document(), "token", token, own).unwrap();
        assert_eq!(token(Some("a"), Some("x")), token(Some("a"), Some("y")));
        assert_ne!(token(Some("a"), None), token(Some("b"), None));
        assert_ne!(token(None, Some("TOKEN=1")), token(None, Some("TOKEN=2")));
    }
}
