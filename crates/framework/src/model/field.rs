//! [`Field`]: an attribute as a person wrote it, or did not, or could not yet.

/// The value of one attribute: unknown until apply, absent, or known.
///
/// Unknown appears in configuration and plans only: what Read, Create and Update return must be
/// known or null, and the server checks that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Field<T> {
    /// Decided during apply.
    Unknown,
    /// Not set.
    #[default]
    Null,
    /// Set to this value.
    Known(T),
}

impl<T> Field<T> {
    /// The value, when it is known and set.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown | Self::Null => None,
        }
    }

    /// The value by value, when it is known and set.
    pub fn into_known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown | Self::Null => None,
        }
    }

    /// The value to change in place, when it is known and set.
    pub fn known_mut(&mut self) -> Option<&mut T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown | Self::Null => None,
        }
    }

    /// A field of references.
    pub fn as_ref(&self) -> Field<&T> {
        match self {
            Self::Unknown => Field::Unknown,
            Self::Null => Field::Null,
            Self::Known(value) => Field::Known(value),
        }
    }

    /// Changes a known value; unknown and null stay what they are.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Field<U> {
        self.and_then(|value| Field::Known(change(value)))
    }

    /// Continues with a known value; unknown and null stay what they are.
    pub fn and_then<U>(self, next: impl FnOnce(T) -> Field<U>) -> Field<U> {
        match self {
            Self::Unknown => Field::Unknown,
            Self::Null => Field::Null,
            Self::Known(value) => next(value),
        }
    }

    /// Takes `other` where this one is null. Unknown stays unknown: it may turn out to be set.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match self {
            Self::Null => other,
            set => set,
        }
    }

    /// The known value, or `fallback` where it is null **or unknown**. For places that cannot see
    /// an unknown value (create, update, read); in a plan use [`Field::or`].
    pub fn known_or(self, fallback: T) -> T {
        self.into_known().unwrap_or(fallback)
    }

    /// The known value, or the type's default where it is null or unknown. As [`Field::known_or`].
    pub fn known_or_default(self) -> T
    where
        T: Default,
    {
        self.into_known().unwrap_or_default()
    }

    /// Null as `None`, known as `Some`; unknown as `Err`. For plans that must stop at unknown.
    pub fn decided(&self) -> Result<Option<&T>, Undecided> {
        match self {
            Self::Unknown => Err(Undecided),
            Self::Null => Ok(None),
            Self::Known(value) => Ok(Some(value)),
        }
    }

    /// Whether the value is decided during apply.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    /// Whether the attribute is not set.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether the value is known and set.
    pub fn is_known(&self) -> bool {
        matches!(self, Self::Known(_))
    }
}

impl Field<String> {
    /// The text, when it is known and set.
    pub fn as_str(&self) -> Option<&str> {
        self.known().map(String::as_str)
    }
}

impl Field<bool> {
    /// Whether it is known and true. Null and unknown are false.
    pub fn is_true(&self) -> bool {
        matches!(self, Self::Known(true))
    }
}

impl<T> From<T> for Field<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T> From<Option<T>> for Field<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::Known)
    }
}

impl From<&str> for Field<String> {
    fn from(text: &str) -> Self {
        Self::Known(text.to_owned())
    }
}

/// A value is not decided before apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("value is not known before apply")]
pub struct Undecided;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn or_replaces_null_only() {
        assert_eq!(Field::Null.or(Field::Known(1)), Field::Known(1));
        assert_eq!(Field::Unknown.or(Field::Known(1)), Field::Unknown);
        assert_eq!(Field::Known(2).or(Field::Known(1)), Field::Known(2));
    }

    #[test]
    fn map_keeps_unknown_and_null() {
        assert_eq!(Field::Known(1).map(|n| n + 1), Field::Known(2));
        assert_eq!(Field::<i32>::Unknown.map(|n| n + 1), Field::Unknown);
        assert_eq!(Field::<i32>::Null.map(|n| n + 1), Field::Null);
    }

    #[test]
    fn conversions_and_decisions() {
        assert_eq!(Field::from("a").as_str(), Some("a"));
        assert_eq!(Field::<bool>::from(None), Field::Null);
        assert_eq!(Field::<i32>::Unknown.decided(), Err(Undecided));
        assert_eq!(Field::<i32>::Null.decided(), Ok(None));
        assert_eq!(Field::Known(1).decided(), Ok(Some(&1)));
        assert!(Field::Known(true).is_true() && !Field::<bool>::Unknown.is_true());
    }
}
