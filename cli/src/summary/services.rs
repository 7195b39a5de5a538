//! What becomes of the services of a stack, and why: each cause is a field of its own in a plan.

use serde_json::{Map, Value};

use super::read::plan::ResourceChange;
use super::values::{Difference, Marked, Shown, differences};

/// What becomes of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceChange {
    /// Its name.
    pub name: String,
    /// What is done with it.
    pub what: &'static str,
    /// Its causes.
    pub why: Vec<String>,
    /// The image that it has or had, whose name tells whether it keeps data.
    pub image: String,
    /// Whether its containers are made anew, or go.
    pub replaces: bool,
}

/// Types that have services.
const STACKS: [&str; 2] = ["windlass_compose_stack", "windlass_swarm_stack"];

/// Whether resources of a type are stacks.
pub fn is_stack(kind: &str) -> bool {
    STACKS.contains(&kind)
}

/// Whether a service's image is of a program that keeps data, as far as its name tells.
pub fn keeps_data(image: &str) -> bool {
    const PROGRAMS: [&str; 22] = [
        "postgres",
        "postgis",
        "timescaledb",
        "mysql",
        "mariadb",
        "percona",
        "mongo",
        "redis",
        "valkey",
        "keydb",
        "elasticsearch",
        "opensearch",
        "clickhouse",
        "influxdb",
        "cassandra",
        "neo4j",
        "rabbitmq",
        "kafka",
        "etcd",
        "minio",
        "meilisearch",
        "qdrant",
    ];
    let name = image.rsplit('/').next().unwrap_or(image);
    let name = name.split([':', '@']).next().unwrap_or(name);
    PROGRAMS.iter().any(|program| name.contains(program))
}

/// The services of a stack that are not left alone, by name.
pub fn changes(of: &ResourceChange) -> Vec<ServiceChange> {
    if !is_stack(&of.r#type) {
        return Vec::new();
    }
    let change = &of.change;
    let none = Map::new();
    let services = |value: &'_ Value| value.get("services").and_then(Value::as_object).cloned();
    let before = services(&change.before).unwrap_or_else(|| none.clone());
    let after = services(&change.after).unwrap_or_else(|| none.clone());
    let unknown = change.after_unknown.get("services");
    let all_unknown = unknown == Some(&Value::Bool(true));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let one = |name: &String| {
        let unknown = unknown.and_then(|unknown| unknown.get(name.as_str()));
        service(of, name, before.get(name), after.get(name), unknown)
    };
    if all_unknown { Vec::new() } else { names.into_iter().filter_map(one).collect() }
}

fn service(
    of: &ResourceChange,
    name: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    unknown: Option<&Value>,
) -> Option<ServiceChange> {
    let image = [after, before].into_iter().flatten().find_map(|one| one.get("image")?.as_str());
    let told = |what, why, replaces| {
        let image = image.unwrap_or_default().to_owned();
        Some(ServiceChange { name: name.to_owned(), what, why, image, replaces })
    };
    match (before, after) {
        (None, Some(_)) => told("created", image.map(str::to_owned).into_iter().collect(), false),
        (Some(_), None) if of.change.after.is_null() => told("removed", Vec::new(), true),
        (Some(_), None) => told("removed", vec!["it is not in the files any more".into()], true),
        _ => {
            let marked = |value, unknown| Marked { value, unknown, sensitive: None };
            let found = differences(marked(before, None), marked(after, unknown), &[]);
            let (what, why) = causes(of, name, &found)?;
            told(what, why, what == "replaced" || what == "updated")
        }
    }
}

