//! Values to bytes.

use rmp::encode;

use crate::error::EncodeError;
use crate::visit::{list_step, map_step};
use crate::{Number, Type, Value};

/// What stands for an unknown value: extension type 0 with one byte.
const UNKNOWN: [u8; 3] = [0xd4, 0x00, 0x00];

/// Writes `value` as a value of type `ty`. Objects and maps come out sorted by name, as the core's.
///
/// # Errors
/// When the value is not of the type.
pub fn encode(value: &Value, ty: &Type) -> Result<Vec<u8>, EncodeError> {
    value.conforms(ty).map_err(|mismatch| EncodeError::Mismatch { ty: ty.clone(), mismatch })?;
    let mut writer = Writer { bytes: Vec::new() };
    writer.value(value, ty)?;
    Ok(writer.bytes)
}

/// The results of `rmp`'s functions are dropped here: they report that writing failed, and writing
/// to a vector does not fail.
struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn value(&mut self, value: &Value, ty: &Type) -> Result<(), EncodeError> {
        match value {
            Value::Null => self.bytes.push(rmp::Marker::Null.to_u8()),
            Value::Unknown => self.bytes.extend_from_slice(&UNKNOWN),
            Value::Bool(truth) => {
                let _ = encode::write_bool(&mut self.bytes, *truth);
            }
            Value::String(text) => self.text(text)?,
            Value::Number(number) => self.number(number)?,
            Value::List(elements) => {
                let _ = encode::write_array_len(&mut self.bytes, length(elements.len())?);
                for (index, element) in elements.iter().enumerate() {
                    self.value(element, list_step(ty, index).1)?;
                }
            }
            Value::Map(elements) => {
                let _ = encode::write_map_len(&mut self.bytes, length(elements.len())?);
                for (name, element) in elements {
                    self.text(name)?;
                    self.value(element, map_step(ty, name).1)?;
                }
            }
            Value::Typed(own, value) => {
                let json = own.to_json();
                length(json.len())?;
                let _ = encode::write_array_len(&mut self.bytes, 2);
                let _ = encode::write_bin(&mut self.bytes, json.as_bytes());
                self.value(value, own)?;
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), EncodeError> {
        length(text.len())?;
        let _ = encode::write_str(&mut self.bytes, text);
        Ok(())
    }

    /// The core's order of preference: an integer as int, or as text where it does not fit; a
    /// fraction as float64, or as text where that would round.
    fn number(&mut self, number: &Number) -> Result<(), EncodeError> {
        if let Some(integer) = number.as_i64() {
            let _ = encode::write_sint(&mut self.bytes, integer);
            return Ok(());
        }
        match number.as_f64() {
            Some(float) if !number.is_integer() => {
                let _ = encode::write_f64(&mut self.bytes, float);
                Ok(())
            }
            _ => self.text(&number.to_string()),
        }
    }
}

/// A length as the format holds it.
fn length(length: usize) -> Result<u32, EncodeError> {
    u32::try_from(length).map_err(|_| EncodeError::TooLong)
}
