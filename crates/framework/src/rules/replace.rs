//! Which attributes replace the resource, because the schema says so and they change.

use tfvalue::{Path, Value};

use crate::schema::{Block, Body, Nesting};

/// The paths of all attributes that change and must not change in place.
pub(crate) fn paths(body: &Body, prior: &Value, planned: &Value) -> Vec<Path> {
    let mut found = Vec::new();
    collect(body, prior, planned, &Path::root(), &mut found);
    found
}

fn collect(body: &Body, prior: &Value, planned: &Value, path: &Path, found: &mut Vec<Path>) {
    for attribute in body.attributes.iter().filter(|attribute| attribute.requires_replace) {
        let part = |object: &Value| object.attribute(&attribute.name).cloned().unwrap_or_default();
        if !part(planned).equal(&part(prior), &attribute.ty) {
            found.push(path.clone().attribute(attribute.name.clone()));
        }
    }
    for block in body.blocks.iter().filter(|block| replaces(&block.body)) {
        let part = |object: &Value| object.attribute(&block.name).cloned().unwrap_or_default();
        let path = path.clone().attribute(block.name.clone());
        collect_block(block, &part(prior), &part(planned), path, found);
    }
}

fn collect_block(block: &Block, prior: &Value, planned: &Value, path: Path, found: &mut Vec<Path>) {
    match (block.nesting, prior.untyped(), planned.untyped()) {
        (Nesting::Single | Nesting::Group, Value::Map(_), Value::Map(_)) => {
            collect(&block.body, prior, planned, &path, found);
        }
        (Nesting::List, Value::List(priors), Value::List(planneds)) if priors.len() == planneds.len() => {
            for (index, (prior, planned)) in priors.iter().zip(planneds).enumerate() {
                collect(&block.body, prior, planned, &path.clone().index(index), found);
            }
        }
        (Nesting::Map, Value::Map(priors), Value::Map(planneds)) if priors.keys().eq(planneds.keys()) => {
            for ((key, prior), planned) in priors.iter().zip(planneds.values()) {
                collect(&block.body, prior, planned, &path.clone().key(key.clone()), found);
            }
        }
        // Blocks came or went, or have no identity: the block as a whole is to blame.
        _ if !planned.equal(prior, &block.value_type()) => found.push(path),
        _ => {}
    }
}

fn replaces(body: &Body) -> bool {
    body.attributes.iter().any(|attribute| attribute.requires_replace)
        || body.blocks.iter().any(|block| replaces(&block.body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Attribute;

    #[test]
    fn changed_attributes_are_named_also_in_blocks() {
        let body = Body {
            attributes: vec![Attribute::string("name").requires_replace(), Attribute::string("other")],
            blocks: vec![Block::list("disk").attribute(Attribute::string("kind").requires_replace())],
            ..Body::default()
        };
        let object = |name: Value, other: &str, kinds: &[&str]| {
            let disks = kinds.iter().map(|kind| Value::map_of([("kind", *kind)])).collect();
            Value::map_of([("name", name), ("other", other.into()), ("disk", Value::List(disks))])
        };
        let prior = object("a".into(), "x", &["ssd"]);
        for (planned, expected) in [
            (object("a".into(), "y", &["ssd"]), vec![]),
            (object("b".into(), "x", &["ssd"]), vec!["name"]),
            (object(Value::Unknown, "x", &["ssd"]), vec!["name"]),
            (object("a".into(), "x", &["hdd"]), vec!["disk[0].kind"]),
            (object("a".into(), "x", &["ssd", "hdd"]), vec!["disk"]),
            (object("a".into(), "x", &[]), vec!["disk"]),
        ] {
            let found: Vec<_> = paths(&body, &prior, &planned).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{planned:?}");
        }
    }
}
