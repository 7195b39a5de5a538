//! Whether a value is of a type, and whether two values of a type are the same.

use crate::unify::{MIXED, mixed};
use crate::visit::{list_step, map_step};
use crate::{MAX_DEPTH, Path, Step, Type, Value};

/// Where and why a value is not of a type. Never shows the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {what}")]
pub struct Mismatch {
    /// The part of the value that does not fit.
    pub path: Path,
    /// What does not fit, as a fragment: `a string is required, not a bool`.
    pub what: String,
}

impl Value {
    /// Checks that this is a value of type `ty`: null and unknown always are, objects have exactly
    /// their attributes, tuples their length, dynamic values carry their type, and the elements of one
    /// list, set or map of dynamic values carry the same type (the core would crash otherwise).
    ///
    /// # Errors
    /// The first part that does not fit.
    pub fn conforms(&self, ty: &Type) -> Result<(), Mismatch> {
        conforms(self, ty, &mut Path::root())
    }

    /// Whether both are the same value of type `ty`: sets compare without order and repetition,
    /// unknown equals unknown.
    pub fn equal(&self, other: &Value, ty: &Type) -> bool {
        self.canonical(ty) == other.canonical(ty)
    }

    /// The same value of type `ty` with every set in one fixed order and without repetitions.
    #[must_use]
    pub fn canonical(&self, ty: &Type) -> Value {
        match (self, ty) {
            (Self::Typed(ty, value), _) => Self::Typed(ty.clone(), Box::new(value.canonical(ty))),
            (Self::List(elements), _) => {
                let elements = elements.iter().enumerate();
                let mut elements: Vec<Value> =
                    elements.map(|(index, element)| element.canonical(list_step(ty, index).1)).collect();
                if matches!(ty, Type::Set(_)) {
                    elements.sort();
                    // Two unknown elements may turn out to be different ones.
                    elements.dedup_by(|left, right| left == right && left.is_wholly_known());
                }
                Self::List(elements)
            }
            (Self::Map(elements), _) => Self::Map(
                elements
                    .iter()
                    .map(|(name, element)| (name.clone(), element.canonical(map_step(ty, name).1)))
                    .collect(),
            ),
            (leaf, _) => leaf.clone(),
        }
    }
}

fn conforms(value: &Value, ty: &Type, path: &mut Path) -> Result<(), Mismatch> {
    if path.steps().len() > MAX_DEPTH {
        return Err(mismatch(path, format!("nested deeper than {MAX_DEPTH} levels")));
    }
    match (value, ty) {
        (Value::Null | Value::Unknown, _)
        | (Value::Bool(_), Type::Bool)
        | (Value::String(_), Type::String)
        | (Value::Number(_), Type::Number) => Ok(()),
        (Value::Typed(own, value), Type::Dynamic) => match (&**value, &**own) {
            (Value::Typed(..), _) => Err(mismatch(path, "a value has one type, not two".to_owned())),
            (_, Type::Dynamic) => Err(mismatch(path, "a dynamic value must carry a type".to_owned())),
            (value, own) => conforms(value, own, path),
        },
        (Value::List(elements), Type::List(element) | Type::Set(element)) => {
            each_element(elements, ty, path)?;
            not_mixed(elements.iter(), element, path)
        }
        (Value::List(elements), Type::Tuple(types)) => {
            if elements.len() != types.len() {
                let (is, must) = (elements.len(), types.len());
                return Err(mismatch(path, format!("a tuple of {must} elements is required, not {is}")));
            }
            each_element(elements, ty, path)
        }
        (Value::Map(elements), Type::Map(element)) => {
            elements.iter().try_for_each(|(key, value)| {
                inside(path, Step::Key(key.clone()), |path| conforms(value, element, path))
            })?;
            not_mixed(elements.values(), element, path)
        }
        (Value::Map(elements), Type::Object(attributes)) => {
            if let Some(name) = attributes.keys().find(|name| !elements.contains_key(*name)) {
                return Err(mismatch(path, format!("attribute {name:?} is missing")));
            }
            elements.iter().try_for_each(|(name, value)| match attributes.get(name) {
                Some(ty) => inside(path, Step::Attribute(name.clone()), |path| conforms(value, ty, path)),
                None => Err(mismatch(path, format!("there is no attribute {name:?}"))),
            })
        }
        (value, ty) => Err(mismatch(path, format!("{} is required, not {}", article(ty), value.kind()))),
    }
}

