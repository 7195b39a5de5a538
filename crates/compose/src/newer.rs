//! Keys of a service that are younger than the host's Compose.
//!
//! Which keys files may have is decided by the library that Compose is built with (compose-go), and what is
//! done about them by Compose itself. A distribution may build an old Compose with a newer library:
//! Debian's 2.26.1 takes `gpus` and `post_start`, prints them with `config`, counts them in its hash, and
//! does nothing about them (seen on a host). Other keys it refuses, and does not say that a newer one
//! would take them.
//!
//! The versions are the first releases of github.com/docker/compose in which `pkg/compose` does something
//! about the key (`git grep` over its tags), and for keys that the library alone sees to, the first whose
//! `go.mod` names a compose-go with the key in `schema/compose-spec.json`. `develop` is not here: it is
//! for `docker compose watch`, and `up` has nothing to do about it. It counts in Compose's hash, and so
//! it does in ours.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::version::ComposeVersion;

/// Where a key is in a service, `*` for every name or place, and the first Compose that knows it.
const KEYS: [(&str, ComposeVersion); 14] = [
    ("volumes.*.volume.subpath", version(2, 26, 0)),
    ("build.entitlements", version(2, 27, 0)),
    ("gpus", version(2, 30, 0)),
    ("post_start", version(2, 30, 0)),
    ("pre_stop", version(2, 30, 0)),
    ("volumes.*.bind.recursive", version(2, 30, 0)),
    ("label_file", version(2, 32, 0)),
    ("networks.*.gw_priority", version(2, 33, 1)),
    // 2.35.0 has it as well, but the documentation asks for 2.36.
    ("provider", version(2, 36, 0)),
    ("networks.*.interface_name", version(2, 36, 0)),
    ("use_api_socket", version(2, 37, 2)),
    ("models", version(2, 38, 0)),
    ("build.provenance", version(2, 39, 0)),
    ("pre_start", version(5, 3, 0)),
];

const fn version(major: u32, minor: u32, patch: u32) -> ComposeVersion {
    ComposeVersion { major, minor, patch }
}

/// A key that Compose does nothing about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct IgnoredKey {
    /// The service that has it.
    pub service: String,
    /// Where it is in that.
    pub key: String,
    /// The first Compose that does something about it.
    pub since: String,
}

/// The keys in the resolved `document` that Compose of this version ignores.
pub fn ignored(document: &Value, version: &str) -> BTreeSet<IgnoredKey> {
    let Some(version) = ComposeVersion::parse(version) else { return BTreeSet::new() };
    let newer: Vec<_> = KEYS.iter().filter(|(_, since)| *since > version).collect();
    let services = document["services"].as_object().into_iter().flatten();
    let found = services.flat_map(|(name, service)| {
        newer.iter().filter(|(key, _)| has(service, &key.split('.').collect::<Vec<_>>())).map(
            |(key, since)| IgnoredKey {
                service: name.clone(),
                key: (*key).to_owned(),
                since: since.to_string(),
            },
        )
    });
    found.collect()
}

/// Whether there is something at `path` in `value`.
fn has(value: &Value, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else {
        return match value {
            Value::Null => false,
            Value::Bool(is_on) => *is_on,
            Value::Array(list) => !list.is_empty(),
            _ => true,
        };
    };
    match (value, *first) {
        (Value::Array(list), "*") => list.iter().any(|one| has(one, rest)),
        (Value::Object(map), "*") => map.values().any(|one| has(one, rest)),
        (Value::Object(map), name) => map.get(name).is_some_and(|one| has(one, rest)),
        _ => false,
    }
}

/// What to add to Compose's words where it refuses a key that a newer one knows.
pub fn refused(said: &str, version: &str) -> Option<String> {
    let known = ComposeVersion::parse(version)?;
    let words = said.to_lowercase();
    if !words.contains("additional propert") {
        return None;
    }
    let names = |key: &str| {
        let name = key.rsplit('.').next().unwrap_or(key);
        words.contains(&format!("property {name} is")) || words.contains(&format!("'{name}'"))
    };
    let (key, since) = KEYS.iter().find(|(key, since)| *since > known && names(key))?;
    Some(format!("The host's Docker Compose is {known}; `{key}` needs {since} or newer."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_older_compose_ignores_is_named_with_who_has_it() {
        // As Debian's Compose 2.26.1 prints it.
        let document = json!({"services": {
            "app": {"gpus": [{"count": -1}], "post_start": [{"command": ["x"]}], "image": "a",
                    "networks": {"default": null, "back": {"gw_priority": 1}}, "develop": {"watch": []}},
            "db": {"image": "b", "post_start": [], "use_api_socket": false, "networks": {"default": null},
                   "volumes": [{"type": "bind", "bind": {"recursive": "disabled"}}, {"type": "volume"}]},
        }});
        let found = |version: &str| -> Vec<String> {
            let all = ignored(&document, version).into_iter();
            all.map(|one| format!("{} {} {}", one.service, one.key, one.since)).collect()
        };
        assert_eq!(
            found("2.26.1-4"),
            [
                "app gpus 2.30.0",
                "app networks.*.gw_priority 2.33.1",
                "app post_start 2.30.0",
                "db volumes.*.bind.recursive 2.30.0",
            ]
        );
        assert_eq!(found("2.32.0"), ["app networks.*.gw_priority 2.33.1"]);
        assert!(found("v5.5.0").is_empty() && found("").is_empty());
    }

    #[test]
    fn what_it_refuses_is_explained() {
        // Both of 2.26.1; the library words it otherwise from 2.5 on.
        for said in [
            "validating /srv/compose.yaml: services.app Additional property provider is not allowed",
            "validating /srv/compose.yaml: services.app additional properties 'provider' not allowed",
        ] {
            assert_eq!(
                refused(said, "2.26.1").as_deref(),
                Some("The host's Docker Compose is 2.26.1; `provider` needs 2.36.0 or newer.")
            );
            assert_eq!(refused(said, "2.40.0"), None);
        }
        assert_eq!(refused("services.app Additional property bogus is not allowed", "2.26.1"), None);
        assert_eq!(refused("no such file: provider", "2.26.1"), None);
    }
}
