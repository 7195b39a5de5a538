//! JSON to values.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::check::article;
use crate::error::{DecodeError, MAX_VALUES, Problem, TYPE_BYTES_PER_VALUE};
use crate::unify::mixed;
use crate::visit::list_step;
use crate::{MAX_DEPTH, Path, Step, Type, Value};

/// A value that was read although it was of a somewhat different type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lenient {
    /// The value, of the type that was asked for.
    pub value: Value,
    /// The attributes that were in the input and are not in the type; they are not in `value`.
    pub dropped: Vec<Path>,
}

/// Reads one value of type `ty`, which must be the whole of `bytes`. Attributes that are missing
/// are null.
///
/// # Errors
/// When the bytes are not one value of the type, have an attribute that the type does not have, or
/// hold what no real input holds (see [`crate::msgpack::decode`]).
pub fn decode(bytes: &[u8], ty: &Type) -> Result<Value, DecodeError> {
    read(bytes, ty, None).map(|lenient| lenient.value)
}

/// [`decode`] for a state that was written under another version of the schema: attributes that the
/// type does not have are left out and reported, at every level.
///
/// # Errors
/// As [`decode`], other than for such attributes.
pub fn decode_lenient(bytes: &[u8], ty: &Type) -> Result<Lenient, DecodeError> {
    read(bytes, ty, Some(Vec::new()))
}

fn read(bytes: &[u8], ty: &Type, dropped: Option<Vec<Path>>) -> Result<Lenient, DecodeError> {
    let mut reader = Reader { path: Path::root(), values_left: MAX_VALUES, dropped };
    let value = std::str::from_utf8(bytes)
        .map_err(|_| Problem::Utf8)
        .and_then(|text| serde_json::from_str::<&RawValue>(text).map_err(Problem::Json))
        .and_then(|raw| reader.value(raw, ty));
    match value {
        Ok(value) => Ok(Lenient { value, dropped: reader.dropped.unwrap_or_default() }),
        Err(problem) => Err(DecodeError { ty: ty.clone(), path: reader.path, problem }),
    }
}

/// On an error `path` stays where it was, which is where the error is.
struct Reader {
    path: Path,
    values_left: usize,
    /// `None` where attributes that the type does not have are an error.
    dropped: Option<Vec<Path>>,
}

impl Reader {
    fn value(&mut self, raw: &RawValue, ty: &Type) -> Result<Value, Problem> {
        if self.path.steps().len() > MAX_DEPTH {
            return Err(Problem::TooDeep);
        }
        let kind = Kind::of(raw);
        match (ty, kind) {
            (_, Kind::Null) => Ok(Value::Null),
            (Type::Dynamic, Kind::Object) => self.dynamic(raw),
            (Type::Bool, Kind::Bool) => Ok(Value::Bool(raw.get() == "true")),
            (Type::Bool, Kind::String) => match text(raw)?.as_str() {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => Err(wrong(ty, kind)),
            },
            (Type::Number, Kind::Number) => raw.get().parse().map(Value::Number).map_err(Problem::Number),
            (Type::Number, Kind::String) => text(raw)?.parse().map(Value::Number).map_err(Problem::Number),
            (Type::String, Kind::String) => text(raw).map(Value::String),
            (Type::String, Kind::Number | Kind::Bool) => Ok(Value::String(raw.get().to_owned())),
            (Type::List(_) | Type::Set(_) | Type::Tuple(_), Kind::Array) => self.list(raw, ty),
            (Type::Map(element), Kind::Object) => {
                let mut values = BTreeMap::new();
                for (key, raw) in self.members(raw)? {
                    let value = self.inside(Step::Key(key.clone()), raw, element)?;
                    values.insert(key, value);
                }
                if mixed(values.values(), element) { Err(Problem::Mixed) } else { Ok(Value::Map(values)) }
            }
            (Type::Object(attributes), Kind::Object) => self.object(raw, attributes),
            _ => Err(wrong(ty, kind)),
        }
    }

    fn list(&mut self, raw: &RawValue, ty: &Type) -> Result<Value, Problem> {
        let elements = split(raw, Elements { limit: self.values_left })?;
        self.spend(elements.len())?;
        if let Type::Tuple(types) = ty
            && types.len() != elements.len()
        {
            return Err(Problem::Length { required: types.len(), found: elements.len() });
        }
        let elements = elements.into_iter().enumerate().map(|(index, raw)| {
            let (step, ty) = list_step(ty, index);
            self.inside(step, raw, ty)
        });
        let elements = elements.collect::<Result<Vec<_>, _>>()?;
        match ty {
            Type::List(element) | Type::Set(element) if mixed(elements.iter(), element) => {
                Err(Problem::Mixed)
            }
            _ => Ok(Value::List(elements)),
        }
    }