/// What is done, and why.
fn causes(of: &ResourceChange, name: &str, found: &[Difference]) -> Option<(&'static str, Vec<String>)> {
    let field = |name: &str| found.iter().find(|one| one.path.split(['.', '[']).next() == Some(name));
    if found.is_empty() {
        return None;
    }
    let mut why = Vec::new();
    match (field("image"), field("image_id").or_else(|| field("image_digest"))) {
        (Some(image), _) => why.push(format!("image {}", becomes(image))),
        (None, Some(_)) => why.push("its tag stands for another image".into()),
        (None, None) => {}
    }
    why.extend(field("environment_hash").map(|_| "environment".into()));
    let only_files = why.is_empty() && field("files_hash").is_some();
    why.extend(field("files_hash").map(|_| "files that it uses".into()));
    why.extend(field("mode").map(|mode| format!("mode {}", becomes(mode))));
    // Compose's own hash has the image and the environment in it as well.
    if why.is_empty() {
        why.extend(field("config_hash").map(|_| "configuration".into()));
    }
    let is_made_anew = !why.is_empty();
    why.extend(field("replicas").map(|replicas| format!("replicas {}", becomes(replicas))));
    why.extend(field("status").map(|status| format!("status {}", becomes(status))));
    let what = match () {
        () if only_files && is_reloaded(&of.change.after, name) => "reloaded",
        () if is_made_anew && of.r#type == "windlass_swarm_stack" => "updated",
        () if is_made_anew => "replaced",
        () if field("status").is_some() => "repaired",
        () if field("replicas").is_some() => "scaled",
        // Only its ports are unknown: it starts again, because of one that it depends on.
        () => {
            why.push("a service that it depends on is replaced".into());
            "started again"
        }
    };
    Some((what, why))
}

fn is_reloaded(after: &Value, service: &str) -> bool {
    let blocks = after.get("reload").and_then(Value::as_array).into_iter().flatten();
    let mut named = blocks.filter_map(|block| block.get("services")?.as_array()).flatten();
    named.any(|one| one.as_str() == Some(service))
}

fn becomes(difference: &Difference) -> String {
    let text = |shown: &Shown| match shown {
        Shown::Text(text) => text.trim_matches('"').to_owned(),
        Shown::Absent => "none".into(),
        Shown::Unknown => "something that is known after apply".into(),
        Shown::Lines(_) | Shown::Sensitive => "something else".into(),
    };
    format!("{} → {}", text(&difference.before), text(&difference.after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stack(before: Value, after: Value, unknown: Value, more: Value) -> Vec<String> {
        let mut whole = more;
        whole["services"] = after;
        let change: ResourceChange = serde_json::from_value(json!({
            "type": "windlass_compose_stack",
            "change": { "before": { "services": before }, "after": whole, "after_unknown": { "services": unknown } },
        }))
        .unwrap();
        let told = changes(&change);
        told.iter().map(|one| format!("{} {}: {}", one.name, one.what, one.why.join(", "))).collect()
    }

    #[test]
    fn each_field_is_a_cause() {
        let told = stack(
            json!({
                "web": { "image": "nginx:1", "config_hash": "a", "ports": ["80"], "status": "running" },
                "env": { "image": "e", "environment_hash": "a", "config_hash": "a" },
                "conf": { "files_hash": "a", "status": "running" },
                "only": { "config_hash": "a" },
                "down": { "status": "stopped", "replicas": 0 },
                "late": { "ports": ["81"] },
                "same": { "image": "s" },
                "gone": { "image": "g" },
            }),
            json!({
                "web": { "image": "nginx:2", "config_hash": "b", "status": "running" },
                "env": { "image": "e", "environment_hash": "b", "config_hash": "b" },
                "conf": { "files_hash": "b", "status": "running" },
                "only": { "config_hash": "b" },
                "down": { "status": "running", "replicas": 1 },
                "late": {},
                "same": { "image": "s" },
                "new": { "image": "n" },
            }),
            json!({ "web": { "ports": true }, "late": { "ports": true } }),
            json!({ "reload": [{ "services": ["conf"] }] }),
        );
        assert_eq!(
            told,
            [
                "conf reloaded: files that it uses",
                "down repaired: replicas 0 → 1, status stopped → running",
                "env replaced: environment",
                "gone removed: it is not in the files any more",
                "late started again: a service that it depends on is replaced",
                "new created: n",
                "only replaced: configuration",
                "web replaced: image nginx:1 → nginx:2",
            ]
        );
    }

    #[test]
    fn names_of_images_tell_who_keeps_data() {
        assert!(
            keeps_data("registry:5000/library/postgres:16") && keeps_data("bitnami/mariadb-galera@sha256:ab")
        );
        assert!(!keeps_data("postgres.example.org/web:1") && !keeps_data("nginx"));
    }
}
