//! What the value of one attribute must satisfy.
//!
//! Null and unknown values are never asked. A message says what the value must be, never what it
//! is: the CLI shows the line of the configuration, and the value may be a secret.

use std::fmt;
use std::sync::Arc;

use tfvalue::{Path, Value};

use crate::{DecodeError, Diagnostic, Diagnostics, ModelValue};

type Check = dyn Fn(&Value, &Path, &mut Diagnostics) + Send + Sync;

/// A condition on the value of an attribute.
#[derive(Clone)]
pub struct Validator(Arc<Check>);

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Validator")
    }
}

impl Validator {
    /// Checks a value that stands at `path`.
    pub fn check(&self, value: &Value, path: &Path, diagnostics: &mut Diagnostics) {
        if !value.is_null() && !value.is_unknown() {
            (self.0)(value, path, diagnostics);
        }
    }
}

/// Any condition on the Rust type that a model has for the attribute. `Err` says what the value must
/// be, as a sentence (`The mode must have three or four octal digits.`) or as a fragment that starts
/// with `must` (`must be an absolute path`), which becomes one.
pub fn custom<T: ModelValue + 'static>(
    check: impl Fn(&T) -> Result<(), String> + Send + Sync + 'static,
) -> Validator {
    Validator(Arc::new(move |value, path, diagnostics| match T::from_value(value, path) {
        // Partly unknown: asked again when it is known.
        Err(DecodeError::Unknown(_)) => {}
        Err(error) => diagnostics.push(error.diagnostic("a validated attribute")),
        Ok(decoded) => {
            if let Err(message) = check(&decoded) {
                diagnostics.push(invalid(path, message));
            }
        }
    }))
}