    fn object(&mut self, raw: &RawValue, attributes: &BTreeMap<String, Type>) -> Result<Value, Problem> {
        let mut values: BTreeMap<String, Value> =
            attributes.keys().map(|name| (name.clone(), Value::Null)).collect();
        for (name, raw) in self.members(raw)? {
            match (attributes.get(&name), &mut self.dropped) {
                (Some(ty), _) => {
                    let value = self.inside(Step::Attribute(name.clone()), raw, ty)?;
                    values.insert(name, value);
                }
                (None, Some(dropped)) => dropped.push(self.path.clone().attribute(name)),
                (None, None) => return Err(Problem::Unsupported(name)),
            }
        }
        Ok(Value::Map(values))
    }

    fn dynamic(&mut self, raw: &RawValue) -> Result<Value, Problem> {
        let members = self.members(raw)?;
        let (Some(ty), Some(raw), 2) = (members.get("type"), members.get("value"), members.len()) else {
            return Err(Problem::Dynamic);
        };
        self.spend(ty.get().len() / TYPE_BYTES_PER_VALUE)?;
        let ty = Type::from_json(ty.get().as_bytes()).map_err(Problem::Type)?;
        if ty == Type::Dynamic {
            return Err(Problem::Dynamic);
        }
        let value = self.value(raw, &ty)?;
        Ok(Value::Typed(Box::new(ty), Box::new(value)))
    }

    fn members<'a>(&mut self, raw: &'a RawValue) -> Result<BTreeMap<String, &'a RawValue>, Problem> {
        let list = split(raw, Members { limit: self.values_left })?;
        self.spend(list.len())?;
        let mut members = BTreeMap::new();
        for (name, raw) in list {
            if members.contains_key(&name) {
                return Err(Problem::Duplicate(name));
            }
            members.insert(name, raw);
        }
        Ok(members)
    }

    /// Counts values when their container is split, before any of them is read, so that dropped ones
    /// and the slices of all open levels are bounded as well.
    fn spend(&mut self, values: usize) -> Result<(), Problem> {
        self.values_left = self.values_left.checked_sub(values).ok_or(Problem::TooMany)?;
        Ok(())
    }

    fn inside(&mut self, step: Step, raw: &RawValue, ty: &Type) -> Result<Value, Problem> {
        self.path.push(step);
        let value = self.value(raw, ty)?;
        self.path.pop();
        Ok(value)
    }
}

/// What a JSON value is, by its first byte.
#[derive(Clone, Copy)]
enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    fn of(raw: &RawValue) -> Self {
        match raw.get().as_bytes().first() {
            Some(b'n') | None => Self::Null,
            Some(b't' | b'f') => Self::Bool,
            Some(b'"') => Self::String,
            Some(b'[') => Self::Array,
            Some(b'{') => Self::Object,
            Some(_) => Self::Number,
        }
    }
}

fn wrong(ty: &Type, found: Kind) -> Problem {
    let found = match found {
        Kind::Null => "null",
        Kind::Bool => "a bool",
        Kind::Number => "a number",
        Kind::String => "a string",
        Kind::Array => "an array",
        Kind::Object => "an object",
    };
    Problem::Kind { required: article(ty), found }
}

fn text(raw: &RawValue) -> Result<String, Problem> {
    serde_json::from_str(raw.get()).map_err(Problem::Json)
}

/// The text of an error that stands for [`Problem::TooMany`] on its way through serde.
const TOO_MANY: &str = "too many values";

fn split<'a, S: DeserializeSeed<'a>>(raw: &'a RawValue, seed: S) -> Result<S::Value, Problem> {
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    seed.deserialize(&mut deserializer).map_err(|error| {
        // A custom message comes back as `<message> at line …`.
        if error.to_string().starts_with(TOO_MANY) { Problem::TooMany } else { Problem::Json(error) }
    })
}

/// Splits an array into at most `limit` elements.
struct Elements {
    limit: usize,
}

impl<'de> DeserializeSeed<'de> for Elements {
    type Value = Vec<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = array.next_element()? {
            if elements.len() == self.limit {
                return Err(A::Error::custom(TOO_MANY));
            }
            elements.push(element);
        }
        Ok(elements)
    }
}

/// Splits an object into at most `limit` members, in their order.
struct Members {
    limit: usize,
}

impl<'de> DeserializeSeed<'de> for Members {
    type Value = Vec<(String, &'de RawValue)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = object.next_entry()? {
            if members.len() == self.limit {
                return Err(A::Error::custom(TOO_MANY));
            }
            members.push(member);
        }
        Ok(members)
    }
}
