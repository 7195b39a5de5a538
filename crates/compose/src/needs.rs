//! Which services cannot do without a variable that nothing sets.
//!
//! Compose fills in all of a project's files before it knows which services are switched on, and warns
//! of every variable that it passes on the way. Whether anything that runs needs it shows in the
//! project as `config --no-interpolate` tells it: there every service has what anchors, `extends` and
//! `include` give it, with its variables as they are written. A network, a volume, a config and a secret
//! are needed by the services that name them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    dotenv,
    env_files::RawProject,
    interpolation::{self, Known},
};

/// The parts of a project beside its services that services name.
const RESOURCES: [&str; 4] = ["networks", "volumes", "configs", "secrets"];
/// The network of services that name none.
const DEFAULT: &str = "default";

/// What is known of variables and dotenv texts.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    /// What is known of a variable where Compose files use it.
    pub known: &'a dyn Fn(&str) -> Known,
    /// The variables whose values are built on those of missing ones, each with these: see
    /// [`dotenv::built_on_missing`].
    pub built: &'a BTreeMap<String, BTreeSet<String>>,
    /// The text of a file that services name as their `env_file`, by its path in the project; all that
    /// it may be, where a variable stands in the path.
    pub env_texts: &'a dyn Fn(&str) -> Vec<String>,
}

/// Services by the variables that they cannot do without.
pub type Needs = BTreeMap<String, BTreeSet<String>>;

/// Which of `services` cannot do without which of the variables `unset`.
pub fn needs(
    project: &RawProject,
    services: &BTreeSet<String>,
    unset: &BTreeSet<String>,
    facts: Facts<'_>,
) -> Needs {
    let document = project.document();
    let env_files = project.env_files();
    let mut needs = Needs::new();
    for service in services {
        let definition = &document["services"][service.as_str()];
        let mut texts = Vec::new();
        strings(definition, &mut texts);
        for kind in RESOURCES {
            let resources = document[kind].as_object().into_iter().flatten();
            for (_, resource) in resources.filter(|(name, _)| names(definition, name)) {
                strings(resource, &mut texts);
            }
        }
        let mut missing: BTreeSet<&str> = BTreeSet::new();
        for name in texts.iter().flat_map(|text| interpolation::taken(text, facts.known)) {
            missing.extend(Some(name).filter(|name| (facts.known)(name) == Known::Unset));
            missing.extend(facts.built.get(name).into_iter().flatten().map(String::as_str));
        }
        let read = env_files.get(service.as_str()).into_iter().flatten();
        let read: Vec<String> = read
            .filter(|file| file.format.is_none())
            .flat_map(|file| (facts.env_texts)(&file.path))
            .collect();
        let in_files: Vec<String> = read.iter().flat_map(|text| missing_in(text, unset)).collect();
        missing.extend(in_files.iter().map(String::as_str));
        for name in missing.into_iter().filter(|name| unset.contains(*name)) {
            needs.entry(name.to_owned()).or_default().insert(service.clone());
        }
    }
    needs
}

/// The variables that stand in the project, as it is written, whoever uses them.
pub fn mentioned(project: &RawProject) -> BTreeSet<String> {
    let mut texts = Vec::new();
    strings(project.document(), &mut texts);
    texts.iter().flat_map(|text| interpolation::names(text)).map(str::to_owned).collect()
}

/// Which of `unset` the values in a dotenv text take.
fn missing_in(text: &str, unset: &BTreeSet<String>) -> BTreeSet<String> {
    let known = |name: &str| if unset.contains(name) { Known::Unset } else { Known::Given };
    dotenv::missing(text, &known).into_iter().flat_map(|(_, names)| names).collect()
}

/// All texts in a value, not the keys: Compose fills in no keys.
fn strings<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(fields) => fields.values().for_each(|field| strings(field, found)),
        _ => {}
    }
}

/// Whether a service names a resource: as a key, as a text, or before the colon of one.
fn names(service: &Value, resource: &str) -> bool {
    fn any(value: &Value, resource: &str) -> bool {
        match value {
            Value::String(text) => text.split(':').next() == Some(resource),
            Value::Array(items) => items.iter().any(|item| any(item, resource)),
            Value::Object(fields) => {
                fields.contains_key(resource) || fields.values().any(|field| any(field, resource))
            }
            _ => false,
        }
    }
    resource == DEFAULT || any(service, resource)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn project() -> RawProject {
        let document = json!({
            "name": "web",
            "x-shared": {"A": "${ANCHOR}"},
            "networks": {"default": {"driver": "${DRIVER}"}, "back": {"name": "${BACK}"}},
            "volumes": {"data": {"name": "${DATA}"}, "free": {"name": "${FREE}"}},
            "secrets": {"token": {"environment": "TOKEN"}},
            "services": {
                "web": {
                    "image": "web:${TAG}", "environment": {"A": "${ANCHOR}", "B": "${BUILT}"},
                    "command": ["run", "${FLAG:+--flag ${FLAG}}"], "volumes": ["data:/data"],
                    "networks": {"back": null}
                },
                "off": {"image": "off:${OFF}", "environment": {"T": "${TAG}"}},
                "reader": {"image": "x", "env_file": [{"path": "/s/app.env"}]},
                "raw": {"image": "x", "env_file": [{"path": "/s/app.env", "format": "raw"}]}
            }
        });
        RawProject::parse(document.to_string().as_bytes()).unwrap()
    }

    fn found(services: &[&str]) -> BTreeMap<String, Vec<String>> {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let unset = set(&[
            "ANCHOR",
            "DRIVER",
            "BACK",
            "DATA",
            "FREE",
            "TAG",
            "FLAG",
            "OFF",
            "def",
            "root",
            "elsewhere",
        ]);
        let built = BTreeMap::from([("BUILT".to_owned(), set(&["root"]))]);
        let known = |name: &str| if unset.contains(name) { Known::Unset } else { Known::Given };
        let env_texts = |path: &str| vec![format!("A=1\nP=x$def # {path}\n")];
        let facts = Facts { known: &known, built: &built, env_texts: &env_texts };
        let needs = needs(&project(), &set(services), &unset, facts);
        needs.into_iter().map(|(name, services)| (name, services.into_iter().collect())).collect()
    }

    #[test]
    fn only_what_is_started_needs_variables() {
        let needs = found(&["web", "reader", "raw"]);
        let names: Vec<&str> = needs.keys().map(String::as_str).collect();
        assert_eq!(names, ["ANCHOR", "BACK", "DATA", "DRIVER", "TAG", "def", "root"]);
        assert_eq!((&needs["TAG"], &needs["def"]), (&vec!["web".to_owned()], &vec!["reader".to_owned()]));
        assert_eq!(needs["DRIVER"], ["raw", "reader", "web"]);
        assert_eq!(found(&["off"]).keys().collect::<Vec<_>>(), ["DRIVER", "OFF", "TAG"]);
        assert_eq!(found(&[]), BTreeMap::new());
    }

    #[test]
    fn what_the_project_mentions_is_told() {
        let all = mentioned(&project());
        assert!(all.contains("FLAG") && all.contains("FREE") && all.contains("OFF"));
        assert!(!all.contains("elsewhere") && !all.contains("def"));
    }
}
