//! Rules over several attributes of one block.

use tfvalue::{Path, Value};

use crate::{Diagnostic, Diagnostics};

/// A rule over several attributes or blocks of one schema or block. An attribute counts as set when
/// it is known and not null, and a block when it appears; what is unknown may still turn out to be
/// either and never breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// One of them must be set, and only one.
    ExactlyOneOf(Vec<String>),
    /// Only one of them may be set.
    AtMostOneOf(Vec<String>),
    /// One of them must be set.
    AtLeastOneOf(Vec<String>),
    /// When the first is set, all others must be.
    RequiredWith(String, Vec<String>),
}

fn owned<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).to_vec()
}

impl Rule {
    /// One of them must be set, and only one.
    pub fn exactly_one_of<const N: usize>(names: [&str; N]) -> Self {
        Self::ExactlyOneOf(owned(names))
    }

    /// They exclude each other.
    pub fn at_most_one_of<const N: usize>(names: [&str; N]) -> Self {
        Self::AtMostOneOf(owned(names))
    }

    /// One of them must be set.
    pub fn at_least_one_of<const N: usize>(names: [&str; N]) -> Self {
        Self::AtLeastOneOf(owned(names))
    }

    /// When `name` is set, all of `others` must be.
    pub fn required_with<const N: usize>(name: &str, others: [&str; N]) -> Self {
        Self::RequiredWith(name.to_owned(), owned(others))
    }

    /// The names that the rule is about.
    pub(crate) fn names(&self) -> Vec<&str> {
        match self {
            Self::ExactlyOneOf(names) | Self::AtMostOneOf(names) | Self::AtLeastOneOf(names) => {
                names.iter().map(String::as_str).collect()
            }
            Self::RequiredWith(name, others) => {
                std::iter::once(name.as_str()).chain(others.iter().map(String::as_str)).collect()
            }
        }
    }

    /// Checks the object at `path`.
    pub(crate) fn check(&self, object: &Value, path: &Path, diagnostics: &mut Diagnostics) {
        let presence = |name: &String| Presence::of(object.attribute(name));
        let with = |names: &[String], wanted| {
            names.iter().filter(|name| presence(name) == wanted).cloned().collect::<Vec<_>>()
        };
        match self {
            Self::ExactlyOneOf(names) => {
                too_many(&with(names, Presence::Set), names, path, diagnostics);
                too_few(with(names, Presence::Absent).len() == names.len(), names, path, diagnostics);
            }
            Self::AtMostOneOf(names) => too_many(&with(names, Presence::Set), names, path, diagnostics),
            Self::AtLeastOneOf(names) => {
                too_few(with(names, Presence::Absent).len() == names.len(), names, path, diagnostics);
            }
            Self::RequiredWith(name, others) if presence(name) == Presence::Set => {
                for missing in with(others, Presence::Absent) {
                    diagnostics.push(
                        Diagnostic::error(format!("Missing {missing}"))
                            .detail(format!("{name} is set, so {missing} must be set too."))
                            .at(path.clone().attribute(name)),
                    );
                }
            }
            Self::RequiredWith(..) => {}
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Absent,
    Set,
    Undecided,
}

impl Presence {
    fn of(value: Option<&Value>) -> Self {
        match value.map(Value::untyped) {
            None | Some(Value::Null) => Self::Absent,
            Some(Value::Unknown) => Self::Undecided,
            Some(_) => Self::Set,
        }
    }
}

fn too_many(set: &[String], names: &[String], path: &Path, diagnostics: &mut Diagnostics) {
    if let [_, second, ..] = set {
        diagnostics.push(
            Diagnostic::error(format!("{} exclude each other", set.join(" and ")))
                .detail(format!("Set only one of {}.", names.join(", ")))
                .at(path.clone().attribute(second)),
        );
    }
}

fn too_few(none: bool, names: &[String], path: &Path, diagnostics: &mut Diagnostics) {
    if none {
        let message = Diagnostic::error(format!("Missing one of {}", names.join(", ")));
        let message = message.detail("One of these attributes must be set.");
        diagnostics.push(if path.is_root() { message } else { message.at(path) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(rule: &Rule, pairs: &[(&str, Value)]) -> Vec<String> {
        let object = Value::map_of(pairs.iter().cloned());
        let mut diagnostics = Diagnostics::new();
        rule.check(&object, &Path::root(), &mut diagnostics);
        diagnostics.into_iter().map(|diagnostic| diagnostic.summary).collect()
    }

    #[test]
    fn rules_count_what_is_set_and_spare_what_is_unknown() {
        let (set, null, unknown) = (Value::from("x"), Value::Null, Value::Unknown);
        let exactly = Rule::exactly_one_of(["a", "b"]);
        let at_most = Rule::at_most_one_of(["a", "b"]);
        let at_least = Rule::at_least_one_of(["a", "b"]);
        let with = Rule::required_with("a", ["b"]);
        let both = "a and b exclude each other";
        let none = "Missing one of a, b";
        for (rule, a, b, expected) in [
            (&exactly, &set, &null, None),
            (&exactly, &set, &set, Some(both)),
            (&exactly, &null, &null, Some(none)),
            (&exactly, &null, &unknown, None),
            (&exactly, &set, &unknown, None),
            (&at_most, &null, &null, None),
            (&at_most, &set, &set, Some(both)),
            (&at_least, &set, &set, None),
            (&at_least, &null, &null, Some(none)),
            (&at_least, &unknown, &null, None),
            (&with, &null, &null, None),
            (&with, &set, &null, Some("Missing b")),
            (&with, &set, &unknown, None),
            (&with, &unknown, &null, None),
        ] {
            let found = broken(rule, &[("a", a.clone()), ("b", b.clone())]);
            assert_eq!(found, Vec::from_iter(expected), "{rule:?} {a:?} {b:?}");
        }
    }
}
