//! Walking through a value and rebuilding it part by part.

use crate::{Path, Step, Type, Value};

static UNTYPED: Type = Type::Dynamic;

impl Value {
    /// Calls `visit` for this value and everything in it, outer before inner.
    ///
    /// Without a type, maps and objects look alike: every step into one is [`Step::Attribute`], and
    /// set elements have an index (inside of a [`Value::Typed`] its type is used). Use
    /// [`Value::walk_as`] where the exact path matters.
    pub fn walk(&self, visit: &mut dyn FnMut(&Path, &Value)) {
        self.walk_as(&Type::Dynamic, visit);
    }

    /// [`Value::walk`] with the steps that a value of type `ty` has.
    pub fn walk_as(&self, ty: &Type, visit: &mut dyn FnMut(&Path, &Value)) {
        walk(self, ty, &mut Path::root(), visit);
    }

    /// The value rebuilt by `change`, which gets every part after the parts inside of it, so that
    /// what it returns is not visited again. Paths as in [`Value::walk`].
    #[must_use]
    pub fn transform(self, change: &mut dyn FnMut(&Path, Value) -> Value) -> Value {
        self.transform_as(&Type::Dynamic, change)
    }

    /// [`Value::transform`] with the steps that a value of type `ty` has.
    #[must_use]
    pub fn transform_as(self, ty: &Type, change: &mut dyn FnMut(&Path, Value) -> Value) -> Value {
        transform(self, ty, &mut Path::root(), change)
    }
}

fn walk(value: &Value, ty: &Type, path: &mut Path, visit: &mut dyn FnMut(&Path, &Value)) {
    visit(path, value);
    let (value, ty) = match value {
        Value::Typed(ty, inner) => (&**inner, &**ty),
        _ => (value, ty),
    };
    match value {
        Value::List(elements) => {
            for (index, element) in elements.iter().enumerate() {
                let (step, ty) = list_step(ty, index);
                path.push(step);
                walk(element, ty, path, visit);
                path.pop();
            }
        }
        Value::Map(elements) => {
            for (name, element) in elements {
                let (step, ty) = map_step(ty, name);
                path.push(step);
                walk(element, ty, path, visit);
                path.pop();
            }
        }
        _ => {}
    }
}

fn transform(
    value: Value,
    ty: &Type,
    path: &mut Path,
    change: &mut dyn FnMut(&Path, Value) -> Value,
) -> Value {
    let rebuilt = match value {
        // The wrapper and what it wraps are one place: `change` sees it once, wrapped.
        Value::Typed(ty, inner) => {
            let inner = parts(*inner, &ty, path, change);
            Value::Typed(ty, Box::new(inner))
        }
        other => parts(other, ty, path, change),
    };
    change(path, rebuilt)
}

fn parts(value: Value, ty: &Type, path: &mut Path, change: &mut dyn FnMut(&Path, Value) -> Value) -> Value {
    let mut inside = |(step, ty): (Step, &Type), element| {
        path.push(step);
        let rebuilt = transform(element, ty, path, change);
        path.pop();
        rebuilt
    };
    match value {
        Value::List(elements) => {
            let elements = elements.into_iter().enumerate();
            Value::List(elements.map(|(index, element)| inside(list_step(ty, index), element)).collect())
        }
        Value::Map(elements) => {
            let elements = elements.into_iter();
            Value::Map(
                elements
                    .map(|(name, element)| {
                        let rebuilt = inside(map_step(ty, &name), element);
                        (name, rebuilt)
                    })
                    .collect(),
            )
        }
        leaf => leaf,
    }
}

/// The step into, and the type of, the element at `index` of a value of type `ty`.
pub(crate) fn list_step(ty: &Type, index: usize) -> (Step, &Type) {
    match ty {
        Type::Set(element) => (Step::SetElement, element),
        Type::List(element) => (Step::Index(index), element),
        Type::Tuple(elements) => (Step::Index(index), elements.get(index).unwrap_or(&UNTYPED)),
        _ => (Step::Index(index), &UNTYPED),
    }
}

/// The step into, and the type of, the element or attribute `name` of a value of type `ty`.
pub(crate) fn map_step<'a>(ty: &'a Type, name: &str) -> (Step, &'a Type) {
    match ty {
        Type::Map(element) => (Step::Key(name.to_owned()), element),
        Type::Object(attributes) => {
            (Step::Attribute(name.to_owned()), attributes.get(name).unwrap_or(&UNTYPED))
        }
        _ => (Step::Attribute(name.to_owned()), &UNTYPED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Value, Type) {
        let ty = Type::object([
            ("labels", Type::map(Type::String)),
            ("rules", Type::set(Type::Number)),
            ("any", Type::Dynamic),
        ]);
        let value = Value::map_of([
            ("labels", Value::map_of([("a", "b")])),
            ("rules", Value::list_of([7])),
            ("any", Value::Typed(Box::new(Type::map(Type::Bool)), Box::new(Value::map_of([("k", true)])))),
        ]);
        (value, ty)
    }

    fn paths(walk: impl FnOnce(&mut dyn FnMut(&Path, &Value))) -> Vec<String> {
        let mut seen = Vec::new();
        walk(&mut |path, _| seen.push(path.to_string()));
        seen
    }

    #[test]
    fn walks_outer_before_inner() {
        let (value, ty) = sample();
        assert_eq!(
            paths(|visit| value.walk_as(&ty, visit)),
            ["(root)", "any", "any[\"k\"]", "labels", "labels[\"a\"]", "rules", "rules[*]"]
        );
        assert_eq!(
            paths(|visit| value.walk(visit)),
            ["(root)", "any", "any[\"k\"]", "labels", "labels.a", "rules", "rules[0]"]
        );
    }

    #[test]
    fn transforms_inner_before_outer() {
        let (value, ty) = sample();
        let mut order = Vec::new();
        let changed = value.clone().transform_as(&ty, &mut |path, part| {
            order.push(path.to_string());
            if part.as_str().is_some() { Value::Unknown } else { part }
        });
        assert_eq!(order, ["any[\"k\"]", "any", "labels[\"a\"]", "labels", "rules[*]", "rules", "(root)"]);
        assert_eq!(changed.get(&Path::root().attribute("labels").key("a")), Some(&Value::Unknown));
        assert_eq!(changed.attribute("any"), value.attribute("any"));
    }
}
