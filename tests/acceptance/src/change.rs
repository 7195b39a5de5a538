//! One resource's part of a plan.

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

    /// Whether the plan leaves the resource alone.
    pub fn is_noop(&self) -> bool {
        self.actions == ["no-op"]
    }

    /// Whether it is replaced, in either order.
    pub fn is_replace(&self) -> bool {
        self.actions.len() == 2
    }
}
