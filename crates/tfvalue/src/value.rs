//! Values: what they are and how to reach into them.

use std::collections::BTreeMap;
use std::fmt;

use crate::{Number, Path, Step, Type};

/// A value of the core's type system, without its type.
///
/// Lists, sets and tuples share one form, maps and objects another; the [`Type`] that goes with a
/// value tells them apart where that matters (the codecs, [`Value::equal`], [`Value::conforms`]).
///
/// Values hold what the user wrote, secrets included. `Debug` shows texts only in builds with
/// debug assertions, so that a released program cannot log them by accident.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// A value that will be known later.
    Unknown,
    /// True or false.
    Bool(bool),
    /// Text.
    String(String),
    /// An exact number.
    Number(Number),
    /// The elements of a list, set or tuple.
    List(Vec<Value>),
    /// The elements of a map or the attributes of an object.
    Map(BTreeMap<String, Value>),
    /// A value where the type says [`Type::Dynamic`], with the type it has. Never nested directly
    /// in another one, and never around a null or unknown of dynamic type: those stand for themselves.
    /// Give the type that the value really has: the core replaces a type that leaves something open
    /// (`list(any)` of texts) by the closed one, and [`Value::equal`] tells the two apart.
    Typed(Box<Type>, Box<Value>),
}

/// A place that a value does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no place {path} in the value")]
pub struct NoSuchPlace {
    /// The first step that leads nowhere, with the steps before it.
    pub path: Path,
}

impl Value {
    /// Whether this is null, also when it is a typed null.
    pub fn is_null(&self) -> bool {
        matches!(self.untyped(), Self::Null)
    }

    /// Whether this itself is unknown; parts of it may be unknown when it is not.
    pub fn is_unknown(&self) -> bool {
        matches!(self.untyped(), Self::Unknown)
    }

    /// Whether nothing in it is unknown.
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown => false,
            Self::List(elements) => elements.iter().all(Self::is_wholly_known),
            Self::Map(elements) => elements.values().all(Self::is_wholly_known),
            Self::Typed(_, value) => value.is_wholly_known(),
            Self::Null | Self::Bool(_) | Self::String(_) | Self::Number(_) => true,
        }
    }

    /// The value inside of [`Value::Typed`], every other value itself.
    pub fn untyped(&self) -> &Value {
        let mut value = self;
        while let Self::Typed(_, inner) = value {
            value = inner;
        }
        value
    }

    /// The text, when it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self.untyped() {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, when it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.untyped() {
            Self::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The number, when it is one.
    pub fn as_number(&self) -> Option<&Number> {
        match self.untyped() {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The number as `i64`, when it is one and fits exactly.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// The elements of a list, set or tuple.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self.untyped() {
            Self::List(elements) => Some(elements),
            _ => None,
        }
    }

    /// The elements of a map or the attributes of an object.
    pub fn as_map(&self) -> Option<&BTreeMap<String, Value>> {
        match self.untyped() {
            Self::Map(elements) => Some(elements),
            _ => None,
        }
    }

    /// A map or object of these elements.
    pub fn map_of<K: Into<String>, V: Into<Value>>(elements: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Map(elements.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// A list, set or tuple of these elements.
    pub fn list_of<V: Into<Value>>(elements: impl IntoIterator<Item = V>) -> Self {
        Self::List(elements.into_iter().map(Into::into).collect())
    }

    /// The attribute or element `name`, when this is a map or object that has it.
    pub fn attribute(&self, name: &str) -> Option<&Value> {
        self.as_map()?.get(name)
    }

    /// The value at `path`, `None` when some step leads nowhere. Steps by attribute and by key are
    /// the same here; a step into "some element of a set" leads nowhere.
    pub fn get(&self, path: &Path) -> Option<&Value> {
        path.steps().iter().try_fold(self, |value, step| match step {
            Step::Attribute(name) | Step::Key(name) => value.as_map()?.get(name),
            Step::Index(index) => value.as_list()?.get(*index),
            Step::SetElement => None,
        })
    }

    /// Puts `value` at `path`. Everything on the way must exist; the last step may add an attribute
    /// or key, but not a list element.
    ///
    /// # Errors
    /// When a step leads nowhere; nothing is changed then.
    pub fn set(&mut self, path: &Path, value: Value) -> Result<(), NoSuchPlace> {
        let mut place = self;
        for (position, step) in path.steps().iter().enumerate() {
            let last = position + 1 == path.steps().len();
            place = place
                .step_mut(step, last)
                .ok_or_else(|| NoSuchPlace { path: path.steps()[..=position].iter().cloned().collect() })?;
        }
        *place = value;
        Ok(())
    }

    fn step_mut(&mut self, step: &Step, may_add: bool) -> Option<&mut Value> {
        match self {
            Self::Typed(_, inner) => inner.step_mut(step, may_add),
            Self::Map(elements) => match step {
                Step::Attribute(name) | Step::Key(name) if may_add => {
                    Some(elements.entry(name.clone()).or_default())
                }
                Step::Attribute(name) | Step::Key(name) => elements.get_mut(name),
                Step::Index(_) | Step::SetElement => None,
            },
            Self::List(elements) => match step {
                Step::Index(index) => elements.get_mut(*index),
                _ => None,
            },
            _ => None,
        }
    }

    /// What kind of value this is, for messages that must not show the value itself.
    pub fn kind(&self) -> &'static str {
        match self.untyped() {
            Self::Null => "null",
            Self::Unknown => "an unknown value",
            Self::Bool(_) => "a bool",
            Self::String(_) => "a string",
            Self::Number(_) => "a number",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
            Self::Typed(..) => "a typed value",
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Unknown => f.write_str("Unknown"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::String(text) if cfg!(debug_assertions) => write!(f, "{text:?}"),
            Self::String(_) => f.write_str("\"…\""),
            Self::Number(number) => write!(f, "{number}"),
            Self::List(elements) => f.debug_list().entries(elements).finish(),
            Self::Map(elements) => f.debug_map().entries(elements).finish(),
            Self::Typed(ty, value) => write!(f, "{value:?} as {ty}"),
        }
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

macro_rules! from_integers {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Value {
            fn from(integer: $integer) -> Self {
                Self::Number(integer.into())
            }
        }
    )*};
}
from_integers!(i32, i64, u16, u32, u64, usize);

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(elements: Vec<T>) -> Self {
        Self::list_of(elements)
    }
}

