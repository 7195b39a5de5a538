//! What the schema alone says about a plan.
//!
//! The configuration wins. Where it is null: the default, else for computed attributes the prior
//! value (when nothing changes, or when the schema says that it stays) or unknown, else null.
//! Write-only attributes are always null. Blocks have the count and keys of the configuration.
//! The core's own proposal is not used: it cannot know defaults, nor what stays.

use tfvalue::Value;

use crate::schema::{Attribute, Block, Body, Nesting};

/// The planned value: as it is when the configuration asks for nothing else, as for a change otherwise.
pub(crate) fn planned(body: &Body, prior: Option<&Value>, config: &Value) -> Value {
    let kept = kept(body, prior, config);
    match prior {
        Some(prior) if kept.equal(prior, &body.value_type()) => kept,
        _ => changed(body, prior, config),
    }
}

/// The planned value when nothing that the provider decides changes.
pub(crate) fn kept(body: &Body, prior: Option<&Value>, config: &Value) -> Value {
    fill_body(body, prior, config, true)
}

/// The planned value when something changes.
pub(crate) fn changed(body: &Body, prior: Option<&Value>, config: &Value) -> Value {
    fill_body(body, prior, config, false)
}

fn fill_body(body: &Body, prior: Option<&Value>, config: &Value, keep: bool) -> Value {
    let attributes = body.attributes.iter().map(|attribute| {
        let name = attribute.name.as_str();
        let prior = prior.and_then(|prior| prior.attribute(name));
        let config = config.attribute(name).unwrap_or(&Value::Null);
        (name, fill_attribute(attribute, prior, config, keep))
    });
    let blocks = body.blocks.iter().map(|block| {
        let name = block.name.as_str();
        let prior = prior.and_then(|prior| prior.attribute(name));
        let config = config.attribute(name).unwrap_or(&Value::Null);
        (name, fill_block(block, prior, config, keep))
    });
    Value::map_of(attributes.chain(blocks))
}

fn fill_attribute(attribute: &Attribute, prior: Option<&Value>, config: &Value, keep: bool) -> Value {
    if attribute.write_only {
        return Value::Null;
    }
    if !config.is_null() {
        return config.clone();
    }
    if let Some(default) = &attribute.default {
        return default.clone();
    }
    if !attribute.computed {
        return Value::Null;
    }
    match prior {
        Some(prior) if keep => prior.clone(),
        // A null may only mean that nobody has looked yet (import, upgrade from an older schema).
        Some(prior) if attribute.keep_on_update && !prior.is_null() => prior.clone(),
        _ => Value::Unknown,
    }
}

fn fill_block(block: &Block, prior: Option<&Value>, config: &Value, keep: bool) -> Value {
    match (block.nesting, config.untyped()) {
        // An unknown block is a dynamic one with an unknown `for_each`, which only the core may decide.
        (_, Value::Null | Value::Unknown) => config.clone(),
        (Nesting::Single | Nesting::Group, config) => {
            let prior = prior.filter(|prior| prior.as_map().is_some());
            fill_body(&block.body, prior, config, keep)
        }
        (Nesting::List, Value::List(elements)) => {
            let prior = prior.and_then(Value::as_list).unwrap_or_default();
            let fill = |(index, element)| fill_body(&block.body, prior.get(index), element, keep);
            Value::List(elements.iter().enumerate().map(fill).collect())
        }
        // Elements of a set have no identity, so no prior value belongs to one.
        (Nesting::Set, Value::List(elements)) => {
            Value::List(elements.iter().map(|element| fill_body(&block.body, None, element, keep)).collect())
        }
        (Nesting::Map, Value::Map(elements)) => Value::map_of(elements.iter().map(|(key, element)| {
            let prior = prior.and_then(|prior| prior.attribute(key));
            (key.as_str(), fill_body(&block.body, prior, element, keep))
        })),
        (_, other) => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> Body {
        let port = Block::list("port").attribute(Attribute::number("number").required());
        Body {
            attributes: vec![
                Attribute::string("name").required(),
                Attribute::string("mode").default("0644"),
                Attribute::string("id").computed().keep_on_update(),
                Attribute::string("hash").computed(),
                Attribute::string("directory").optional().computed(),
                Attribute::string("secret_wo").write_only(),
            ],
            blocks: vec![port.attribute(Attribute::string("url").computed().keep_on_update())],
            ..Body::default()
        }
    }

    fn config(name: Value, ports: &[i64]) -> Value {
        let ports = ports
            .iter()
            .map(|number| Value::map_of([("number", Value::from(*number)), ("url", Value::Null)]));
        Value::map_of([("name", name), ("secret_wo", "s".into()), ("port", Value::List(ports.collect()))])
    }

    fn show(value: &Value) -> String {
        format!("{value:?}").replace('"', "")
    }

    #[test]
    fn a_create_knows_the_configuration_and_defaults_only() {
        let planned = planned(&body(), None, &config("a".into(), &[80]));
        assert_eq!(
            show(&planned),
            "{directory: Unknown, hash: Unknown, id: Unknown, mode: 0644, name: a, port: [{number: 80, url: Unknown}], secret_wo: Null}"
        );
    }

    #[test]
    fn an_update_keeps_everything_or_what_the_schema_says() {
        let block =
            |number: i64, url: &str| Value::map_of([("number", Value::from(number)), ("url", url.into())]);
        let prior = Value::map_of([
            ("name", Value::from("a")),
            ("mode", "0644".into()),
            ("id", "1".into()),
            ("hash", "h".into()),
            ("directory", "/d".into()),
            ("secret_wo", Value::Null),
            ("port", Value::list_of([block(80, "u")])),
        ]);
        assert_eq!(planned(&body(), Some(&prior), &config("a".into(), &[80])), prior);
        let changed = planned(&body(), Some(&prior), &config(Value::Unknown, &[80, 81]));
        assert_eq!(
            show(&changed),
            "{directory: Unknown, hash: Unknown, id: 1, mode: 0644, name: Unknown, port: [{number: 80, url: u}, {number: 81, url: Unknown}], secret_wo: Null}"
        );
    }

    #[test]
    fn an_unknown_block_stays_unknown() {
        let mut config = config("a".into(), &[]);
        config.set(&tfvalue::Path::root().attribute("port"), Value::Unknown).unwrap();
        assert!(planned(&body(), None, &config).attribute("port").unwrap().is_unknown());
    }
}
