//! The Rust types that attribute values can be.

use std::collections::{BTreeMap, BTreeSet};

use secret::Secret;
use tfvalue::{Number, Path, Type, Value};

use super::{DecodeError, Field, ModelValue};

impl ModelValue for String {
    fn value_type() -> Type {
        Type::String
    }

    fn from_value(value: &Value, at: &Path) -> Result<Self, DecodeError> {
        let text = value.as_str().ok_or_else(|| DecodeError::unexpected(value, at, "a string"))?;
        Ok(text.to_owned())
    }

    fn to_value(&self) -> Value {
        Value::from(self.as_str())
    }

    fn absent() -> Self {
        Self::new()
    }
}

impl ModelValue for Secret {
    fn value_type() -> Type {
        Type::String
    }

    fn from_value(value: &Value, at: &Path) -> Result<Self, DecodeError> {
        String::from_value(value, at).map(Self::new)
    }

    fn to_value(&self) -> Value {
        Value::from(self.expose())
    }

    fn absent() -> Self {
        Self::new("")
    }
}

impl ModelValue for bool {
    fn value_type() -> Type {
        Type::Bool
    }

    fn from_value(value: &Value, at: &Path) -> Result<Self, DecodeError> {
        value.as_bool().ok_or_else(|| DecodeError::unexpected(value, at, "a bool"))
    }

    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }

    fn absent() -> Self {
        false
    }
}

impl ModelValue for Number {
    fn value_type() -> Type {
        Type::Number
    }

    fn from_value(value: &Value, at: &Path) -> Result<Self, DecodeError> {
        value.as_number().cloned().ok_or_else(|| DecodeError::unexpected(value, at, "a number"))
    }

    fn to_value(&self) -> Value {
        Value::Number(self.clone())
    }

    fn absent() -> Self {
        Self::zero()
    }
}

fn number<T>(
    value: &Value,
    at: &Path,
    expected: &'static str,
    convert: impl Fn(&Number) -> Option<T>,
) -> Result<T, DecodeError> {
    let number = value.as_number().ok_or_else(|| DecodeError::unexpected(value, at, "a number"))?;
    convert(number).ok_or_else(|| DecodeError::Range { path: at.clone(), expected })
}

impl ModelValue for i64 {
    fn value_type() -> Type {
        Type::Number
    }

    fn from_value(value: &Value, at: &Path) -> Result<Self, DecodeError> {
        number(value, at, "a whole number of at most 64 bits", Number::as_i64)
    }

    fn to_value(&self) -> Value {
        Value::from(*self)
    }

    fn absent() -> Self {
        0
    }
}

impl ModelValue for u64 {
    fn value_type() -> Type {
        Type::Number
    }

    fn from_value(value: &Value, at: &Path) -> Result<Self, DecodeError> {
        number(value, at, "a whole number of at most 64 bits that is not negative", Number::as_u64)
    }

    fn to_value(&self) -> Value {
        Value::from(*self)
    }

    fn absent() -> Self {
        0
    }
}

/// Rounded to the nearest float on the way in. A float that is infinite or not a number has no
/// value in the core's type system and becomes null.
impl ModelValue for f64 {
    fn value_type() -> Type {
        Type::Number
    }

    fn from_value(value: &Value, at: &Path) -> Result<Self, DecodeError> {
        number(value, at, "a number in the range of a 64-bit float", |number| {
            Some(number.nearest_f64()).filter(|float| float.is_finite())
        })
    }

    fn to_value(&self) -> Value {
        Number::try_from(*self).map_or(Value::Null, Value::Number)
    }

    fn absent() -> Self {
        0.0
    }
}

/// Any value; the schema says which type it has.
impl ModelValue for Value {
    fn value_type() -> Type {
        Type::Dynamic
    }

    fn from_value(value: &Value, _: &Path) -> Result<Self, DecodeError> {
        Ok(value.clone())
    }

    fn to_value(&self) -> Value {
        self.clone()
    }

    fn absent() -> Self {
        Self::Null
    }
}

/// Something inside of it that is unknown where it cannot be makes the whole field unknown.
impl<T: ModelValue> ModelValue for Field<T> {
    fn value_type() -> Type {
        T::value_type()
    }

