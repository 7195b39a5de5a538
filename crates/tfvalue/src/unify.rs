//! The rule that a collection has one element type, also where the schema leaves that type open.
//!
//! go-cty builds a list, set or map from decoded elements and panics when their types differ, so a
//! provider that answers with such a collection takes the core down with it.

use std::collections::BTreeMap;

use crate::visit::{list_step, map_step};
use crate::{Type, Value};

pub(crate) const MIXED: &str = "the elements of a collection must all have the same type";

/// Whether `elements`, each of type `element`, turn out to have different types.
pub(crate) fn mixed<'a>(mut elements: impl Iterator<Item = &'a Value>, element: &Type) -> bool {
    if !is_open(element) {
        return false;
    }
    let mut known: Option<Type> = None;
    elements.any(|value| match (actual(value, element), &known) {
        // A null or unknown that says no type goes with every type.
        (Type::Dynamic, _) => false,
        (ty, Some(known)) => ty != *known,
        (ty, None) => {
            known = Some(ty);
            false
        }
    })
}

/// Whether `ty` leaves anything open.
fn is_open(ty: &Type) -> bool {
    match ty {
        Type::Dynamic => true,
        Type::String | Type::Number | Type::Bool => false,
        Type::List(element) | Type::Set(element) | Type::Map(element) => is_open(element),
        Type::Object(attributes) => attributes.values().any(is_open),
        Type::Tuple(elements) => elements.iter().any(is_open),
    }
}

/// The type that `value` has, where `ty` may leave it open.
fn actual(value: &Value, ty: &Type) -> Type {
    if !is_open(ty) {
        return ty.clone();
    }
    match (value, ty) {
        (Value::Typed(own, value), _) => actual(value, own),
        (Value::List(values), Type::List(element)) => Type::list(common(values.iter(), element)),
        (Value::List(values), Type::Set(element)) => Type::set(common(values.iter(), element)),
        (Value::Map(values), Type::Map(element)) => Type::map(common(values.values(), element)),
        (Value::List(values), Type::Tuple(_)) => {
            let values = values.iter().enumerate();
            Type::Tuple(values.map(|(index, value)| actual(value, list_step(ty, index).1)).collect())
        }
        (Value::Map(values), Type::Object(_)) => {
            let typed =
                |(name, value): (&String, &Value)| (name.clone(), actual(value, map_step(ty, name).1));
            Type::Object(values.iter().map(typed).collect::<BTreeMap<_, _>>())
        }
        _ => ty.clone(),
    }
}

/// The type that `values`, which are not mixed, have in common.
fn common<'a>(values: impl Iterator<Item = &'a Value>, element: &Type) -> Type {
    values
        .map(|value| actual(value, element))
        .find(|ty| *ty != Type::Dynamic)
        .unwrap_or_else(|| element.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(ty: Type, value: impl Into<Value>) -> Value {
        Value::Typed(Box::new(ty), Box::new(value.into()))
    }

    #[test]
    fn only_values_of_different_types_are_mixed() {
        let text = typed(Type::String, "a");
        let number = typed(Type::Number, 1);
        assert!(mixed([&text, &number].into_iter(), &Type::Dynamic));
        assert!(!mixed([&text, &Value::Null, &Value::Unknown, &text].into_iter(), &Type::Dynamic));
        assert!(mixed([&text, &typed(Type::Number, Value::Null)].into_iter(), &Type::Dynamic));
        assert!(!mixed([&Value::from("a"), &Value::from("b")].into_iter(), &Type::String));
    }

    #[test]
    fn the_type_inside_counts_not_how_it_was_declared() {
        let open = typed(Type::list(Type::Dynamic), vec![typed(Type::String, "a")]);
        let closed = typed(Type::list(Type::String), vec!["b"]);
        assert!(!mixed([&open, &closed].into_iter(), &Type::Dynamic));
        let objects = Type::object([("a", Type::Dynamic)]);
        let object = |value: Value| Value::map_of([("a", value)]);
        let (text, number) = (object(typed(Type::String, "x")), object(typed(Type::Number, 1)));
        assert!(mixed([&text, &number].into_iter(), &objects));
        assert!(!mixed([&text, &text].into_iter(), &objects));
    }

    #[test]
    fn values_say_so() {
        let both = vec![typed(Type::String, "a"), typed(Type::Number, 1)];
        for (value, ty) in [
            (Value::List(both.clone()), Type::list(Type::Dynamic)),
            (Value::List(both.clone()), Type::set(Type::Dynamic)),
            (Value::map_of(["x", "y"].into_iter().zip(both.clone())), Type::map(Type::Dynamic)),
        ] {
            assert_eq!(value.conforms(&ty).map_err(|mismatch| mismatch.what), Err(MIXED.to_owned()));
        }
        let tuple = Type::Tuple(vec![Type::Dynamic, Type::Dynamic]);
        assert_eq!(Value::List(both).conforms(&tuple), Ok(()));
    }
}
