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
