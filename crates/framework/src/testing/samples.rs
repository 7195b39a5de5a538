//! Values of a type, for configurations and for what a provider would compute.

use std::collections::BTreeMap;

use tfvalue::{Type, Value};

use crate::schema::{Attribute, Block, Body, Nesting, TIMEOUTS};

/// Values that a person might give, by the dotted name of the attribute (`ssh.port`).
pub(super) type Samples = BTreeMap<String, Vec<Value>>;

/// Some value of a type, without nulls.
pub(super) fn any_value(ty: &Type) -> Value {
    match ty {
        Type::String | Type::Dynamic => Value::from("sample"),
        Type::Number => Value::from(7),
        Type::Bool => Value::from(true),
        Type::List(element) | Type::Set(element) => Value::List(vec![any_value(element)]),
        Type::Map(element) => Value::map_of([("sample", any_value(element))]),
        Type::Object(types) => Value::map_of(types.iter().map(|(name, ty)| (name.as_str(), any_value(ty)))),
        Type::Tuple(types) => Value::List(types.iter().map(any_value).collect()),
    }
}

/// The dynamic value around a plain one, where the type asks for it.
fn typed(value: Value, ty: &Type) -> Value {
    match ty {
        Type::Dynamic => Value::Typed(Box::new(Type::String), Box::new(value)),
        _ => value,
    }
}

/// Everything that a person could write for an attribute: nothing, each sample, something unknown,
/// and a collection in which something is unknown.
pub(super) fn attribute_variants(attribute: &Attribute, samples: &Samples, name: &str) -> Vec<Value> {
    let mut variants = known_variants(attribute, samples, name);
    if attribute.required || attribute.optional {
        variants.push(Value::Unknown);
        match &attribute.ty {
            Type::List(_) | Type::Set(_) => variants.push(Value::List(vec![Value::Unknown])),
            Type::Map(_) => variants.push(Value::map_of([("sample", Value::Unknown)])),
            _ => {}
        }
    }
    variants
}

/// The same without anything unknown; the first is the least that a person can write.
pub(super) fn known_variants(attribute: &Attribute, samples: &Samples, name: &str) -> Vec<Value> {
    let given = samples.get(name).cloned();
    let given = given.unwrap_or_else(|| vec![typed(any_value(&attribute.ty), &attribute.ty)]);
    match (attribute.required, attribute.optional) {
        (true, _) => given,
        (false, true) => std::iter::once(Value::Null).chain(given).collect(),
        (false, false) => vec![Value::Null],
    }
}

/// How often a block could appear: the least, and once more.
pub(super) fn block_counts(block: &Block) -> Vec<u32> {
    let least = block.min;
    let most = match (block.nesting, block.max) {
        (Nesting::Single, _) => 1,
        (Nesting::Group, _) => 0,
        (_, 0) => least + 2,
        (_, max) => max.min(least + 2),
    };
    if block.name == TIMEOUTS { vec![0] } else { (least..=most).collect() }
}

/// The value of a block that appears `count` times with these contents.
pub(super) fn block_value(block: &Block, count: u32, mut content: impl FnMut(u32) -> Value) -> Value {
    match block.nesting {
        Nesting::Group => content(0),
        Nesting::Single if count == 0 => Value::Null,
        Nesting::Single => content(0),
        Nesting::List => Value::List((0..count).map(content).collect()),
        Nesting::Set => {
            let mut elements: Vec<Value> = (0..count).map(content).collect();
            elements.dedup_by(|left, right| left == right && left.is_wholly_known());
            Value::List(elements)
        }
        Nesting::Map => Value::map_of((0..count).map(|number| (format!("label{number}"), content(number)))),
    }
}

/// The configuration with the first known variant of everything: the least that is valid.
pub(super) fn least(body: &Body, samples: &Samples, prefix: &str) -> Value {
    let attributes = body.attributes.iter().map(|attribute| {
        let name = format!("{prefix}{}", attribute.name);
        let value = known_variants(attribute, samples, &name).into_iter().next().unwrap_or_default();
        (attribute.name.clone(), value)
    });
    let blocks = body.blocks.iter().map(|block| {
        let prefix = format!("{prefix}{}.", block.name);
        let count = block_counts(block).first().copied().unwrap_or_default();
        (block.name.clone(), block_value(block, count, |_| least(&block.body, samples, &prefix)))
    });
    Value::map_of(attributes.chain(blocks))
}

/// A configuration with everything unknown decided: attributes by their samples, the rest by type,
/// unknown blocks by the least of them.
pub(super) fn decided_config(config: &Value, body: &Body, samples: &Samples, prefix: &str) -> Value {
    let part = |name: &str| config.attribute(name).cloned().unwrap_or_default();
    let attributes = body.attributes.iter().map(|attribute| {
        let sample = samples.get(&format!("{prefix}{}", attribute.name)).and_then(|samples| samples.first());
        let value = match (part(&attribute.name), sample) {
            (Value::Unknown, Some(sample)) => sample.clone(),
            (value, _) => decided(&value, &attribute.ty),
        };
        (attribute.name.clone(), value)
    });
    let blocks = body.blocks.iter().map(|block| {
        let prefix = format!("{prefix}{}.", block.name);
        let inner = |content: &Value| decided_config(content, &block.body, samples, &prefix);
        let value = match part(&block.name) {
            Value::Unknown => block_value(block, block.min, |_| least(&block.body, samples, &prefix)),
            Value::List(contents) => Value::List(contents.iter().map(inner).collect()),
            Value::Map(contents) if block.nesting == Nesting::Map => {
                Value::map_of(contents.iter().map(|(label, content)| (label.as_str(), inner(content))))
            }
            Value::Null => Value::Null,
            content => inner(&content),
        };
        (block.name.clone(), value)
    });
    Value::map_of(attributes.chain(blocks))
}

/// `value` with every unknown part replaced by some value of its type, as apply would.
pub(super) fn decided(value: &Value, ty: &Type) -> Value {
    match (value, ty) {
        (Value::Unknown, ty) => typed(any_value(ty), ty),
        (Value::List(elements), Type::List(element) | Type::Set(element)) => {
            Value::List(elements.iter().map(|value| decided(value, element)).collect())
        }
        (Value::Map(elements), Type::Map(element)) => {
            Value::map_of(elements.iter().map(|(key, value)| (key.as_str(), decided(value, element))))
        }
        (Value::Map(elements), Type::Object(types)) => Value::map_of(elements.iter().map(|(name, value)| {
            let ty = types.get(name).unwrap_or(&Type::Dynamic);
            (name.as_str(), decided(value, ty))
        })),
        (value, _) => value.clone(),
    }
}
