//! Values as a core builds them from a schema.

use anyhow::{Context as _, Result, ensure};
use tfplugin5::pb::{
    DynamicValue,
    schema::{Block, NestedBlock, nested_block::NestingMode},
};
use tfvalue::{Type, Value};

/// The type of the values of a block: an object of its attributes and nested blocks.
pub fn block_type(block: &Block) -> Result<Type> {
    let mut attributes = Vec::new();
    for attribute in &block.attributes {
        let ty = Type::from_json(&attribute.r#type)
            .with_context(|| format!("read the type of {:?}", attribute.name))?;
        attributes.push((attribute.name.clone(), ty));
    }
    for nested in &block.block_types {
        attributes.push((nested.type_name.clone(), nested_type(nested)?));
    }
    Ok(Type::object(attributes))
}

fn nested_type(nested: &NestedBlock) -> Result<Type> {
    let element = block_type(nested.block.as_ref().context("a nested block has no block")?)?;
    Ok(match nested.nesting() {
        NestingMode::Single | NestingMode::Group => element,
        NestingMode::List => Type::list(element),
        NestingMode::Set => Type::set(element),
        NestingMode::Map => Type::map(element),
        NestingMode::Invalid => anyhow::bail!("{:?} has no nesting mode", nested.type_name),
    })
}

/// What a core sends for a block in which a user wrote `given`: everything else is null, or
/// empty where it is a repeatable block, as the core never sends those as null.
///
/// An error when the block has none of that name. Values inside of nested blocks are taken
/// as they are; build them with this function too.
pub fn config<N: Into<String>, V: Into<Value>>(
    block: &Block,
    given: impl IntoIterator<Item = (N, V)>,
) -> Result<Value> {
    let attributes = block.attributes.iter().map(|attribute| (&attribute.name, Value::Null));
    let nested = block.block_types.iter().map(|nested| (&nested.type_name, absent(nested)));
    let Value::Map(mut object) = Value::map_of(attributes.chain(nested)) else {
        return Ok(Value::Null);
    };
    for (name, value) in given {
        let name = name.into();
        ensure!(object.contains_key(&name), "the schema has no {name:?}");
        object.insert(name, value.into());
    }
    Ok(Value::Map(object))
}

fn absent(nested: &NestedBlock) -> Value {
    match nested.nesting() {
        NestingMode::List | NestingMode::Set => Value::list_of([Value::Null; 0]),
        NestingMode::Map => Value::map_of([("", Value::Null); 0]),
        // A group that nobody wrote is an object of nulls.
        NestingMode::Group => nested
            .block
            .as_ref()
            .and_then(|block| config(block, [("", Value::Null); 0]).ok())
            .unwrap_or_default(),
        NestingMode::Single | NestingMode::Invalid => Value::Null,
    }
}

/// The state that a core proposes for `config` after `prior`: what was written, and where a
/// computed attribute was not, what it was before. Write-only values are in no state.
///
/// Nested blocks are taken from the configuration; none of ours has computed attributes.
pub fn proposed(block: &Block, prior: &Value, config: &Value) -> Value {
    let Value::Map(mut object) = config.clone() else { return Value::Null };
    for attribute in &block.attributes {
        let written = object.get(&attribute.name).is_some_and(|value| !value.is_null());
        if attribute.write_only {
            object.insert(attribute.name.clone(), Value::Null);
        } else if attribute.computed && !written {
            let before = prior.attribute(&attribute.name).cloned().unwrap_or_default();
            object.insert(attribute.name.clone(), before);
        }
    }
    Value::Map(object)
}

/// `value` as a core sends it.
pub fn encode(value: &Value, ty: &Type) -> Result<DynamicValue> {
    let msgpack = tfvalue::msgpack::encode(value, ty)?;
    Ok(DynamicValue { msgpack, json: Vec::new() })
}

/// What a provider answered. A provider always answers in msgpack; no value at all is null.
pub fn decode(value: Option<&DynamicValue>, ty: &Type) -> Result<Value> {
    let Some(value) = value else { return Ok(Value::Null) };
    ensure!(value.json.is_empty(), "the provider answered in JSON");
    Ok(tfvalue::msgpack::decode(&value.msgpack, ty)?)
}
