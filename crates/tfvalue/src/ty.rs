//! Types, and their form on the wire.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::{Value as Json, json};

use crate::MAX_DEPTH;

/// A type of the core's type system.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// Unicode text.
    String,
    /// An exact decimal number.
    Number,
    /// True or false.
    Bool,
    /// Any type; the value carries its own (`Value::Typed`).
    Dynamic,
    /// A sequence of values of one type.
    List(Box<Type>),
    /// Distinct values of one type, without order.
    Set(Box<Type>),
    /// Values of one type under text keys that are not known in advance.
    Map(Box<Type>),
    /// Values of different types under names that are known in advance.
    Object(BTreeMap<String, Type>),
    /// A sequence of fixed length, each position with its own type.
    Tuple(Vec<Type>),
}

/// Why some bytes are not the JSON of a type.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TypeError {
    /// The bytes are not JSON.
    #[error("read a type: not valid JSON")]
    Json(#[source] serde_json::Error),
    /// The JSON is not a type.
    #[error("read a type: {0}")]
    Shape(&'static str),
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("read a type: nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

impl Type {
    /// A list of `element`.
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// A set of `element`.
    pub fn set(element: Type) -> Self {
        Self::Set(Box::new(element))
    }

    /// A map of `element`.
    pub fn map(element: Type) -> Self {
        Self::Map(Box::new(element))
    }

    /// An object with these attributes.
    pub fn object<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Type)>) -> Self {
        Self::Object(attributes.into_iter().map(|(name, ty)| (name.into(), ty)).collect())
    }

    /// The type as JSON text, which is what `Schema.Attribute.type` holds: `"string"`,
    /// `["list","string"]`, `["object",{"a":"number"}]`, `["tuple",["bool","dynamic"]]`.
    pub fn to_json(&self) -> String {
        self.json().to_string()
    }

    /// The opposite of [`Type::to_json`].
    ///
    /// # Errors
    /// When the bytes are not JSON, not a type, or nested deeper than [`MAX_DEPTH`]. An object with
    /// optional attributes (a third element) is refused: it constrains types, no value has it.
    pub fn from_json(bytes: &[u8]) -> Result<Self, TypeError> {
        let json = serde_json::from_slice(bytes).map_err(TypeError::Json)?;
        Self::read(&json, 0)
    }

    fn json(&self) -> Json {
        match self {
            Self::String => json!("string"),
            Self::Number => json!("number"),
            Self::Bool => json!("bool"),
            Self::Dynamic => json!("dynamic"),
            Self::List(element) => json!(["list", element.json()]),
            Self::Set(element) => json!(["set", element.json()]),
            Self::Map(element) => json!(["map", element.json()]),
            Self::Object(attributes) => {
                let attributes: serde_json::Map<String, Json> =
                    attributes.iter().map(|(name, ty)| (name.clone(), ty.json())).collect();
                json!(["object", attributes])
            }
            Self::Tuple(elements) => {
                let elements: Vec<Json> = elements.iter().map(Self::json).collect();
                json!(["tuple", elements])
            }
        }
    }

    fn read(json: &Json, depth: usize) -> Result<Self, TypeError> {
        if depth >= MAX_DEPTH {
            return Err(TypeError::TooDeep);
        }
        let inner = |json: &Json| Self::read(json, depth + 1);
        match json {
            Json::String(name) => match name.as_str() {
                "string" => Ok(Self::String),
                "number" => Ok(Self::Number),
                "bool" => Ok(Self::Bool),
                "dynamic" => Ok(Self::Dynamic),
                _ => Err(TypeError::Shape("no primitive type has this name")),
            },
            Json::Array(parts) => match parts.as_slice() {
                [Json::String(kind), of] => match (kind.as_str(), of) {
                    ("list", of) => Ok(Self::list(inner(of)?)),
                    ("set", of) => Ok(Self::set(inner(of)?)),
                    ("map", of) => Ok(Self::map(inner(of)?)),
                    ("object", Json::Object(attributes)) => attributes
                        .iter()
                        .map(|(name, ty)| Ok((name.clone(), inner(ty)?)))
                        .collect::<Result<_, _>>()
                        .map(Self::Object),
                    ("tuple", Json::Array(elements)) => {
                        elements.iter().map(inner).collect::<Result<_, _>>().map(Self::Tuple)
                    }
                    _ => Err(TypeError::Shape("no compound type has this form")),
                },
                [Json::String(kind), _, _] if kind == "object" => {
                    Err(TypeError::Shape("an object type of a value has no optional attributes"))
                }
                _ => Err(TypeError::Shape("a compound type is a list of its kind and its parts")),
            },
            _ => Err(TypeError::Shape("a type is a text or a list")),
        }
    }

    /// The names of an object's attributes; empty for every other type.
    pub fn attribute_names(&self) -> BTreeSet<&str> {
        match self {
            Self::Object(attributes) => attributes.keys().map(String::as_str).collect(),
            _ => BTreeSet::new(),
        }
    }
}

/// As it would be written in a configuration: `list(object({a = string}))`.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String => f.write_str("string"),
            Self::Number => f.write_str("number"),
            Self::Bool => f.write_str("bool"),
            Self::Dynamic => f.write_str("any"),
            Self::List(element) => write!(f, "list({element})"),
            Self::Set(element) => write!(f, "set({element})"),
            Self::Map(element) => write!(f, "map({element})"),
            Self::Object(attributes) => {
                f.write_str("object({")?;
                for (position, (name, ty)) in attributes.iter().enumerate() {
                    write!(f, "{}{name} = {ty}", if position == 0 { "" } else { ", " })?;
                }
                f.write_str("})")
            }
            Self::Tuple(elements) => {
                f.write_str("tuple([")?;
                for (position, ty) in elements.iter().enumerate() {
                    write!(f, "{}{ty}", if position == 0 { "" } else { ", " })?;
                }
                f.write_str("])")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_the_wire_form_and_comes_back() {
        let ty = Type::object([
            ("a", Type::list(Type::set(Type::map(Type::Number)))),
            ("b", Type::Tuple(vec![Type::Bool, Type::Dynamic])),
            ("c", Type::String),
        ]);
        let text = r#"["object",{"a":["list",["set",["map","number"]]],"b":["tuple",["bool","dynamic"]],"c":"string"}]"#;
        assert_eq!(ty.to_json(), text);
        assert_eq!(Type::from_json(text.as_bytes()).unwrap(), ty);
        assert_eq!(
            ty.to_string(),
            "object({a = list(set(map(number))), b = tuple([bool, any]), c = string})"
        );
    }

    #[test]
    fn what_is_not_a_type_is_refused() {
        for text in [
            "",
            "1",
            "null",
            r#""text""#,
            "[]",
            r#"["list"]"#,
            r#"["list",1]"#,
            r#"["object",[]]"#,
            r#"["tuple",{}]"#,
            r#"["object",{"a":"string"},["a"]]"#,
            r#"["list","string","string"]"#,
        ] {
            assert!(Type::from_json(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels| format!("{}\"string\"{}", r#"["list","#.repeat(levels), "]".repeat(levels));
        assert!(Type::from_json(nested(MAX_DEPTH - 1).as_bytes()).is_ok());
        assert!(matches!(Type::from_json(nested(MAX_DEPTH).as_bytes()), Err(TypeError::TooDeep)));
        assert!(Type::from_json(nested(100_000).as_bytes()).is_err());
    }
}
