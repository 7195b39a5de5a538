//! What happens to the containers of a service, as a plan says it and as it turned out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::Value;

/// What happens to the containers of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// They stay.
    Kept,
    /// They stay, and are stopped and started again.
    Restarted,
    /// There were none, there are some.
    Created,
    /// All are replaced.
    Recreated,
    /// Some are added or removed, the others stay.
    Scaled,
    /// There were some, there are none.
    Removed,
    /// Some stay, some go, some are new: no plan says this.
    Mixed,
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Kept => "kept",
            Self::Restarted => "restarted",
            Self::Created => "created",
            Self::Recreated => "recreated",
            Self::Scaled => "scaled",
            Self::Removed => "removed",
            Self::Mixed => "mixed",
        };
        f.pad(word)
    }
}

/// The fate of each service of one stack; services that are kept may be missing.
pub type Fates = BTreeMap<String, Fate>;
/// The containers of each service of one stack: their ids, and since when they run where they do.
pub type Containers = BTreeMap<String, BTreeMap<String, Option<String>>>;

/// The fields of a service that say why its containers are replaced.
const CAUSES: [&str; 5] = ["image", "image_id", "environment_hash", "files_hash", "config_hash"];

/// What a plan says about the services of one stack: the values of `services` before and after,
/// and what of them is unknown. `None` when it does not say.
pub fn predicted(before: &Value, after: &Value, unknown: &Value) -> Option<Fates> {
    if unknown == &Value::Bool(true) {
        return None;
    }
    let names: BTreeSet<&String> = [before, after]
        .into_iter()
        .filter_map(Value::as_object)
        .flat_map(|services| services.keys())
        .collect();
    let fate = |name: &String| of_service(&before[name], &after[name], &unknown[name]);
    Some(names.into_iter().map(|name| (name.clone(), fate(name))).collect())
}

fn of_service(before: &Value, after: &Value, unknown: &Value) -> Fate {
    let count = |service: &Value| service["replicas"].as_u64().unwrap_or(0);
    match (count(before), count(after)) {
        (0, 0) => return Fate::Kept,
        (0, _) => return Fate::Created,
        (_, 0) => return Fate::Removed,
        _ => {}
    }
    let caused = CAUSES.iter().any(|field| unknown[field] == true || before[field] != after[field]);
    let same_containers = unknown["containers"] != true && before["containers"] == after["containers"];
    if caused {
        Fate::Recreated
    } else if same_containers && before["status"] == after["status"] && unknown["ports"] == true {
        Fate::Restarted
    } else if same_containers {
        // Another status is a repair: the containers are started again.
        Fate::Kept
    } else if count(before) != count(after) {
        Fate::Scaled
    } else {
        Fate::Recreated
    }
}

/// What really happened between two looks.
pub fn real(before: &Containers, after: &Containers) -> Fates {
    let none = BTreeMap::new();
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let fate =
        |name: &String| of_containers(before.get(name).unwrap_or(&none), after.get(name).unwrap_or(&none));
    names.into_iter().map(|name| (name.clone(), fate(name))).collect()
}

fn of_containers(
    before: &BTreeMap<String, Option<String>>,
    after: &BTreeMap<String, Option<String>>,
) -> Fate {
    let (old, new): (BTreeSet<&String>, BTreeSet<&String>) =
        (before.keys().collect(), after.keys().collect());
    let again = |(id, then): (&String, &Option<String>)| match (then, &after[id]) {
        (Some(then), Some(now)) => then != now,
        // What has ended runs again whenever `up` does.
        _ => false,
    };
    if old == new {
        if before.iter().any(again) { Fate::Restarted } else { Fate::Kept }
    } else if old.is_empty() {
        Fate::Created
    } else if new.is_empty() {
        Fate::Removed
    } else if old.is_disjoint(&new) {
        Fate::Recreated
    } else if old.is_subset(&new) || new.is_subset(&old) {
        Fate::Scaled
    } else {
        Fate::Mixed
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(replicas: u64) -> Value {
        json!({"image": "i", "image_id": "1", "environment_hash": "e", "files_hash": null,
               "config_hash": "c", "status": "running", "replicas": replicas, "containers": ["a"], "ports": []})
    }

    fn fate(before: &Value, after: &Value, unknown: &Value) -> Fate {
        predicted(&json!({"s": before}), &json!({"s": after}), &json!({"s": unknown})).unwrap()["s"]
    }

    fn without(fields: &[&str], replicas: u64) -> Value {
        let mut service = service(replicas);
        fields.iter().for_each(|field| drop(service.as_object_mut().unwrap().remove(*field)));
        service
    }

    fn without_containers(replicas: u64) -> Value {
        without(&["containers", "ports"], replicas)
    }

    #[test]
    fn the_fields_of_a_plan_say_the_fate() {
        let unknown = json!({"containers": true, "ports": true});
        assert_eq!(fate(&service(1), &service(1), &json!({})), Fate::Kept);
        assert_eq!(fate(&service(1), &without_containers(1), &unknown), Fate::Recreated);
        assert_eq!(fate(&service(1), &without_containers(3), &unknown), Fate::Scaled);
        assert_eq!(fate(&Value::Null, &service(1), &unknown), Fate::Created);
        assert_eq!(fate(&service(0), &service(1), &unknown), Fate::Created);
        assert_eq!(fate(&service(2), &Value::Null, &json!({})), Fate::Removed);
        assert_eq!(fate(&service(2), &service(0), &json!({})), Fate::Removed);
        for cause in CAUSES {
            let mut after = service(1);
            after[cause] = json!("other");
            assert_eq!(fate(&service(1), &after, &json!({})), Fate::Recreated, "{cause}");
            assert_eq!(fate(&service(1), &service(3), &json!({cause: true})), Fate::Recreated, "{cause}");
        }
        let (same, ports) = (without(&["ports"], 1), json!({"ports": true}));
        assert_eq!(fate(&service(1), &same, &ports), Fate::Restarted);
        let mut stopped = service(1);
        stopped["status"] = json!("stopped");
        assert_eq!(fate(&stopped, &same, &ports), Fate::Kept);
        assert_eq!(predicted(&json!({}), &Value::Null, &json!(true)), None);
    }

    #[test]
    fn containers_say_what_happened() {
        // A container is its id, and what it runs since behind an `@`.
        let containers = |text: &str| -> BTreeMap<String, Option<String>> {
            let since =
                |word: &str| word.split_once('@').map(|(id, since)| (id.to_owned(), Some(since.to_owned())));
            text.split_whitespace().map(|word| since(word).unwrap_or((word.to_owned(), None))).collect()
        };
        for (before, after, fate) in [
            ("a b", "a b", Fate::Kept),
            ("a@1 b", "a@1 b@2", Fate::Kept),
            ("a@1 b@1", "a@1 b@2", Fate::Restarted),
            ("a@1", "a", Fate::Kept),
            ("", "a", Fate::Created),
            ("a", "", Fate::Removed),
            ("a b", "c d", Fate::Recreated),
            ("a", "a b", Fate::Scaled),
            ("a b", "b", Fate::Scaled),
            ("a b", "b c", Fate::Mixed),
        ] {
            assert_eq!(of_containers(&containers(before), &containers(after)), fate, "{before} -> {after}");
        }
    }
}
