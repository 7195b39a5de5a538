//! What a project needs of its host that Compose does not make itself, or makes otherwise than people
//! think.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a project needs of its host; each by name with the services that need it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Requirements {
    /// Networks that somebody else makes (`external: true`).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub networks: BTreeMap<String, BTreeSet<String>>,
    /// Networks that Compose makes, and for which the daemon chooses the addresses.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub made_networks: BTreeMap<String, BTreeSet<String>>,
    /// Volumes that somebody else makes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub volumes: BTreeMap<String, BTreeSet<String>>,
    /// Names that containers get (`container_name`), which are unique on a host.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub container_names: BTreeMap<String, BTreeSet<String>>,
    /// Absolute paths on the host that are mounted. Where one is not there, Docker makes an empty
    /// directory of it, as root: below the project's own directory only what looks like a file is here,
    /// because directories for data are made so on purpose.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub mounts: BTreeMap<String, BTreeSet<String>>,
}

impl Requirements {
    /// Those of the resolved `document`, as far as the services in `started` need them. Files of
    /// `shipped` (relative to `root`) are there in time, and so are directories that hold some.
    pub fn of<'p>(
        document: &Value,
        started: impl Iterator<Item = &'p String>,
        root: &str,
        shipped: impl Iterator<Item = &'p String>,
    ) -> Self {
        let shipped: BTreeSet<String> = shipped.flat_map(|path| with_parents(path)).collect();
        let mut all = Self::default();
        for name in started {
            let service = &document["services"][name];
            let add = |map: &mut BTreeMap<String, BTreeSet<String>>, key: &str| {
                map.entry(key.to_owned()).or_default().insert(name.clone());
            };
            for network in service["networks"].as_object().into_iter().flat_map(|map| map.keys()) {
                let definition = &document["networks"][network];
                if let Some(external) = external(definition, network) {
                    add(&mut all.networks, external);
                } else if let Some(name) =
                    definition["name"].as_str().filter(|_| is_given_addresses(definition))
                {
                    add(&mut all.made_networks, name);
                }
            }
            for mount in service["volumes"].as_array().into_iter().flatten() {
                // Compose doubles every dollar sign in what it writes.
                let source = &mount["source"].as_str().unwrap_or_default().replace("$$", "$");
                match mount["type"].as_str() {
                    Some("volume") => {
                        if let Some(external) = external(&document["volumes"][source], source) {
                            add(&mut all.volumes, external);
                        }
                    }
                    Some("bind") if source.starts_with('/') && !is_settled(source, root, &shipped) => {
                        add(&mut all.mounts, source);
                    }
                    _ => {}
                }
            }
            if let Some(container) = service["container_name"].as_str() {
                add(&mut all.container_names, container);
            }
        }
        all
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The name of what somebody else makes.
fn external<'d>(definition: &'d Value, key: &'d str) -> Option<&'d str> {
    let is_external = definition["external"].as_bool().unwrap_or_default();
    is_external.then(|| definition["name"].as_str().unwrap_or(key))
}

/// Whether a network gets addresses out of the daemon's pools.
fn is_given_addresses(definition: &Value) -> bool {
    let is_bridge = matches!(definition["driver"].as_str(), None | Some("" | "bridge"));
    let own = |range: &Value| range["subnet"].is_string();
    let has_own = definition["ipam"]["config"].as_array().is_some_and(|ranges| ranges.iter().any(own));
    let has_driver = !matches!(definition["ipam"]["driver"].as_str(), None | Some("" | "default"));
    is_bridge && !has_own && !has_driver
}

/// `a/b/c`, `a/b` and `a`.
fn with_parents(path: &str) -> impl Iterator<Item = String> + '_ {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    ends.map(|end| path[..end].to_owned())
}

