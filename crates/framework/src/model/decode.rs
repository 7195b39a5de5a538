//! Between dynamic values and Rust types.

use std::collections::BTreeMap;

use tfvalue::{Path, Type, Value};

use crate::Diagnostic;

/// A Rust type that the value of an attribute can be.
///
/// Implemented for `String`, `bool`, `i64`, `u64`, `f64`, [`tfvalue::Number`], [`secret::Secret`],
/// [`tfvalue::Value`], for `Vec`, `BTreeSet`, `BTreeMap<String, _>`, `Option` and
/// [`Field`](crate::Field) of such types, and by `#[derive(Model)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of an attribute",
    note = "use `String`, `bool`, `i64`, `u64`, `f64`, `Number`, `Secret`, `Value`, a collection or `Field` of these, \
            or a struct with `#[derive(Model)]`"
)]
pub trait ModelValue: Sized {
    /// The type that the schema declares for it.
    fn value_type() -> Type;

    /// Reads it from a value that conforms to [`ModelValue::value_type`]; `at` is where the value
    /// stands, for error messages.
    fn from_value(value: &Value, at: &Path) -> Result<Self, DecodeError>;

    /// The value that it stands for.
    fn to_value(&self) -> Value;

    /// What stands for an attribute that is not set or a block that is absent: null where the type
    /// can hold it, the empty collection, else an empty text, zero or false.
    fn absent() -> Self;

    /// Whether it can hold null. Matters for arguments of functions, which the core checks.
    fn nullable() -> bool {
        false
    }
}

/// Why a value cannot be held by a Rust type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Unknown, where the type has no place for that. A `Field` around it becomes unknown as a whole.
    #[error("value at {0} is not known yet")]
    Unknown(Path),
    /// Null, where the type has no place for that.
    #[error("value at {0} must not be null")]
    Null(Path),
    /// A number outside of what the Rust type can hold.
    #[error("number at {path} must be {expected}")]
    Range {
        /// Where it stands.
        path: Path,
        /// What would fit.
        expected: &'static str,
    },
    /// Another kind of value: the schema and the model disagree, which is a bug.
    #[error("expected {expected} at {path}, found {found}")]
    Kind {
        /// Where it stands.
        path: Path,
        /// What the Rust type reads.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
}

impl DecodeError {
    /// The error for a value of the wrong kind, or for null or unknown where neither can be held.
    pub fn unexpected(value: &Value, at: &Path, expected: &'static str) -> Self {
        if value.is_unknown() {
            Self::Unknown(at.clone())
        } else if value.is_null() {
            Self::Null(at.clone())
        } else {
            Self::Kind { path: at.clone(), expected, found: value.kind() }
        }
    }

    /// Where the value stands.
    pub fn path(&self) -> &Path {
        match self {
            Self::Unknown(path) | Self::Null(path) | Self::Range { path, .. } | Self::Kind { path, .. } => {
                path
            }
        }
    }

    /// As a message about `subject`, for example `resource windlass_file`.
    pub fn diagnostic(&self, subject: &str) -> Diagnostic {
        let path = self.path();
        match self {
            Self::Null(_) => Diagnostic::error(format!("Invalid value for {path}"))
                .detail("The value must not be null.")
                .at(path),
            Self::Range { expected, .. } => Diagnostic::error(format!("Invalid value for {path}"))
                .detail(format!("The number must be {expected}."))
                .at(path),
            Self::Unknown(_) | Self::Kind { .. } => {
                Diagnostic::bug(format!("Could not read the attributes of {subject}"), self).at(path)
            }
        }
    }
}

/// What the derived code reads a struct from: the attributes of one object.
#[derive(Debug)]
pub struct Fields<'a> {
    attributes: &'a BTreeMap<String, Value>,
    at: &'a Path,
}

impl<'a> Fields<'a> {
    /// The attributes of `value`, which stands at `at`.
    pub fn of(value: &'a Value, at: &'a Path) -> Result<Self, DecodeError> {
        let attributes = value.as_map().ok_or_else(|| DecodeError::unexpected(value, at, "an object"))?;
        Ok(Self { attributes, at })
    }

    /// Reads the attribute or block `name`. One that is absent reads as null, so that a model can
    /// be read from the state of an older schema version.
    pub fn read<T: ModelValue>(&self, name: &str) -> Result<T, DecodeError> {
        let value = self.attributes.get(name).unwrap_or(&Value::Null);
        T::from_value(value, &self.at.clone().attribute(name))
    }
}
