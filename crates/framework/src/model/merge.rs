//! Keeping what a model cannot hold.
//!
//! A model may hold less than the value it was read from: a `Field<Vec<String>>` is unknown as a
//! whole when one element is, a `u64` forgets that a number was written as text. What the provider
//! did not touch must still go back exactly as it came, because the core compares it with the
//! configuration. So the model is written twice, before and after the provider's code, and only
//! where the two differ does its value replace the original.

use std::collections::BTreeMap;

use tfvalue::Value;

/// The original value with the provider's changes: where `before` and `after` are equal the
/// `original` stays, elsewhere `after` is taken.
pub(crate) fn merge(original: &Value, before: &Value, after: &Value) -> Value {
    if before == after {
        return original.clone();
    }
    match (original, before, after) {
        (Value::Map(original), Value::Map(before), Value::Map(after)) => {
            let merged = after.iter().map(|(key, after)| {
                let value = match (original.get(key), before.get(key)) {
                    (Some(original), Some(before)) => merge(original, before, after),
                    _ => after.clone(),
                };
                (key.clone(), value)
            });
            // A name that the model does not have (`timeouts`) is not the model's to remove.
            let foreign =
                original.iter().filter(|(key, _)| !before.contains_key(*key) && !after.contains_key(*key));
            let mut result: BTreeMap<_, _> = merged.collect();
            result.extend(foreign.map(|(key, value)| (key.clone(), value.clone())));
            Value::Map(result)
        }
        (Value::List(original), Value::List(before), Value::List(after))
            if original.len() == before.len() && before.len() == after.len() =>
        {
            let merged = original.iter().zip(before).zip(after);
            Value::List(merged.map(|((original, before), after)| merge(original, before, after)).collect())
        }
        _ => after.clone(),
    }
}

/// The attributes of `model` over those of `base`: names that only the base has stay.
pub(crate) fn overlay(base: &Value, model: Value) -> Value {
    match (base, model) {
        (Value::Map(base), Value::Map(model)) => {
            let mut result = base.clone();
            result.extend(model);
            Value::Map(result)
        }
        (_, model) => model,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_touched_stays_as_it_came() {
        let partly = Value::list_of([Value::from("a"), Value::Unknown]);
        let original = Value::map_of([("files", partly.clone()), ("x", 1.into()), ("timeouts", Value::Null)]);
        let before = Value::map_of([("files", Value::Unknown), ("x", 1.into())]);
        let after = Value::map_of([("files", Value::Unknown), ("x", 2.into())]);
        let expected = Value::map_of([("files", partly), ("x", 2.into()), ("timeouts", Value::Null)]);
        assert_eq!(merge(&original, &before, &after), expected);
    }

    #[test]
    fn what_was_changed_is_taken_also_inside_of_blocks() {
        let block = |a: Value, b: Value| Value::list_of([Value::map_of([("a", a), ("b", b)])]);
        let original = block(Value::list_of([Value::Unknown]), Value::Null);
        let merged = merge(&original, &block(Value::Unknown, Value::Null), &block(Value::Unknown, 1.into()));
        assert_eq!(merged, block(Value::list_of([Value::Unknown]), 1.into()));
        let longer = Value::list_of([Value::Null, Value::Null]);
        assert_eq!(merge(&original, &block(Value::Null, Value::Null), &longer), longer);
    }

    #[test]
    fn overlay_keeps_what_the_model_does_not_know() {
        let base = Value::map_of([("a", Value::from(1)), ("timeouts", Value::Null)]);
        let model = Value::map_of([("a", Value::from(2))]);
        let expected = Value::map_of([("a", Value::from(2)), ("timeouts", Value::Null)]);
        assert_eq!(overlay(&base, model), expected);
    }
}
