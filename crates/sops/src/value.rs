//! What is in a file: an ordered tree, in which numbers lose nothing and comments have a place.

use std::fmt;

use zeroize::Zeroizing;

use crate::error::Error;

/// A value of a file. `Debug` tells its kind only: most of them are secrets.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// Never encrypted, and never part of the MAC.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number of 64 bits.
    Int(i64),
    /// Any other number.
    Float(Float),
    /// A point in time, as YAML has them, in RFC 3339.
    Time(String),
    /// A text.
    Text(Zeroizing<String>),
    /// A comment without its `#`; in a map it stands under an empty key.
    Comment(Zeroizing<String>),
    /// Values in order.
    List(Vec<Value>),
    /// Names and values in order.
    Map(Vec<(String, Value)>),
}

/// A number in the one spelling that SOPS has for it: the shortest digits, never an exponent.
#[derive(Clone, PartialEq, Eq)]
pub struct Float(String);

impl Float {
    /// The number that a text spells, when it is one that SOPS can keep without loss.
    ///
    /// # Errors
    /// When it is no number, or has more digits than a double keeps.
    pub fn exactly(text: &str) -> Result<Self, Error> {
        let float = Self::rounded(text)?;
        if decimal(text) == decimal(&float.0) { Ok(float) } else { Err(Error::Number) }
    }

    /// As [`Self::exactly`], rounded as SOPS rounds.
    ///
    /// # Errors
    /// When it is no number.
    pub fn rounded(text: &str) -> Result<Self, Error> {
        let number: f64 = text.parse().map_err(|_| Error::Number)?;
        if number.is_finite() { Ok(Self(format!("{number}"))) } else { Err(Error::Number) }
    }

    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Sign, digits without zeros at either end, and the power of ten of the last one: equal for equal
/// numbers, however they are spelled. `None` for an exponent that nobody means.
fn decimal(text: &str) -> Option<(bool, String, i64)> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let text = text.strip_prefix('+').unwrap_or(text);
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut power: i64 = exponent.parse::<i64>().ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some((negative, String::new(), 0));
    }
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    power = power.checked_add(i64::try_from(zeros).ok()?)?;
    Some((negative, significant.to_owned(), power))
}

impl Value {
    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(Zeroizing::new(text.into()))
    }

    /// The text, of a value that is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// Names and values, of a map; no comments.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &Value)> {
        let pairs = if let Self::Map(pairs) = self { pairs.as_slice() } else { &[] };
        pairs.iter().filter(|(_, value)| !value.is_comment()).map(|(name, value)| (name.as_str(), value))
    }

    /// What stands under a name in a map.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.pairs().find(|(other, _)| *other == name).map(|(_, value)| value)
    }

    /// Takes out what stands under a name in a map.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        let Self::Map(pairs) = self else { return None };
        let at = pairs.iter().position(|(other, value)| other == name && !value.is_comment())?;
        Some(pairs.remove(at).1)
    }

    /// Whether it is a comment.
    pub const fn is_comment(&self) -> bool {
        matches!(self, Self::Comment(_))
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Time(_) => "time",
            Self::Text(_) => "text",
            Self::Comment(_) => "comment",
            Self::List(_) => "list",
            Self::Map(_) => "map",
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(values) => f.debug_list().entries(values).finish(),
            Self::Map(pairs) => {
                f.debug_map().entries(pairs.iter().map(|(name, value)| (name, value))).finish()
            }
            other => f.write_str(other.kind()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_have_the_spelling_of_sops() {
        for (text, expected) in [
            ("1e21", "1000000000000000000000"),
            ("3.0", "3"),
            ("-0", "-0"),
            ("0.10", "0.1"),
            ("1E-7", "0.0000001"),
        ] {
            assert_eq!(Float::exactly(text).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn what_a_double_cannot_keep_is_refused() {
        for text in [
            "18446744073709551615",
            "0.1000000000000000055511151231257827",
            "1e400",
            "x",
            "1e999999999999999999999",
        ] {
            assert!(Float::exactly(text).is_err(), "{text}");
        }
    }

    #[test]
    fn debug_shows_no_value() {
        let value = Value::Map(vec![("a".into(), Value::text("hunter2")), ("b".into(), Value::Int(4711))]);
        assert_eq!(format!("{value:?}"), r#"{"a": text, "b": int}"#);
    }

    proptest! {
        #[test]
        fn every_double_survives(number in proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL) {
            let float = Float::exactly(&format!("{number:e}")).unwrap();
            prop_assert_eq!(float.as_str().parse::<f64>().unwrap().to_bits(), number.to_bits());
            prop_assert!(!float.as_str().contains(['e', 'E']));
        }
    }
}
