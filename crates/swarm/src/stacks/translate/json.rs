//! Small words for reading what Compose says and writing what the Engine takes.

use std::collections::BTreeMap;

use compose::go_duration;
use serde_json::{Map, Value};

/// An object of these fields; those that are null are not there.
pub(super) fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let set = fields.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(set.map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Whether a key says anything: absent, null, false, zero and empty say nothing.
pub fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// The value, or null where it says nothing.
pub(super) fn set(value: &Value) -> Value {
    if is_set(value) { value.clone() } else { Value::Null }
}

/// A text, also where the files have a number or a truth value.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

/// A whole number, also where Compose writes it as a text.
pub(super) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Nanoseconds.
pub(super) fn nanoseconds(value: &Value) -> Option<i64> {
    i64::try_from(go_duration(value.as_str().filter(|text| !text.is_empty())?)?.as_nanos()).ok()
}

/// Billionths of a processor.
pub(super) fn nano_cpus(value: &Value) -> Option<i64> {
    let cpus: f64 = text(value)?.parse().ok().filter(|cpus: &f64| cpus.is_finite() && *cpus > 0.0)?;
    #[allow(clippy::cast_possible_truncation, reason = "a number of processors is small")]
    let nano = (cpus * 1e9).round() as i64;
    Some(nano)
}

/// Texts by name.
pub(super) fn texts(value: &Value) -> BTreeMap<String, String> {
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(name, value)| (name.clone(), text(value).unwrap_or_default())).collect()
}

/// The fields of an object; none of anything else.
pub(super) fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// The members of a list; none of anything else.
pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Every text in `value`, changed by `change`.
pub fn map_texts(value: Value, change: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(&text)),
        Value::Array(list) => Value::Array(list.into_iter().map(|one| map_texts(one, change)).collect()),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, map_texts(value, change)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_read_however_compose_writes_them() {
        assert_eq!(
            (number(&json!(80)), number(&json!("80")), number(&json!("8-9"))),
            (Some(80), Some(80), None)
        );
        assert_eq!(nanoseconds(&json!("1m30s")), Some(90_000_000_000));
        assert_eq!((nanoseconds(&json!("")), nanoseconds(&json!(null))), (None, None));
        assert_eq!(
            (nano_cpus(&json!(0.5)), nano_cpus(&json!("1.25"))),
            (Some(500_000_000), Some(1_250_000_000))
        );
        assert_eq!(nano_cpus(&json!("many")), None);
    }

    #[test]
    fn what_says_nothing_is_not_there() {
        let made = object([("a", set(&json!([]))), ("b", set(&json!("x"))), ("c", json!(false))]);
        assert_eq!(made, json!({"b": "x", "c": false}));
    }

    #[test]
    fn every_text_is_changed_and_no_name() {
        let changed =
            map_texts(json!({"a$$": ["$$b", {"c": "d$$"}], "e": 1}), &|text| text.replace("$$", "$"));
        assert_eq!(changed, json!({"a$$": ["$b", {"c": "d$"}], "e": 1}));
    }
}
