//! Where inside a value something is.

use std::fmt;

/// One step from a value to a value inside of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Into an attribute (or nested block) of an object.
    Attribute(String),
    /// Into the element of a map with this key.
    Key(String),
    /// Into the element of a list or tuple at this position, counted from 0.
    Index(usize),
    /// Into some element of a set. Set elements have no address; the protocol can only point at
    /// the set itself.
    SetElement,
}

/// The steps from the root of a value to a value inside of it; empty for the root itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(Vec<Step>);

impl Path {
    /// The path of the root.
    pub fn root() -> Self {
        Self::default()
    }

    /// The steps, outermost first.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether this is the path of the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path one step up, `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, steps) = self.0.split_last()?;
        Some(Self(steps.to_vec()))
    }

    /// This path and one more step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }

    /// This path and a step into the attribute `name`.
    #[must_use]
    pub fn attribute(self, name: impl Into<String>) -> Self {
        self.step(Step::Attribute(name.into()))
    }

    /// This path and a step into the map element `key`.
    #[must_use]
    pub fn key(self, key: impl Into<String>) -> Self {
        self.step(Step::Key(key.into()))
    }

    /// This path and a step into the list or tuple element at `index`.
    #[must_use]
    pub fn index(self, index: usize) -> Self {
        self.step(Step::Index(index))
    }

    /// This path and a step into some element of a set.
    #[must_use]
    pub fn set_element(self) -> Self {
        self.step(Step::SetElement)
    }

    /// Whether `self` is `other` or a place inside of it.
    pub fn starts_with(&self, other: &Path) -> bool {
        self.0.starts_with(&other.0)
    }

    pub(crate) fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }
}

impl From<Vec<Step>> for Path {
    fn from(steps: Vec<Step>) -> Self {
        Self(steps)
    }
}

impl FromIterator<Step> for Path {
    fn from_iter<I: IntoIterator<Item = Step>>(steps: I) -> Self {
        Self(steps.into_iter().collect())
    }
}

/// As it would be written in a configuration: `services["web"].ports[0]`. The root shows as
/// `(root)`, an element of a set as `[*]`.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("(root)");
        }
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Attribute(name) if position == 0 => f.write_str(name)?,
                Step::Attribute(name) => write!(f, ".{name}")?,
                Step::Key(key) => write!(f, "[{key:?}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::SetElement => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_as_it_would_be_written() {
        let path = Path::root().attribute("services").key("web").attribute("ports").index(0);
        assert_eq!(path.to_string(), r#"services["web"].ports[0]"#);
        assert_eq!(Path::root().attribute("rule").set_element().to_string(), "rule[*]");
        assert_eq!(Path::root().key("a\"b").to_string(), r#"["a\"b"]"#);
        assert_eq!(Path::root().to_string(), "(root)");
    }

    #[test]
    fn knows_what_is_inside_of_what() {
        let outer = Path::root().attribute("services");
        let inner = outer.clone().key("web");
        assert!(inner.starts_with(&outer) && outer.starts_with(&outer));
        assert!(!outer.starts_with(&inner));
        assert_eq!(inner.parent(), Some(outer));
        assert_eq!(Path::root().parent(), None);
    }
}
