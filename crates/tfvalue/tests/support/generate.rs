//! Arbitrary types, and arbitrary values of a type.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use tfvalue::{Number, Type, Value};

/// The same cases on every run.
pub fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(7), ..Config::default() }
}

/// Any type that nests at most `levels` deep.
pub fn any_type(levels: u32) -> BoxedStrategy<Type> {
    let leaf = prop_oneof![Just(Type::String), Just(Type::Number), Just(Type::Bool), Just(Type::Dynamic)];
    leaf.prop_recursive(levels, 12, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::set),
            inner.clone().prop_map(Type::map),
            btree_map(name(), inner.clone(), 0..4).prop_map(Type::Object),
            vec(inner, 0..4).prop_map(Type::Tuple),
        ]
    })
    .boxed()
}

/// A type and a value of it; unknown parts only where `unknown`.
pub fn any_typed(unknown: bool) -> BoxedStrategy<(Type, Value)> {
    any_type(3)
        .prop_flat_map(move |ty| {
            let value = any_value(&ty, unknown, 2);
            (Just(ty), value)
        })
        .boxed()
}

/// Any value of type `ty`, in which dynamic values nest at most `levels` deep.
pub fn any_value(ty: &Type, unknown: bool, levels: u32) -> BoxedStrategy<Value> {
    let present = match ty {
        Type::String => any::<String>().prop_map(Value::String).boxed(),
        Type::Number => any_number().prop_map(Value::Number).boxed(),
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Dynamic if levels == 0 => Just(Value::Null).boxed(),
        Type::Dynamic => any_type(levels)
            .prop_filter("a dynamic value has a concrete type", |ty| *ty != Type::Dynamic)
            .prop_flat_map(move |ty| {
                any_value(&ty, unknown, levels - 1)
                    .prop_map(move |value| Value::Typed(Box::new(ty.clone()), Box::new(value)))
            })
            .boxed(),
        Type::List(element) | Type::Set(element) => {
            let elements = vec(any_value(element, unknown, levels), 0..4).prop_map(Value::List);
            elements.prop_map(of_one_type(ty)).boxed()
        }
        Type::Map(element) => {
            let elements = btree_map(any::<String>(), any_value(element, unknown, levels), 0..4);
            elements.prop_map(Value::Map).prop_map(of_one_type(ty)).boxed()
        }
        Type::Object(attributes) => attributes
            .iter()
            .map(|(name, ty)| {
                let name = name.clone();
                any_value(ty, unknown, levels).prop_map(move |value| (name.clone(), value))
            })
            .collect::<Vec<_>>()
            .prop_map(|attributes| Value::Map(attributes.into_iter().collect()))
            .boxed(),
        Type::Tuple(types) => types
            .iter()
            .map(|ty| any_value(ty, unknown, levels))
            .collect::<Vec<_>>()
            .prop_map(Value::List)
            .boxed(),
    };
    let absent = if unknown { Value::Unknown } else { Value::Null };
    prop_oneof![8 => present, 1 => Just(Value::Null), 1 => Just(absent)].boxed()
}

/// A collection of dynamic values has elements of one type; others are left empty.
fn of_one_type(ty: &Type) -> impl Fn(Value) -> Value + use<> {
    let ty = ty.clone();
    move |value| match (&value, value.conforms(&ty)) {
        (_, Ok(())) => value,
        (Value::Map(_), Err(_)) => Value::Map(BTreeMap::new()),
        (_, Err(_)) => Value::List(Vec::new()),
    }
}

/// Any number: integers, floats, long decimals.
pub fn any_number() -> BoxedStrategy<Number> {
    prop_oneof![
        any::<i64>().prop_map(Number::from),
        any::<u64>().prop_map(Number::from),
        (-200_i64..200).prop_map(Number::from),
        any::<f64>().prop_filter_map("finite", |float| Number::from_exact_f64(float).ok()),
        any::<f64>().prop_filter_map("finite", |float| Number::try_from(float).ok()),
        (any::<i128>(), any::<u128>(), -400_i32..400).prop_map(|(whole, fraction, exponent)| format!(
            "{whole}.{fraction}e{exponent}"
        )
        .parse()
        .unwrap()),
    ]
    .boxed()
}

fn name() -> BoxedStrategy<String> {
    prop_oneof![Just("name".to_owned()), Just("é \"quoted\"".to_owned()), any::<String>()].boxed()
}