/// One of a few texts.
pub fn one_of<const N: usize>(choices: [&'static str; N]) -> Validator {
    custom(move |text: &String| {
        if choices.contains(&text.as_str()) {
            return Ok(());
        }
        let quoted = choices.map(|choice| format!("{choice:?}"));
        Err(format!("The value must be one of {}.", quoted.join(", ")))
    })
}

/// A text, list, set or map that is not empty.
pub fn non_empty() -> Validator {
    Validator(Arc::new(|value, path, diagnostics| {
        if size(value) == Some(0) {
            diagnostics.push(invalid(path, "The value must not be empty."));
        }
    }))
}

/// A text, list, set or map of a size between the two, both included. Texts count characters.
pub fn length(least: usize, most: usize) -> Validator {
    Validator(Arc::new(move |value, path, diagnostics| {
        if size(value).is_some_and(|size| size < least || size > most) {
            diagnostics.push(invalid(path, format!("The length must be between {least} and {most}.")));
        }
    }))
}

/// A whole number between the two, both included.
pub fn between(least: i64, most: i64) -> Validator {
    custom(move |number: &i64| {
        let inside = (least..=most).contains(number);
        inside.then_some(()).ok_or_else(|| format!("The value must be between {least} and {most}."))
    })
}

/// A text for which `matches` is true. `must_be` completes the sentence "The value must be …".
pub fn pattern(must_be: &'static str, matches: impl Fn(&str) -> bool + Send + Sync + 'static) -> Validator {
    custom(move |text: &String| {
        matches(text).then_some(()).ok_or_else(|| format!("The value must be {must_be}."))
    })
}

/// Every element of a list, set or map satisfies `validator`.
pub fn each(validator: Validator) -> Validator {
    Validator(Arc::new(move |value, path, diagnostics| match value.untyped() {
        Value::List(elements) => {
            for (index, element) in elements.iter().enumerate() {
                validator.check(element, &path.clone().index(index), diagnostics);
            }
        }
        Value::Map(elements) => {
            for (key, element) in elements {
                validator.check(element, &path.clone().key(key.clone()), diagnostics);
            }
        }
        _ => {}
    }))
}

/// Every key of a map is a text for which `matches` is true. `must_be` completes the sentence
/// "Every key must be …".
pub fn keys(must_be: &'static str, matches: impl Fn(&str) -> bool + Send + Sync + 'static) -> Validator {
    Validator(Arc::new(move |value, path, diagnostics| {
        for key in value.as_map().into_iter().flatten().map(|(key, _)| key) {
            if !matches(key) {
                let path = path.clone().key(key.clone());
                diagnostics.push(invalid(&path, format!("Every key must be {must_be}.")));
            }
        }
    }))
}

fn size(value: &Value) -> Option<usize> {
    match value.untyped() {
        Value::String(text) => Some(text.chars().count()),
        Value::List(elements) => Some(elements.len()),
        Value::Map(elements) => Some(elements.len()),
        _ => None,
    }
}

fn invalid(path: &Path, message: impl Into<String>) -> Diagnostic {
    let message = message.into();
    let message = if message.starts_with("must ") { format!("The value {message}.") } else { message };
    Diagnostic::error(format!("Invalid value for {path}")).detail(message).at(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(validator: &Validator, value: impl Into<Value>) -> Vec<String> {
        let mut diagnostics = Diagnostics::new();
        validator.check(&value.into(), &Path::root().attribute("a"), &mut diagnostics);
        diagnostics.into_iter().map(|message| format!("{}: {}", message.summary, message.detail)).collect()
    }

    #[test]
    fn each_validator_accepts_and_refuses() {
        let lower = |text: &str| text.chars().all(|char| char.is_ascii_lowercase());
        for (validator, good, bad, message) in [
            (one_of(["x", "y"]), Value::from("x"), Value::from("z"), "one of \"x\", \"y\""),
            (non_empty(), Value::from("x"), Value::from(""), "must not be empty"),
            (length(1, 2), Value::from("äö"), Value::from("abc"), "between 1 and 2"),
            (length(1, 2), Value::list_of([1]), Value::list_of([1, 2, 3]), "between 1 and 2"),
            (between(1, 5), Value::from(5), Value::from(6), "between 1 and 5"),
            (pattern("lower case", lower), Value::from("a"), Value::from("A"), "must be lower case"),
            (
                keys("lower case", lower),
                Value::map_of([("a", 1)]),
                Value::map_of([("A", 1)]),
                "a[\"A\"]: Every key",
            ),
            (each(between(1, 5)), Value::list_of([1, 5]), Value::list_of([1, 9]), "a[1]: The value"),
            (
                each(non_empty()),
                Value::map_of([("k", "v")]),
                Value::map_of([("k", "")]),
                "a[\"k\"]: The value",
            ),
        ] {
            assert_eq!(messages(&validator, good), Vec::<String>::new());
            let found = messages(&validator, bad).join("\n");
            assert!(found.contains(message), "{message} in {found}");
            assert_eq!(messages(&validator, Value::Null), Vec::<String>::new());
            assert_eq!(messages(&validator, Value::Unknown), Vec::<String>::new());
        }
    }

    #[test]
    fn a_partly_unknown_value_is_asked_later() {
        let never = custom(|_: &Vec<String>| Err("no".to_owned()));
        assert_eq!(
            messages(&never, Value::List(vec![Value::from("a"), Value::Unknown])),
            Vec::<String>::new()
        );
        assert_eq!(messages(&never, Value::list_of(["a"])).len(), 1);
    }

    #[test]
    fn a_fragment_becomes_a_sentence() {
        let custom = |message: &'static str| custom(move |_: &String| Err(message.to_owned()));
        assert_eq!(messages(&custom("must be even"), "x"), ["Invalid value for a: The value must be even."]);
        assert_eq!(messages(&custom("The path is odd."), "x"), ["Invalid value for a: The path is odd."]);
    }

    #[test]
    fn messages_do_not_show_the_value() {
        let found = messages(&one_of(["x"]), "hunter2").join("\n");
        assert!(!found.contains("hunter2"), "{found}");
    }
}
