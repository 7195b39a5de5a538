//! Values of a configuration, as far as they are known without a plan.

use std::collections::BTreeMap;

use serde_json::Value;

/// A value. What only a plan knows is `Unknown`, and never guessed.
#[derive(Clone, Debug, PartialEq)]
pub enum Static {
    /// `null`, which is as if the attribute were not there.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number, as it is written.
    Number(String),
    /// A text.
    Text(String),
    /// A list, a tuple or a set.
    List(Vec<Static>),
    /// A map or an object.
    Map(BTreeMap<String, Static>),
    /// Only a plan knows it.
    Unknown,
}

impl Static {
    /// As text, as a core converts it; `None` for what is none or not known.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text.clone()),
            Self::Bool(truth) => Some(truth.to_string()),
            Self::Null | Self::List(_) | Self::Map(_) | Self::Unknown => None,
        }
    }

    /// As texts, where it is a list and all of them are known.
    pub fn texts(&self) -> Option<Vec<String>> {
        if let Self::List(values) = self { values.iter().map(Self::text).collect() } else { None }
    }

    /// What stands under a name or a number in it.
    pub fn get(&self, key: &Self) -> Self {
        let found = match (self, key) {
            (Self::Map(map), key) => key.text().and_then(|name| map.get(&name)),
            (Self::List(values), Self::Number(at)) => at.parse().ok().and_then(|at: usize| values.get(at)),
            _ => None,
        };
        found.cloned().unwrap_or(Self::Unknown)
    }

    /// As JSON, where all of it is known.
    pub fn json(&self) -> Option<Value> {
        Some(match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Number(text) => Value::Number(serde_json::from_str(text).ok()?),
            Self::Text(text) => Value::String(text.clone()),
            Self::List(values) => Value::Array(values.iter().map(Self::json).collect::<Option<_>>()?),
            Self::Map(map) => {
                let pairs = map.iter().map(|(name, value)| Some((name.clone(), value.json()?)));
                Value::Object(pairs.collect::<Option<_>>()?)
            }
            Self::Unknown => return None,
        })
    }
}
