//! Whether what was reached is what was planned.

use tfvalue::{Path, Type, Value};

use super::Violation;
use crate::schema::Body;

/// Every place where `actual` differs from a known part of `planned`.
pub(crate) fn check(body: &Body, planned: &Value, actual: &Value) -> Vec<Violation> {
    let mut violations = Vec::new();
    if let Err(mismatch) = actual.conforms(&body.value_type()) {
        violations
            .push(Violation { path: mismatch.path, what: "the value is not of the type in the schema" });
        return violations;
    }
    compare(&body.value_type(), planned, actual, &Path::root(), &mut violations);
    violations
}

fn compare(ty: &Type, planned: &Value, actual: &Value, path: &Path, violations: &mut Vec<Violation>) {
    let mut wrong = |what| violations.push(Violation { path: path.clone(), what });
    match (ty, planned, actual) {
        (_, Value::Unknown, _) => {}
        (_, Value::Typed(planned_type, planned), Value::Typed(actual_type, actual)) => {
            if planned_type == actual_type {
                compare(planned_type, planned, actual, path, violations);
            } else {
                wrong("the value is of another type than planned");
            }
        }
        (Type::List(_) | Type::Tuple(_), Value::List(planneds), Value::List(actuals)) => {
            if planneds.len() != actuals.len() {
                return wrong("the number of elements is not the planned one");
            }
            for (index, (planned, actual)) in planneds.iter().zip(actuals).enumerate() {
                compare(element(ty, index), planned, actual, &path.clone().index(index), violations);
            }
        }
        (Type::Set(inner), Value::List(planneds), Value::List(actuals)) => {
            // Unknown elements may turn out to be equal to others, so a set may shrink.
            let fits = |planned: &Value, actual: &Value| {
                let mut differences = Vec::new();
                compare(inner, planned, actual, path, &mut differences);
                differences.is_empty()
            };
            let all_come = planneds.iter().all(|planned| actuals.iter().any(|actual| fits(planned, actual)));
            let none_new = actuals.iter().all(|actual| planneds.iter().any(|planned| fits(planned, actual)));
            if actuals.len() > planneds.len() || !all_come || !none_new {
                wrong("the elements of the set are not the planned ones");
            }
        }
        (Type::Map(inner), Value::Map(planneds), Value::Map(actuals)) => {
            if !planneds.keys().eq(actuals.keys()) {
                return wrong("the keys are not the planned ones");
            }
            for ((key, planned), actual) in planneds.iter().zip(actuals.values()) {
                compare(inner, planned, actual, &path.clone().key(key.clone()), violations);
            }
        }
        (Type::Object(types), Value::Map(planneds), Value::Map(actuals)) => {
            for (name, ty) in types {
                let (planned, actual) = (planneds.get(name), actuals.get(name));
                let (Some(planned), Some(actual)) = (planned, actual) else { continue };
                compare(ty, planned, actual, &path.clone().attribute(name.clone()), violations);
            }
        }
        (_, planned, actual) if planned == actual => {}
        (_, Value::Null, _) => wrong("the plan says that it is null"),
        (_, _, Value::Null) => wrong("it is null, which the plan does not say"),
        _ => wrong("the value is not the planned one"),
    }
}

fn element(ty: &Type, index: usize) -> &Type {
    match ty {
        Type::List(element) => element,
        Type::Tuple(elements) => elements.get(index).unwrap_or(&Type::Dynamic),
        _ => &Type::Dynamic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Attribute, Block};

    fn body() -> Body {
        Body {
            attributes: vec![
                Attribute::string("text"),
                Attribute::list("list", Type::String),
                Attribute::set("set", Type::String),
                Attribute::map("map", Type::String),
                Attribute::new("any", Type::Dynamic),
            ],
            blocks: vec![Block::list("block").attribute(Attribute::number("n").computed())],
            ..Body::default()
        }
    }

    fn with(name: &str, value: Value) -> Value {
        let mut object = Value::map_of([
            ("text", Value::Null),
            ("list", Value::Null),
            ("set", Value::Null),
            ("map", Value::Null),
            ("any", Value::Null),
            ("block", Value::List(vec![])),
        ]);
        object.set(&Path::root().attribute(name), value).unwrap();
        object
    }

    #[test]
    fn known_parts_of_the_plan_come_true() {
        let list = |texts: &[&str]| Value::list_of(texts.iter().copied());
        let partly = Value::List(vec!["a".into(), Value::Unknown]);
        let any = |value: Value, ty: Type| Value::Typed(Box::new(ty), Box::new(value));
        let block = |n: Value| Value::list_of([Value::map_of([("n", n)])]);
        for (name, planned, actual, expected) in [
            ("text", Value::from("a"), Value::from("a"), ""),
            ("text", "a".into(), "b".into(), "text: the value is not the planned one"),
            ("text", "a".into(), Value::Null, "text: it is null, which the plan does not say"),
            ("text", Value::Null, "a".into(), "text: the plan says that it is null"),
            ("text", Value::Unknown, "a".into(), ""),
            ("text", Value::Unknown, Value::Null, ""),
            ("list", partly.clone(), list(&["a", "b"]), ""),
            ("list", partly.clone(), list(&["b", "b"]), "list[0]: the value is not the planned one"),
            ("list", partly.clone(), list(&["a"]), "list: the number of elements is not the planned one"),
            ("set", list(&["a", "b"]), list(&["b", "a"]), ""),
            ("set", partly.clone(), list(&["a"]), ""),
            ("set", partly.clone(), list(&["b", "a"]), ""),
            ("set", partly.clone(), list(&["b"]), "set: the elements of the set are not the planned ones"),
            ("set", list(&["a"]), list(&["a", "b"]), "set: the elements of the set are not the planned ones"),
            ("map", Value::map_of([("k", Value::Unknown)]), Value::map_of([("k", "v")]), ""),
            (
                "map",
                Value::map_of([("k", "v")]),
                Value::map_of([("l", "v")]),
                "map: the keys are not the planned ones",
            ),
            ("any", any(1.into(), Type::Number), any(1.into(), Type::Number), ""),
            (
                "any",
                any(1.into(), Type::Number),
                any("1".into(), Type::String),
                "any: the value is of another type than planned",
            ),
            ("block", block(Value::Unknown), block(1.into()), ""),
            ("block", block(1.into()), block(2.into()), "block[0].n: the value is not the planned one"),
            (
                "block",
                block(1.into()),
                Value::List(vec![]),
                "block: the number of elements is not the planned one",
            ),
        ] {
            let found = check(&body(), &with(name, planned.clone()), &with(name, actual.clone()));
            let found: Vec<_> = found.iter().map(|one| format!("{}: {}", one.path, one.what)).collect();
            assert_eq!(found.join("\n"), expected, "{name} {planned:?} {actual:?}");
        }
    }
}