impl<T: Into<Value>> From<BTreeMap<String, T>> for Value {
    fn from(elements: BTreeMap<String, T>) -> Self {
        Self::map_of(elements)
    }
}

/// `None` is null.
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Value {
        Value::map_of([
            ("name", Value::from("web")),
            ("ports", Value::list_of([80, 443])),
            ("any", Value::Typed(Box::new(Type::map(Type::String)), Box::new(Value::map_of([("k", "v")])))),
            ("later", Value::Unknown),
        ])
    }

    #[test]
    fn get_follows_a_path() {
        let value = sample();
        let ports = Path::root().attribute("ports");
        assert_eq!(value.get(&Path::root()), Some(&value));
        assert_eq!(value.get(&ports.clone().index(1)).and_then(Value::as_i64), Some(443));
        assert_eq!(value.get(&Path::root().attribute("any").key("k")).and_then(Value::as_str), Some("v"));
        assert_eq!(value.get(&ports.clone().index(2)), None);
        assert_eq!(value.get(&ports.set_element()), None);
        assert_eq!(value.get(&Path::root().attribute("name").attribute("x")), None);
    }

    #[test]
    fn set_changes_one_place_or_nothing() {
        let mut value = sample();
        let new = Path::root().attribute("any").key("new");
        value.set(&new, 1.into()).unwrap();
        assert_eq!(value.get(&new).and_then(Value::as_i64), Some(1));
        value.set(&Path::root().attribute("ports").index(0), Value::Null).unwrap();
        assert_eq!(
            value.get(&Path::root().attribute("ports")),
            Some(&Value::list_of([Value::Null, 443.into()]))
        );

        let before = value.clone();
        let nowhere = Path::root().attribute("missing").attribute("x");
        assert_eq!(
            value.set(&nowhere, true.into()),
            Err(NoSuchPlace { path: Path::root().attribute("missing") })
        );
        assert!(value.set(&Path::root().attribute("ports").index(9), true.into()).is_err());
        assert_eq!(value, before);
        value.set(&Path::root(), Value::Null).unwrap();
        assert!(value.is_null());
    }

    #[test]
    fn knows_what_is_known() {
        let value = sample();
        assert!(!value.is_unknown() && !value.is_wholly_known());
        assert!(value.attribute("later").unwrap().is_unknown());
        assert!(value.attribute("any").unwrap().is_wholly_known());
        assert!(Value::Typed(Box::new(Type::Bool), Box::new(Value::Null)).is_null());
        assert!(Value::from(None::<bool>).is_null());
    }
}
