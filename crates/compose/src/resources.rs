//! What a service uses of the rest of the project, as far as Compose's hash does not see it.
//!
//! The hash of a service covers the service, not what it names: with Compose 2.26 a network or
//! volume that gets another name, an inline config with another content and a secret from another
//! variable leave the containers as they are, attached to the old ones (seen on a host). A label
//! over all of it makes `up` replace just those containers, with every version of Compose.
//! Services that use nothing of the kind get no label.
//!
//! A network that gets another definition (a subnet, an option) stays as it is with the older
//! versions. Those that make it anew only disconnect and connect the containers of its services, so
//! that its definition counts as well there: they are replaced, and the plan tells it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    behaviour::Behaviour,
    secret_label::{Placeholders, SecretLabel, strip},
};

/// The label that stands for what a service uses of the rest of the project.
pub const LABEL_RESOURCES: &str = "windlass.resources-hash";

/// The values that `environment:` of configs and secrets may name.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    /// The stack's environment, and placeholders for its secrets.
    pub known: &'a BTreeMap<String, String>,
    /// The text of the user's own `.env`: its variables count as a whole.
    pub own: Option<&'a str>,
    /// What stands for secrets, in `known` and among the shipped files.
    pub secrets: Placeholders<'a>,
}

impl Values<'_> {
    /// The value of a variable, or what stands for it.
    pub(super) fn of(&self, name: &str) -> &str {
        self.known.get(name).map(String::as_str).or(self.own).unwrap_or_default()
    }

    /// As [`Values::of`]; a variable of the user's own `.env` counts with all that this may take from
    /// secrets.
    pub(super) fn content(&self, name: &str) -> String {
        let value = self.of(name);
        if self.known.contains_key(name) {
            return value.to_owned();
        }
        let taken = self.secrets.values.iter().filter(|(name, _)| value.contains(name.as_str()));
        let taken: String = taken.map(|(_, placeholder)| format!("\n{placeholder}")).collect();
        format!("{value}{taken}")
    }
}

/// The hash for the service `name` of a resolved project, and the seal of those that stand for
/// secrets as well; `None` where its own hash says it all.
pub fn hash(
    document: &Value,
    name: &str,
    values: Values<'_>,
    behaviour: Behaviour,
) -> Option<(String, Option<SecretLabel>)> {
    let service = &document["services"][name];
    let project = document["name"].as_str().unwrap_or_default();
    let mut facts = Vec::new();
    for network in service["networks"].as_object().into_iter().flat_map(|networks| networks.keys()) {
        let definition = &document["networks"][network];
        named(&mut facts, "network", project, network, definition);
        if behaviour.replaces_networks {
            defined(&mut facts, network, definition);
        }
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
    let mut secrets = BTreeSet::new();
    let base = facts.iter().map(|[kind, key, text]| {
        [kind.clone(), key.clone(), strip(text, values.secrets.values, &mut secrets)]
    });
    let base = digest(&base.collect::<Vec<_>>());
    let seal = (!secrets.is_empty()).then_some(SecretLabel { base, secrets });
    Some((digest(&facts), seal))
}

fn digest(facts: &[[String; 3]]) -> String {
    let mut hash = Sha256::new();
    for field in facts.iter().flatten() {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    secret::hex(&hash.finalize())
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

/// A network of the project's own that is not just what Compose makes of its name.
fn defined(facts: &mut Vec<[String; 3]>, key: &str, definition: &Value) {
    let Some(fields) = definition.as_object().filter(|fields| !fields.contains_key("external")) else {
        return;
    };
    let is_empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    };
    let said = fields.iter().filter(|(field, value)| *field != "name" && !is_empty(value));
    let said: BTreeMap<&String, &Value> = said.collect();
    if !said.is_empty() {
        facts.push(["definition".to_owned(), key.to_owned(), json!(said).to_string()]);
    }
}

/// A config or secret whose content is not a file's.
fn content(facts: &mut Vec<[String; 3]>, kind: &str, key: &str, definition: &Value, values: Values<'_>) {
    let content = match (definition["content"].as_str(), definition["environment"].as_str()) {
        (Some(content), _) => content.to_owned(),
        (None, Some(variable)) => values.content(variable),
        (None, None) => return,
    };
    facts.push([kind.to_owned(), key.to_owned(), content]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::Dependents;

    const OLD: Behaviour =
        Behaviour { dependents: Dependents::Replaced, replaces_networks: false, replaces_provided: false };
    const NOW: Behaviour = Behaviour { replaces_networks: true, ..OLD };

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
        let values = Values { known: &known, own, secrets: Placeholders::NONE };
        hash(document, name, values, OLD).map(|(hash, _)| hash)
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
    fn definitions_of_networks_count_where_they_are_made_anew() {
        let values = Values { known: &BTreeMap::new(), own: None, secrets: Placeholders::NONE };
        let with = |definition: &Value, behaviour| {
            let mut document = document();
            document["networks"]["default"] = definition.clone();
            hash(&document, "plain", values, behaviour)
        };
        let plain = json!({"name": "web_default", "ipam": {}});
        let subnet = |subnet: &str| json!({"name": "web_default", "ipam": {"config": [{"subnet": subnet}]}});
        let (one, two) = (subnet("10.1.0.0/24"), subnet("10.2.0.0/24"));
        assert_eq!((with(&plain, NOW), with(&one, OLD)), (None, None));
        assert!(with(&one, NOW).is_some() && with(&one, NOW) != with(&two, NOW));
        // What others have made is theirs to change.
        assert_eq!(hash(&document(), "net", values, NOW), hash(&document(), "net", values, OLD));
    }

    #[test]
    fn secrets_from_variables_count_by_their_values() {
        let token = |token, own| hash_of(&document(), "token", token, own).unwrap();
        assert_eq!(token(Some("a"), Some("x")), token(Some("a"), Some("y")));
        assert_ne!(token(Some("a"), None), token(Some("b"), None));
        assert_ne!(token(None, Some("TOKEN=1")), token(None, Some("TOKEN=2")));
    }

    #[test]
    fn what_stands_for_secrets_is_sealed_without_their_version() {
        let sealed = |name: &str, version: &str, own: Option<&str>| {
            let placeholder = format!("TOKEN#{version}");
            let secrets: BTreeMap<_, _> = [("TOKEN".to_owned(), placeholder.clone())].into();
            let known = if own.is_some() { BTreeMap::new() } else { secrets.clone() };
            let mut document = document();
            document["configs"]["inline"]["content"] = json!(format!("token: {placeholder}"));
            let secrets = Placeholders { values: &secrets, ..Placeholders::NONE };
            hash(&document, name, Values { known: &known, own, secrets }, OLD).unwrap()
        };
        for (name, own) in [("token", None), ("conf", None), ("token", Some("TOKEN=x${TOKEN}"))] {
            let ((first, seal), (second, other)) = (sealed(name, "1", own), sealed(name, "2", own));
            assert_ne!(first, second, "{name} {own:?}");
            assert_eq!(seal, other, "{name} {own:?}");
            assert_eq!(seal.unwrap().secrets, BTreeSet::from(["TOKEN".to_owned()]));
        }
        assert_eq!(sealed("net", "1", None).1, None);
    }
}
