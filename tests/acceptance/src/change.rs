//! One resource's part of a plan.

use std::collections::BTreeSet;

use serde_json::Value;

/// What a plan does to one resource.
#[derive(Clone, Debug)]
pub struct Change {
    /// The resource's address: `windlass_file.motd`.
    pub address: String,
    /// `["no-op"]`, `["create"]`, `["update"]`, `["delete", "create"]` and so on.
    pub actions: Vec<String>,
    /// The values before; null when there was nothing.
    pub before: Value,
    /// The known values after; null when nothing remains.
    pub after: Value,
    /// The same shape with `true` where the value will be known after apply.
    pub unknown: Value,
}

impl Change {
    pub(crate) fn of(json: &Value) -> Self {
        let change = &json["change"];
        let actions = change["actions"].as_array().unwrap();
        Self {
            address: json["address"].as_str().unwrap().to_owned(),
            actions: actions.iter().map(|action| action.as_str().unwrap().to_owned()).collect(),
            before: change["before"].clone(),
            after: change["after"].clone(),
            unknown: change["after_unknown"].clone(),
        }
    }

    /// The keys of the map `attribute` whose values the plan changes, or leaves to be known later.
    pub fn changed_in(&self, attribute: &str) -> Vec<&str> {
        let (before, after) = (&self.before[attribute], &self.after[attribute]);
        let maps = [before, after].into_iter().filter_map(Value::as_object);
        let names: BTreeSet<&str> = maps.flat_map(|map| map.keys().map(String::as_str)).collect();
        names.into_iter().filter(|name| before.get(*name) != after.get(*name)).collect()
    }

    /// Whether the plan leaves the resource alone.
    pub fn is_noop(&self) -> bool {
        self.actions == ["no-op"]
    }

    /// Whether it is replaced, in either order.
    pub fn is_replace(&self) -> bool {
        self.actions.len() == 2
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_comes_goes_or_is_not_known_is_changed() {
        let before = json!({ "services": { "same": { "a": 1 }, "other": { "a": 1 }, "open": { "a": 1 }, "gone": {} } });
        let after = json!({ "services": { "same": { "a": 1 }, "other": { "a": 2 }, "open": {}, "new": {} } });
        let actions = vec!["update".to_owned()];
        let change = Change { address: "t.one".to_owned(), actions, before, after, unknown: Value::Null };
        assert_eq!(change.changed_in("services"), ["gone", "new", "open", "other"]);
        assert_eq!(change.changed_in("none"), Vec::<&str>::new());
    }
}