/// Whether `source` is shipped, or a directory for data in the project's own one.
fn is_settled(source: &str, root: &str, shipped: &BTreeSet<String>) -> bool {
    let source = source.trim_end_matches('/');
    if source == root {
        return true;
    }
    let Some(rest) = source.strip_prefix(root).and_then(|rest| rest.strip_prefix('/')) else { return false };
    let name = rest.rsplit('/').next().unwrap_or_default();
    let looks_like_file = name.trim_start_matches('.').contains('.');
    shipped.contains(rest) || !looks_like_file
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn networks_without_a_range_of_their_own_get_one() {
        let document = json!({
            "services": { "app": { "networks": { "default": null, "own": null, "vlan": null, "ext": null } } },
            "networks": {
                "default": { "name": "web_default", "ipam": {} },
                "own": { "name": "web_own", "ipam": { "config": [{ "subnet": "10.9.0.0/24" }] } },
                "vlan": { "name": "web_vlan", "driver": "macvlan" },
                "ext": { "name": "proxy", "external": true },
            },
        });
        let none = std::iter::empty();
        let found = Requirements::of(&document, ["app".to_owned()].iter(), "/srv/web", none);
        assert_eq!(found.made_networks.keys().collect::<Vec<_>>(), ["web_default"]);
    }

    #[test]
    fn what_somebody_else_makes_is_named_with_who_needs_it() {
        let document = json!({
            "services": {
                "app": {
                    "container_name": "the-app",
                    "networks": { "default": null, "proxy": null },
                    "volumes": [
                        { "type": "volume", "source": "data", "target": "/data" },
                        { "type": "volume", "source": "own", "target": "/own" },
                        { "type": "bind", "source": "/srv/web/conf/app.conf", "target": "/app.conf" },
                        { "type": "bind", "source": "/srv/web/conf", "target": "/conf" },
                        { "type": "bind", "source": "/srv/web", "target": "/all" },
                        { "type": "bind", "source": "/srv/web/missing.conf", "target": "/m.conf" },
                        { "type": "bind", "source": "/srv/web/data", "target": "/data" },
                        { "type": "bind", "source": "/mnt/media", "target": "/media" },
                    ],
                },
                "db": { "networks": { "proxy": null }, "volumes": [{ "type": "tmpfs", "target": "/tmp" }] },
                "off": { "networks": { "unused": null } },
            },
            "networks": {
                "default": { "name": "web_default" },
                "proxy": { "name": "traefik", "external": true },
                "unused": { "external": true },
            },
            "volumes": { "data": { "external": true }, "own": { "name": "web_own" } },
        });
        let started = ["app".to_owned(), "db".to_owned()];
        let shipped = ["conf/app.conf".to_owned()];
        let found = Requirements::of(&document, started.iter(), "/srv/web", shipped.iter());
        let by = |pairs: &[(&str, &[&str])]| -> BTreeMap<String, BTreeSet<String>> {
            let set = |services: &[&str]| services.iter().map(|one| (*one).to_owned()).collect();
            pairs.iter().map(|(name, services)| ((*name).to_owned(), set(services))).collect()
        };
        let expected = Requirements {
            networks: by(&[("traefik", &["app", "db"])]),
            made_networks: by(&[("web_default", &["app"])]),
            volumes: by(&[("data", &["app"])]),
            container_names: by(&[("the-app", &["app"])]),
            mounts: by(&[("/srv/web/missing.conf", &["app"]), ("/mnt/media", &["app"])]),
        };
        assert_eq!(found, expected);
        assert!(Requirements::of(&json!({}), [].iter(), "/srv/web", [].iter()).is_empty());
    }

    #[test]
    fn a_dollar_sign_in_a_path_is_one() {
        let volumes =
            ["/srv/a$$b/c$$.conf", "/mnt/$$x"].map(|path| json!({ "type": "bind", "source": path }));
        let document = json!({ "services": { "app": { "volumes": volumes } } });
        let (started, shipped) = (["app".to_owned()], ["c$.conf".to_owned()]);
        let found = Requirements::of(&document, started.iter(), "/srv/a$b", shipped.iter());
        assert_eq!(found.mounts.keys().collect::<Vec<_>>(), ["/mnt/$x"]);
    }
}