    fn nullable() -> bool {
        true
    }

    fn from_value(value: &Value, at: &Path) -> Result<Self, DecodeError> {
        if value.is_unknown() {
            return Ok(Self::Unknown);
        }
        if value.is_null() {
            return Ok(Self::Null);
        }
        match T::from_value(value, at) {
            Ok(inner) => Ok(Self::Known(inner)),
            Err(DecodeError::Unknown(_)) => Ok(Self::Unknown),
            Err(error) => Err(error),
        }
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Unknown => Value::Unknown,
            Self::Null => Value::Null,
            Self::Known(inner) => inner.to_value(),
        }
    }

    fn absent() -> Self {
        Self::Null
    }
}

impl<T: ModelValue> ModelValue for Option<T> {
    fn value_type() -> Type {
        T::value_type()
    }

    fn nullable() -> bool {
        true
    }

    fn from_value(value: &Value, at: &Path) -> Result<Self, DecodeError> {
        if value.is_null() { Ok(None) } else { T::from_value(value, at).map(Some) }
    }

    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_value)
    }

    fn absent() -> Self {
        None
    }
}

impl<T: ModelValue> ModelValue for Vec<T> {
    fn value_type() -> Type {
        Type::list(T::value_type())
    }

    fn from_value(value: &Value, at: &Path) -> Result<Self, DecodeError> {
        let elements = value.as_list().ok_or_else(|| DecodeError::unexpected(value, at, "a list"))?;
        let read = |(index, element)| T::from_value(element, &at.clone().index(index));
        elements.iter().enumerate().map(read).collect()
    }

    fn to_value(&self) -> Value {
        Value::List(self.iter().map(T::to_value).collect())
    }

    fn absent() -> Self {
        Self::new()
    }
}

impl<T: ModelValue + Ord> ModelValue for BTreeSet<T> {
    fn value_type() -> Type {
        Type::set(T::value_type())
    }

    fn from_value(value: &Value, at: &Path) -> Result<Self, DecodeError> {
        let elements = value.as_list().ok_or_else(|| DecodeError::unexpected(value, at, "a set"))?;
        elements.iter().map(|element| T::from_value(element, &at.clone().set_element())).collect()
    }

    fn to_value(&self) -> Value {
        Value::List(self.iter().map(T::to_value).collect())
    }

    fn absent() -> Self {
        Self::new()
    }
}

impl<T: ModelValue> ModelValue for BTreeMap<String, T> {
    fn value_type() -> Type {
        Type::map(T::value_type())
    }

    fn from_value(value: &Value, at: &Path) -> Result<Self, DecodeError> {
        let elements = value.as_map().ok_or_else(|| DecodeError::unexpected(value, at, "a map"))?;
        let read = |(key, element): (&String, &Value)| {
            Ok((key.clone(), T::from_value(element, &at.clone().key(key.clone()))?))
        };
        elements.iter().map(read).collect()
    }

    fn to_value(&self) -> Value {
        Value::Map(self.iter().map(|(key, element)| (key.clone(), element.to_value())).collect())
    }

    fn absent() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Model;

    #[derive(Clone, Debug, PartialEq, Model)]
    struct Port {
        number: u64,
        #[model(name = "protocol_name")]
        protocol: Option<String>,
    }

    #[derive(Clone, Debug, PartialEq, Model)]
    struct Everything {
        r#type: Field<String>,
        secret: Field<Secret>,
        on: Field<bool>,
        count: Field<i64>,
        ratio: Field<f64>,
        exact: Field<Number>,
        any: Field<Value>,
        names: Field<BTreeSet<String>>,
        environment: Field<BTreeMap<String, Field<String>>>,
        ports: Field<Vec<Port>>,
        block: Vec<Port>,
        single: Option<Port>,
        labelled: BTreeMap<String, Port>,
    }

    #[derive(Clone, Debug, PartialEq, Model)]
    struct Service {
        name: Field<String>,
        #[model(flatten)]
        port: Port,
    }

