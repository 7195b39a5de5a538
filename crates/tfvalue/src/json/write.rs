//! Values to JSON.

use std::fmt::Write as _;

use crate::error::EncodeError;
use crate::visit::{list_step, map_step};
use crate::{Type, Value};

/// Writes `value` as a value of type `ty`, as the core writes it into a state file.
///
/// # Errors
/// When the value is not of the type, or anything in it is unknown.
pub fn encode(value: &Value, ty: &Type) -> Result<String, EncodeError> {
    value.conforms(ty).map_err(|mismatch| EncodeError::Mismatch { ty: ty.clone(), mismatch })?;
    let mut json = String::new();
    write(&mut json, value, ty)?;
    Ok(json)
}

fn write(json: &mut String, value: &Value, ty: &Type) -> Result<(), EncodeError> {
    match value {
        Value::Null => json.push_str("null"),
        Value::Unknown => return Err(EncodeError::Unknown),
        Value::Bool(truth) => json.push_str(if *truth { "true" } else { "false" }),
        Value::String(text) => push_text(json, text),
        Value::Number(number) => {
            // Writing to a string does not fail.
            let _ = write!(json, "{number}");
        }
        Value::List(elements) => {
            json.push('[');
            for (index, element) in elements.iter().enumerate() {
                separate(json, index);
                write(json, element, list_step(ty, index).1)?;
            }
            json.push(']');
        }
        Value::Map(elements) => {
            json.push('{');
            for (index, (name, element)) in elements.iter().enumerate() {
                separate(json, index);
                push_text(json, name);
                json.push(':');
                write(json, element, map_step(ty, name).1)?;
            }
            json.push('}');
        }
        Value::Typed(own, value) => {
            json.push_str("{\"type\":");
            json.push_str(&own.to_json());
            json.push_str(",\"value\":");
            write(json, value, own)?;
            json.push('}');
        }
    }
    Ok(())
}

fn separate(json: &mut String, index: usize) {
    if index > 0 {
        json.push(',');
    }
}

fn push_text(json: &mut String, text: &str) {
    json.push_str(&serde_json::Value::from(text).to_string());
}
