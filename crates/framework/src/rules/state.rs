//! Rules for everything that is stored: nothing unknown, nothing write-only.

use tfvalue::{Path, Value};

use super::Violation;
use crate::schema::{Body, Nesting};

/// Every rule that a value to be stored breaks.
pub(crate) fn check(body: &Body, value: &Value) -> Vec<Violation> {
    let mut violations = Vec::new();
    if let Err(mismatch) = value.conforms(&body.value_type()) {
        violations
            .push(Violation { path: mismatch.path, what: "the value is not of the type in the schema" });
        return violations;
    }
    value.walk_as(&body.value_type(), &mut |path, part| {
        if matches!(part, Value::Unknown) {
            violations.push(Violation { path: path.clone(), what: "the value is still unknown" });
        }
    });
    let mut stored = Vec::new();
    write_only(body, value, &Path::root(), &mut stored);
    let leak = |path| Violation { path, what: "a write-only attribute must stay null" };
    violations.extend(stored.into_iter().map(leak));
    violations
}

/// The value with null in place of everything unknown.
pub(crate) fn without_unknown(value: Value) -> Value {
    value.transform(&mut |_, part| if matches!(part, Value::Unknown) { Value::Null } else { part })
}

/// The value with every write-only attribute null: whatever goes wrong, no secret gets stored.
pub(crate) fn without_write_only(body: &Body, value: Value) -> Value {
    let mut places = Vec::new();
    write_only(body, &value, &Path::root(), &mut places);
    places.iter().fold(value, |mut value, place| {
        // Every place was just seen, and sets cannot hold write-only attributes.
        let _ = value.set(place, Value::Null);
        value
    })
}

/// The paths of all write-only attributes that are not null.
fn write_only(body: &Body, value: &Value, path: &Path, found: &mut Vec<Path>) {
    for attribute in body.attributes.iter().filter(|attribute| attribute.write_only) {
        if value.attribute(&attribute.name).is_some_and(|value| !value.is_null()) {
            found.push(path.clone().attribute(attribute.name.clone()));
        }
    }
    for block in &body.blocks {
        let path = path.clone().attribute(block.name.clone());
        match (block.nesting, value.attribute(&block.name).map(Value::untyped)) {
            (Nesting::Single | Nesting::Group, Some(inner)) => write_only(&block.body, inner, &path, found),
            (_, Some(Value::List(elements))) => {
                for (index, element) in elements.iter().enumerate() {
                    write_only(&block.body, element, &path.clone().index(index), found);
                }
            }
            (_, Some(Value::Map(elements))) => {
                for (key, element) in elements {
                    write_only(&block.body, element, &path.clone().key(key.clone()), found);
                }
            }
            _ => {}
        }
    }
}

/// The paths of all write-only attributes that a configuration sets.
pub(crate) fn write_only_set(body: &Body, config: &Value) -> Vec<Path> {
    let mut found = Vec::new();
    write_only(body, config, &Path::root(), &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Attribute, Block};

    fn body() -> Body {
        let block = Block::list("block").attribute(Attribute::string("b_wo").write_only());
        Body {
            attributes: vec![Attribute::string("a"), Attribute::string("a_wo").write_only()],
            blocks: vec![block],
            ..Body::default()
        }
    }

    fn value(a: Value, secret: Value) -> Value {
        let block = Value::list_of([Value::map_of([("b_wo", secret.clone())])]);
        Value::map_of([("a", a), ("a_wo", secret), ("block", block)])
    }

    #[test]
    fn unknown_and_write_only_are_found() {
        let found = check(&body(), &value(Value::Unknown, "s".into()));
        let paths: Vec<_> = found.iter().map(|violation| violation.path.to_string()).collect();
        assert_eq!(paths, ["a", "a_wo", "block[0].b_wo"]);
        assert_eq!(check(&body(), &value("x".into(), Value::Null)), []);
        assert_eq!(check(&body(), &value(1.into(), Value::Null)).len(), 1);
    }

    #[test]
    fn what_must_not_be_stored_is_removed() {
        let clean = without_write_only(&body(), value("x".into(), "s".into()));
        assert_eq!(clean, value("x".into(), Value::Null));
        assert_eq!(without_unknown(value(Value::Unknown, Value::Null)), value(Value::Null, Value::Null));
    }
}
