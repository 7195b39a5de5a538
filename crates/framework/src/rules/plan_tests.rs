use tfvalue::{Path, Value};

use super::check;
use crate::schema::{Attribute, Block, Body};

fn body() -> Body {
    let inner = || vec![Attribute::string("a"), Attribute::string("c").computed()];
    Body {
        attributes: vec![
            Attribute::string("plain"),
            Attribute::string("both").optional().computed(),
            Attribute::string("computed").computed(),
            Attribute::string("secret_wo").write_only(),
        ],
        blocks: vec![
            Block::list("list").attributes(inner()),
            Block::map("map").attributes(inner()),
            Block::single("single").attributes(inner()),
            Block::set("set").attribute(Attribute::string("a")),
        ],
        ..Body::default()
    }
}

fn empty() -> Value {
    Value::map_of([
        ("plain", Value::Null),
        ("both", Value::Null),
        ("computed", Value::Null),
        ("secret_wo", Value::Null),
        ("list", Value::List(vec![])),
        ("map", Value::Map(Default::default())),
        ("single", Value::Null),
        ("set", Value::List(vec![])),
    ])
}

fn with(name: &str, value: Value) -> Value {
    let mut object = empty();
    object.set(&Path::root().attribute(name), value).unwrap();
    object
}

fn inner(a: &str, c: Value) -> Value {
    Value::map_of([("a", Value::from(a)), ("c", c)])
}

/// Checks one attribute or block; everything else is empty.
fn broken(name: &str, prior: Option<Value>, config: Value, planned: Value) -> Vec<String> {
    let prior = prior.map(|prior| with(name, prior));
    let violations = check(&body(), prior.as_ref(), &with(name, config), &with(name, planned));
    violations.into_iter().map(|violation| format!("{}: {}", violation.path, violation.what)).collect()
}

#[test]
fn attributes() {
    let text = |text: &str| Value::from(text);
    let (null, unknown) = (Value::Null, Value::Unknown);
    let stay_null = "must stay null";
    let neither = "neither the configured nor the prior";
    for (name, prior, config, planned, expected) in [
        ("plain", None, text("x"), text("x"), None),
        ("plain", None, unknown.clone(), unknown.clone(), None),
        ("plain", None, text("x"), text("y"), Some(neither)),
        ("plain", None, unknown.clone(), text("y"), Some(neither)),
        ("plain", None, text("x"), unknown.clone(), Some(neither)),
        ("plain", None, text("x"), null.clone(), Some(neither)),
        ("plain", None, null.clone(), text("y"), Some(stay_null)),
        ("plain", Some(text("X")), text("x"), text("X"), None),
        ("plain", Some(text("X")), null.clone(), text("X"), Some(stay_null)),
        ("both", None, null.clone(), unknown.clone(), None),
        ("both", None, null.clone(), text("y"), None),
        ("both", None, text("x"), unknown.clone(), Some(neither)),
        ("both", None, unknown.clone(), text("y"), Some(neither)),
        ("computed", None, null.clone(), unknown.clone(), None),
        ("computed", Some(text("x")), null.clone(), text("y"), None),
        ("secret_wo", None, text("s"), null.clone(), None),
        ("secret_wo", None, text("s"), text("s"), Some("write-only")),
    ] {
        let found = broken(name, prior.clone(), config.clone(), planned.clone());
        match expected {
            None => assert!(found.is_empty(), "{name} {prior:?} {config:?} {planned:?}: {found:?}"),
            Some(part) => {
                assert_eq!(found.len(), 1, "{name} {prior:?} {config:?} {planned:?}: {found:?}");
                assert!(found[0].starts_with(name) && found[0].contains(part), "{found:?}");
            }
        }
    }
}

#[test]
fn blocks() {
    let list = |elements: &[Value]| Value::List(elements.to_vec());
    let once = |element: &Value| Value::List(vec![element.clone()]);
    let map = |key: &str| Value::map_of([(key, inner("x", Value::Null))]);
    let one = inner("x", Value::Null);
    let set = |a: &str| list(&[Value::map_of([("a", a)])]);
    let (null, unknown) = (Value::Null, Value::Unknown);
    for (name, config, planned, expected) in [
        ("list", once(&one), list(&[inner("x", Value::Unknown)]), None),
        ("list", once(&one), list(&[]), Some("list: there must be as many")),
        ("list", once(&one), list(&[inner("y", Value::Null)]), Some("list[0].a: the value is neither")),
        ("list", once(&one), unknown.clone(), Some("cannot be unknown")),
        ("list", unknown.clone(), unknown.clone(), None),
        ("list", unknown.clone(), list(&[]), Some("must stay unknown")),
        ("map", map("k"), map("k"), None),
        ("map", map("k"), map("l"), Some("map: there must be as many")),
        ("single", null.clone(), null.clone(), None),
        ("single", null.clone(), one.clone(), Some("must stay absent")),
        ("single", one.clone(), null.clone(), Some("must not be absent")),
        ("single", one.clone(), inner("x", "made".into()), None),
        ("set", set("x"), set("x"), None),
        ("set", set("x"), set("y"), Some("set of blocks")),
    ] {
        let found = broken(name, None, config.clone(), planned.clone()).join("\n");
        match expected {
            None => assert_eq!(found, "", "{name} {config:?} {planned:?}"),
            Some(part) => assert!(found.contains(part), "{name} {config:?} {planned:?}: {found}"),
        }
    }
}

#[test]
fn a_value_of_another_type_is_one_violation() {
    let found = broken("plain", None, Value::Null, Value::from(1));
    assert_eq!(found, ["plain: the value is not of the type in the schema"]);
}
