//! The harness's own values, where it would be easy to test the provider with wrong ones.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use protocol_tests::values::{block_type, config, decode, encode};
use tfplugin5::pb::schema::{Attribute, Block, NestedBlock, nested_block::NestingMode};
use tfvalue::{Type, Value};

fn attribute(name: &str, ty: &Type) -> Attribute {
    Attribute { name: name.to_owned(), r#type: ty.to_json().into_bytes(), ..Attribute::default() }
}

fn nested(name: &str, nesting: NestingMode) -> NestedBlock {
    let attributes = vec![attribute("leaf", &Type::Bool)];
    NestedBlock {
        type_name: name.to_owned(),
        block: Some(Block { attributes, ..Block::default() }),
        nesting: nesting.into(),
        ..NestedBlock::default()
    }
}

fn block() -> Block {
    Block {
        attributes: vec![attribute("name", &Type::String), attribute("ports", &Type::list(Type::Number))],
        block_types: vec![
            nested("one", NestingMode::Single),
            nested("many", NestingMode::List),
            nested("all", NestingMode::Group),
        ],
        ..Block::default()
    }
}

#[test]
fn a_block_is_an_object_of_attributes_and_blocks() {
    let leaf = Type::object([("leaf", Type::Bool)]);
    let expected = Type::object([
        ("all", leaf.clone()),
        ("many", Type::list(leaf.clone())),
        ("name", Type::String),
        ("one", leaf),
        ("ports", Type::list(Type::Number)),
    ]);
    assert_eq!(block_type(&block()).unwrap(), expected);
}

#[test]
fn what_nobody_wrote_is_null_or_empty() {
    let value = config(&block(), [("name", Value::String("x".to_owned()))]).unwrap();
    let expected = Value::map_of([
        ("all", Value::map_of([("leaf", Value::Null)])),
        ("many", Value::list_of([Value::Null; 0])),
        ("name", Value::String("x".to_owned())),
        ("one", Value::Null),
        ("ports", Value::Null),
    ]);
    assert_eq!(value, expected);
    assert!(config(&block(), [("nam", Value::Null)]).is_err());
}

#[test]
fn values_survive_the_wire() {
    let ty = block_type(&block()).unwrap();
    let value = config(&block(), [("name", Value::Unknown)]).unwrap();
    let wire = encode(&value, &ty).unwrap();
    assert_eq!(decode(Some(&wire), &ty).unwrap(), value);
    assert_eq!(decode(None, &ty).unwrap(), Value::Null);
}
