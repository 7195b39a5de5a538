//! Typed models: Rust structs that mirror a schema.
//!
//! `#[derive(Model)]` maps each field to the attribute or block of the same name. Attributes are
//! [`Field`]s, because in a plan any of them may be unknown; nested blocks are `Vec` (list or set),
//! `Option` (single), `BTreeMap<String, _>` (map) or the nested struct itself (group). The same
//! derive makes a struct usable as the value of an object-typed attribute, whose type is then
//! declared once, by the struct: `Attribute::new("services", Type::map(Service::object_type()))`.

mod decode;
mod field;
mod merge;
mod values;

use tfvalue::{Type, Value};

pub use decode::{DecodeError, Fields, ModelValue};
pub use field::{Field, Undecided};
pub(crate) use merge::{merge, overlay};

/// A struct whose fields are the attributes and blocks of a schema, or of an object type.
///
/// Derived: `#[derive(Model)]`. A field is named like its attribute (`r#type` is `type`);
/// `#[model(name = "…")]` on a field says otherwise. `#[model(flatten)]` on a field that is a model
/// takes that one's fields for more of the same object: what several schemas have in common.
pub trait Model: ModelValue + Clone + Send + Sync + 'static {
    /// Name and type of every field, in the order in which they are written.
    fn field_types() -> Vec<(&'static str, Type)>;

    /// The model in which nothing is set: every attribute null, every block absent. The start of an
    /// import.
    fn nothing() -> Self;

    /// The object type with these fields, for `Attribute::new`.
    fn object_type() -> Type {
        Type::object(Self::field_types())
    }
}

/// The model of something without attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Empty {}

impl ModelValue for Empty {
    fn value_type() -> Type {
        Self::object_type()
    }

    fn from_value(_: &Value, _: &tfvalue::Path) -> Result<Self, DecodeError> {
        Ok(Self {})
    }

    fn to_value(&self) -> Value {
        Value::Map(Default::default())
    }

    fn absent() -> Self {
        Self {}
    }
}

impl Model for Empty {
    fn field_types() -> Vec<(&'static str, Type)> {
        Vec::new()
    }

    fn nothing() -> Self {
        Self {}
    }
}