fn each_element(elements: &[Value], ty: &Type, path: &mut Path) -> Result<(), Mismatch> {
    elements.iter().enumerate().try_for_each(|(index, element)| {
        let (step, ty) = list_step(ty, index);
        inside(path, step, |path| conforms(element, ty, path))
    })
}

fn not_mixed<'a>(
    elements: impl Iterator<Item = &'a Value>,
    element: &Type,
    path: &Path,
) -> Result<(), Mismatch> {
    if mixed(elements, element) { Err(mismatch(path, MIXED.to_owned())) } else { Ok(()) }
}

fn inside<T>(path: &mut Path, step: Step, body: impl FnOnce(&mut Path) -> T) -> T {
    path.push(step);
    let result = body(path);
    path.pop();
    result
}

fn mismatch(path: &Path, what: String) -> Mismatch {
    Mismatch { path: path.clone(), what }
}

/// The kind of value that `ty` asks for, with its article.
pub(crate) fn article(ty: &Type) -> &'static str {
    match ty {
        Type::String => "a string",
        Type::Number => "a number",
        Type::Bool => "a bool",
        Type::Dynamic => "a value with its type",
        Type::List(_) => "a list",
        Type::Set(_) => "a set",
        Type::Map(_) => "a map",
        Type::Object(_) => "an object",
        Type::Tuple(_) => "a tuple",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(value: Value, ty: &Type) -> String {
        value.conforms(ty).unwrap_err().to_string()
    }

    #[test]
    fn names_the_place_that_does_not_fit() {
        let ty = Type::object([
            ("ports", Type::list(Type::Number)),
            ("pair", Type::Tuple(vec![Type::Bool, Type::String])),
            ("any", Type::Dynamic),
        ]);
        let good = Value::map_of([
            ("ports", Value::list_of([Value::from(1), Value::Null, Value::Unknown])),
            ("pair", Value::list_of([Value::from(true), Value::from("x")])),
            ("any", Value::Typed(Box::new(Type::Bool), Box::new(Value::from(true)))),
        ]);
        assert_eq!(good.conforms(&ty), Ok(()));

        let with = |name: &str, value: Value| {
            let mut changed = good.clone();
            changed.set(&Path::root().attribute(name), value).unwrap();
            changed
        };
        assert_eq!(why(with("ports", vec!["x"].into()), &ty), "ports[0]: a number is required, not a string");
        assert_eq!(
            why(with("pair", vec![true].into()), &ty),
            "pair: a tuple of 2 elements is required, not 1"
        );
        assert_eq!(why(with("any", true.into()), &ty), "any: a value with its type is required, not a bool");
        assert_eq!(why(with("more", true.into()), &ty), "(root): there is no attribute \"more\"");
        assert_eq!(why(Value::map_of([("any", Value::Null)]), &ty), "(root): attribute \"pair\" is missing");
        let wrong_inside = Value::Typed(Box::new(Type::Bool), Box::new("x".into()));
        assert_eq!(why(with("any", wrong_inside), &ty), "any: a bool is required, not a string");
    }

    #[test]
    fn sets_are_equal_in_any_order_lists_are_not() {
        let left = Value::list_of([Value::list_of([1, 2, 2]), Value::list_of([3])]);
        let right = Value::list_of([Value::list_of([3]), Value::list_of([2, 1])]);
        assert!(left.equal(&right, &Type::set(Type::set(Type::Number))));
        assert!(!left.equal(&right, &Type::set(Type::list(Type::Number))));
        assert!(!left.equal(&right, &Type::list(Type::set(Type::Number))));
    }

    #[test]
    fn sets_inside_dynamic_values_are_found_by_their_own_type() {
        let typed = |elements: [i64; 2]| {
            Value::Typed(Box::new(Type::set(Type::Number)), Box::new(Value::list_of(elements)))
        };
        assert!(typed([1, 2]).equal(&typed([2, 1]), &Type::Dynamic));
        assert!(!typed([1, 2]).equal(&typed([1, 3]), &Type::Dynamic));
    }

    #[test]
    fn unknown_elements_of_a_set_stay_apart() {
        let ty = Type::set(Type::String);
        let two = Value::list_of([Value::Unknown, Value::Unknown]);
        assert!(!two.equal(&Value::list_of([Value::Unknown]), &ty));
        assert!(two.equal(&two.clone(), &ty));
    }
}