    #[test]
    fn a_flattened_model_is_more_of_the_same_object() {
        assert_eq!(
            Service::field_types(),
            [("name", Type::String), ("number", Type::Number), ("protocol_name", Type::String)]
        );
        let value = Value::map_of([
            ("name", Value::from("web")),
            ("number", 80.into()),
            ("protocol_name", Value::Null),
        ]);
        let service = Service::from_value(&value, &Path::root()).unwrap();
        assert_eq!(service.port, Port { number: 80, protocol: None });
        assert_eq!(service.to_value(), value);
        let nothing = Service::nothing();
        assert_eq!((nothing.name, nothing.port.number), (Field::Null, 0));
        let wrong = Value::map_of([("name", Value::from("web")), ("number", "x".into())]);
        let error = Service::from_value(&wrong, &Path::root()).unwrap_err().to_string();
        assert!(error.contains("number"), "{error}");
    }

    fn port(number: u64) -> Value {
        Value::map_of([("number", Value::from(number)), ("protocol_name", Value::Null)])
    }

    fn everything() -> Value {
        Value::map_of([
            ("type", Value::from("t")),
            ("secret", "s".into()),
            ("on", true.into()),
            ("count", (-3).into()),
            ("ratio", Value::Number("0.5".parse().unwrap())),
            ("exact", Value::Number("0.1".parse().unwrap())),
            ("any", Value::Typed(Box::new(Type::Bool), Box::new(Value::from(true)))),
            ("names", Value::list_of(["a", "b"])),
            (
                "environment",
                Value::map_of([("A", Value::from("1")), ("B", Value::Unknown), ("C", Value::Null)]),
            ),
            ("ports", Value::list_of([port(80)])),
            ("block", Value::list_of([port(1), port(2)])),
            ("single", port(3)),
            ("labelled", Value::map_of([("x", port(4))])),
        ])
    }

    fn read(value: &Value) -> Result<Everything, DecodeError> {
        Everything::from_value(value, &Path::root())
    }

    fn with(name: &str, value: Value) -> Value {
        let mut object = everything();
        object.set(&Path::root().attribute(name), value).unwrap();
        object
    }

    #[test]
    fn every_kind_of_field_comes_back_as_it_was() {
        let model = read(&everything()).unwrap();
        assert_eq!(model.r#type.as_str(), Some("t"));
        assert_eq!(model.environment.known().unwrap()["B"], Field::Unknown);
        assert_eq!(model.block[1].number, 2);
        assert_eq!(model.to_value(), everything());
        let nothing = Everything::nothing().to_value();
        assert!(
            nothing.attribute("ports").unwrap().is_null() && nothing.attribute("single").unwrap().is_null()
        );
        assert_eq!(nothing.attribute("block").unwrap().as_list(), Some(&[][..]));
        assert!(nothing.conforms(&Everything::object_type()).is_ok());
    }

    #[test]
    fn something_unknown_inside_makes_the_field_unknown() {
        for (name, value) in [
            ("names", Value::List(vec!["a".into(), Value::Unknown])),
            ("ports", Value::list_of([Value::map_of([("number", Value::Unknown)])])),
            ("type", Value::Unknown),
        ] {
            let model = read(&with(name, value)).unwrap();
            assert!(model.to_value().attribute(name).unwrap().is_unknown(), "{name}");
        }
        let at = |name: &str, value| read(&with(name, value)).unwrap_err();
        assert_eq!(at("block", Value::Unknown), DecodeError::Unknown(Path::root().attribute("block")));
    }

    #[test]
    fn what_cannot_be_held_is_refused_with_its_path() {
        let message =
            |name: &str, value: Value| read(&with(name, value)).unwrap_err().diagnostic("x").to_string();
        let nulls = Value::List(vec!["a".into(), Value::Null]);
        assert!(message("names", nulls).starts_with("Invalid value for names[*] (at names[*])"));
        let fraction = Value::Number("1.5".parse().unwrap());
        assert!(message("count", fraction).contains("must be a whole number"));
        let minus = Value::list_of([Value::map_of([("number", -1)])]);
        assert!(message("ports", minus).contains("at ports[0].number"));
        let text = message("on", "yes".into());
        assert!(text.contains("expected a bool at on, found a string") && text.contains("report"), "{text}");
        assert!(message("secret", Value::list_of(["hunter2"])).contains("found a list"));
    }
}
