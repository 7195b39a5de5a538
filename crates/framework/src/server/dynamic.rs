//! Values as the protocol carries them.

use tfvalue::{DecodeError, EncodeError, Type, Value, json, msgpack};

/// An encoded value: msgpack, or JSON where a core prefers that. Both empty is null.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Dynamic {
    /// Empty when `json` is used.
    pub msgpack: Vec<u8>,
    /// Empty when `msgpack` is used.
    pub json: Vec<u8>,
}

/// Shows sizes only: values hold secrets.
impl std::fmt::Debug for Dynamic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dynamic({} B msgpack, {} B JSON)", self.msgpack.len(), self.json.len())
    }
}

impl Dynamic {
    /// Reads a value of type `ty`.
    ///
    /// # Errors
    /// When the bytes are not a value of that type.
    pub fn decode(&self, ty: &Type) -> Result<Value, DecodeError> {
        if !self.msgpack.is_empty() {
            msgpack::decode(&self.msgpack, ty)
        } else if !self.json.is_empty() {
            json::decode(&self.json, ty)
        } else {
            Ok(Value::Null)
        }
    }

    /// Writes a value of type `ty` as msgpack, which every core reads.
    ///
    /// # Errors
    /// When the value is not of that type.
    pub fn encode(value: &Value, ty: &Type) -> Result<Self, EncodeError> {
        Ok(Self { msgpack: msgpack::encode(value, ty)?, json: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_and_neither() {
        let list = Type::list(Type::String);
        let value = Value::list_of(["a"]);
        assert_eq!(Dynamic::encode(&value, &list).unwrap().decode(&list).unwrap(), value);
        let json = Dynamic { msgpack: Vec::new(), json: br#"["a"]"#.to_vec() };
        assert_eq!(json.decode(&list).unwrap(), value);
        assert!(Dynamic::default().decode(&list).unwrap().is_null());
        assert!(
            !format!("{json:?}").contains('a') || format!("{json:?}") == "Dynamic(0 B msgpack, 5 B JSON)"
        );
    }
}
