//! Bytes to values.

use std::collections::BTreeMap;

use rmp::Marker;
use rmp::decode::{NumValueReadError, ValueReadError};

use crate::check::article;
use crate::error::{DecodeError, MAX_VALUES, Problem, TYPE_BYTES_PER_VALUE};
use crate::unify::mixed;
use crate::visit::list_step;
use crate::{MAX_DEPTH, Number, Path, Step, Type, Value};

/// Reads one value of type `ty`, which must be the whole of `bytes`.
///
/// # Errors
/// When the bytes are not exactly one value of the type, or hold what no real message holds: more
/// than [`MAX_DEPTH`] levels, more than [`MAX_VALUES`] values, a number beyond all use. Memory stays
/// within a constant and a small multiple of `bytes`.
pub fn decode(bytes: &[u8], ty: &Type) -> Result<Value, DecodeError> {
    let mut reader = Reader { rest: bytes, path: Path::root(), values_left: MAX_VALUES };
    let result = reader.value(ty).and_then(|value| match reader.rest.len() {
        0 => Ok(value),
        more => Err(Problem::Trailing(more)),
    });
    result.map_err(|problem| DecodeError { ty: ty.clone(), path: reader.path, problem })
}

/// On an error `path` stays where it was, which is where the error is.
struct Reader<'a> {
    rest: &'a [u8],
    path: Path,
    values_left: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, ty: &Type) -> Result<Value, Problem> {
        self.spend(1)?;
        if self.path.steps().len() > MAX_DEPTH {
            return Err(Problem::TooDeep);
        }
        match self.marker()? {
            Marker::Null => {
                self.skip(1)?;
                return Ok(Value::Null);
            }
            marker if is_extension(marker) => {
                let extension = rmp::decode::read_ext_meta(&mut self.rest).map_err(|_| Problem::Truncated)?;
                self.skip(extension.size as usize)?;
                return Ok(Value::Unknown);
            }
            _ => {}
        }
        match ty {
            Type::String => Ok(Value::String(self.text(ty)?.to_owned())),
            Type::Bool => {
                let found = self.marker()?;
                rmp::decode::read_bool(&mut self.rest).map(Value::Bool).map_err(|_| wrong(ty, found))
            }
            Type::Number => self.number().map(Value::Number),
            Type::List(_) | Type::Set(_) | Type::Tuple(_) => self.list(ty),
            Type::Map(element) => {
                let value = self.map(ty, |_| Some((Step::Key, &**element)))?;
                let values = value.as_map().into_iter().flat_map(BTreeMap::values);
                if mixed(values, element) { Err(Problem::Mixed) } else { Ok(value) }
            }
            Type::Object(attributes) => {
                let value = self.map(ty, |name| Some((Step::Attribute, attributes.get(name)?)))?;
                let present = value.as_map();
                match attributes.keys().find(|name| !present.is_some_and(|map| map.contains_key(*name))) {
                    Some(name) => Err(Problem::Missing(name.clone())),
                    None => Ok(value),
                }
            }
            Type::Dynamic => self.dynamic(),
        }
    }

    fn number(&mut self) -> Result<Number, Problem> {
        let marker = self.marker()?;
        let float = match marker {
            Marker::F64 => rmp::decode::read_f64(&mut self.rest).map_err(|_| Problem::Truncated)?,
            Marker::F32 => rmp::decode::read_f32(&mut self.rest).map_err(|_| Problem::Truncated)?.into(),
            Marker::U64 => {
                return match rmp::decode::read_u64(&mut self.rest) {
                    Ok(integer) => Ok(integer.into()),
                    Err(_) => Err(Problem::Truncated),
                };
            }
            marker if is_text(marker) => {
                return self.text(&Type::Number)?.parse().map_err(Problem::Number);
            }
            _ => {
                return match rmp::decode::read_int::<i64, _>(&mut self.rest) {
                    Ok(integer) => Ok(integer.into()),
                    Err(NumValueReadError::TypeMismatch(_)) => Err(wrong(&Type::Number, marker)),
                    Err(_) => Err(Problem::Truncated),
                };
            }
        };
        Number::from_exact_f64(float).map_err(Problem::Number)
    }

    fn list(&mut self, ty: &Type) -> Result<Value, Problem> {
        let length = self.length(ty, rmp::decode::read_array_len)?;
        if let Type::Tuple(types) = ty
            && types.len() != length
        {
            return Err(Problem::Length { required: types.len(), found: length });
        }
        let mut elements = Vec::new();
        for index in 0..length {
            let (step, ty) = list_step(ty, index);
            self.path.push(step);
            elements.push(self.value(ty)?);
            self.path.pop();
        }
        match ty {
            Type::List(element) | Type::Set(element) if mixed(elements.iter(), element) => {
                Err(Problem::Mixed)
            }
            _ => Ok(Value::List(elements)),
        }
    }

    /// `place` says how to step into an element, and its type; `None` where there is no such element.
    fn map<'t>(
        &mut self,
        ty: &Type,
        place: impl Fn(&str) -> Option<(fn(String) -> Step, &'t Type)>,
    ) -> Result<Value, Problem> {
        let length = self.length(ty, rmp::decode::read_map_len)?;
        let mut elements = BTreeMap::new();
        for _ in 0..length {
            let name = self.text(&Type::String)?;
            let (step, ty) = place(name).ok_or_else(|| Problem::Unsupported(name.to_owned()))?;
            if elements.contains_key(name) {
                return Err(Problem::Duplicate(name.to_owned()));
            }
            self.path.push(step(name.to_owned()));
            let element = self.value(ty)?;
            self.path.pop();
            elements.insert(name.to_owned(), element);
        }
        Ok(Value::Map(elements))
    }

    fn dynamic(&mut self) -> Result<Value, Problem> {
        let length = self.length(&Type::Dynamic, rmp::decode::read_array_len)?;
        if length != 2 {
            return Err(Problem::Dynamic);
        }
        let length = match self.marker()? {
            marker if is_text(marker) => rmp::decode::read_str_len(&mut self.rest),
            _ => rmp::decode::read_bin_len(&mut self.rest),
        };
        let length = length.map_err(|error| match error {
            ValueReadError::TypeMismatch(_) => Problem::Dynamic,
            _ => Problem::Truncated,
        })?;
        let json = self.skip(length as usize)?;
        self.spend(json.len() / TYPE_BYTES_PER_VALUE)?;
        let ty = Type::from_json(json).map_err(Problem::Type)?;
        if ty == Type::Dynamic {
            return Err(Problem::Dynamic);
        }
        let value = self.value(&ty)?;
        Ok(Value::Typed(Box::new(ty), Box::new(value)))
    }

    fn text(&mut self, ty: &Type) -> Result<&'a str, Problem> {
        let marker = self.marker()?;
        if !is_text(marker) {
            return Err(wrong(ty, marker));
        }
        let length = rmp::decode::read_str_len(&mut self.rest).map_err(|_| Problem::Truncated)?;
        std::str::from_utf8(self.skip(length as usize)?).map_err(|_| Problem::Utf8)
    }

    /// The length of an array or map. It is only ever counted up to: nothing is allocated for it.
    fn length(
        &mut self,
        ty: &Type,
        read: impl Fn(&mut &'a [u8]) -> Result<u32, ValueReadError>,
    ) -> Result<usize, Problem> {
        let marker = self.marker()?;
        match read(&mut self.rest) {
            Ok(length) => Ok(length as usize),
            Err(ValueReadError::TypeMismatch(_)) => Err(wrong(ty, marker)),
            Err(_) => Err(Problem::Truncated),
        }
    }

    fn spend(&mut self, values: usize) -> Result<(), Problem> {
        self.values_left = self.values_left.checked_sub(values).ok_or(Problem::TooMany)?;
        Ok(())
    }

    fn marker(&self) -> Result<Marker, Problem> {
        self.rest.first().map(|byte| Marker::from_u8(*byte)).ok_or(Problem::Truncated)
    }

    fn skip(&mut self, length: usize) -> Result<&'a [u8], Problem> {
        let (skipped, rest) = self.rest.split_at_checked(length).ok_or(Problem::Truncated)?;
        self.rest = rest;
        Ok(skipped)
    }
}

fn is_text(marker: Marker) -> bool {
    matches!(marker, Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32)
}

fn is_extension(marker: Marker) -> bool {
    use Marker::{Ext8, Ext16, Ext32, FixExt1, FixExt2, FixExt4, FixExt8, FixExt16};
    matches!(marker, FixExt1 | FixExt2 | FixExt4 | FixExt8 | FixExt16 | Ext8 | Ext16 | Ext32)
}

fn wrong(ty: &Type, found: Marker) -> Problem {
    let found = match found {
        Marker::True | Marker::False => "a bool",
        Marker::FixArray(_) | Marker::Array16 | Marker::Array32 => "an array",
        Marker::FixMap(_) | Marker::Map16 | Marker::Map32 => "a map",
        Marker::Bin8 | Marker::Bin16 | Marker::Bin32 => "binary data",
        Marker::Null => "null",
        Marker::Reserved => "a reserved byte",
        marker if is_text(marker) => "a string",
        marker if is_extension(marker) => "an extension",
        _ => "a number",
    };
    Problem::Kind { required: article(ty), found }
}
