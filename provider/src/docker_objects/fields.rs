//! The attributes that every object of a daemon has.

use std::collections::BTreeMap;

use framework::{Attribute, Field, Model, Type, validate};

/// Labels that Docker and Compose put on what they make.
const THEIRS: &str = "com.docker.";

/// What every object of a daemon has, flattened into its model.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct ObjectFields {
    pub(crate) host: Field<String>,
    pub(crate) name: Field<String>,
    pub(crate) driver: Field<String>,
    pub(crate) options: Field<BTreeMap<String, String>>,
    pub(crate) labels: Field<BTreeMap<String, String>>,
}

/// What a kind of object says of its [`ObjectFields`].
pub(crate) struct FieldTexts {
    /// What a name must be.
    pub(crate) check_name: fn(&str) -> Result<(), String>,
    /// The driver where the configuration names none.
    pub(crate) default_driver: &'static str,
    /// What the driver does, as sentences.
    pub(crate) driver: &'static str,
    /// Examples of options, and what is to be known of them.
    pub(crate) options: &'static str,
}

impl ObjectFields {
    /// The object `name` on `host`, of which nothing else is known yet.
    pub(super) fn named(host: String, name: String) -> Self {
        Self { host: Field::Known(host), name: Field::Known(name), ..Self::default() }
    }

    /// The attributes of these, which are the same for every `kind` of object.
    pub(super) fn attributes(kind: &str, texts: &FieldTexts) -> [Attribute; 4] {
        let FieldTexts { check_name, default_driver, driver, options } = *texts;
        let name = Attribute::string("name").required().requires_replace();
        let name = name.check(move |name: &String| check_name(name));
        let labels = Attribute::map("labels", Type::String);
        [
            Attribute::string("driver")
                .default(default_driver)
                .validate(validate::non_empty())
                .describe(format!("{driver} Another one replaces the {kind}.")),
            Attribute::map("options", Type::String).describe(format!(
                "Options of the driver, such as {options}. Other ones replace the {kind}."
            )),
            name.describe(format!(
                "The name of the {kind} on the host, and in `{kind}s: {{ <key>: {{ name: …, external: true }} }}` of \
                 the stacks that share it. Another one replaces the {kind}."
            )),
            labels.describe(format!(
                "Labels of the {kind}. Other ones replace it. Labels that Docker or Compose set (`com.docker.…`) \
                 count only where they are named here."
            )),
        ]
    }

    /// The name, or nothing while it is unknown.
    pub(crate) fn name(&self) -> &str {
        self.name.as_str().unwrap_or_default()
    }

    /// Takes over driver and labels as they are. Of the labels, those of Docker and Compose count only
    /// where they were set.
    pub(crate) fn set_observed(&mut self, driver: &str, labels: &BTreeMap<String, String>) {
        self.driver = Field::Known(driver.to_owned());
        let labels = own_labels(labels, &self.labels);
        set_map(&mut self.labels, labels);
    }

    /// The attributes among these that differ from `prior`.
    pub(crate) fn changed(&self, prior: &Self) -> Vec<&'static str> {
        let driver = (self.driver != prior.driver).then_some("driver");
        let options = (!same_map(&self.options, &prior.options)).then_some("options");
        let labels = (!same_map(&self.labels, &prior.labels)).then_some("labels");
        [driver, options, labels].into_iter().flatten().collect()
    }
}

/// Sets a map to what the daemon has; none and an empty one are the same to it.
pub(crate) fn set_map(field: &mut Field<BTreeMap<String, String>>, found: BTreeMap<String, String>) {
    if field.clone().known_or_default() != found {
        *field = Field::Known(found);
    }
}

/// Whether two maps say the same; none and an empty one do. What is unknown does not.
fn same_map(one: &Field<BTreeMap<String, String>>, other: &Field<BTreeMap<String, String>>) -> bool {
    !one.is_unknown()
        && !other.is_unknown()
        && one.clone().known_or_default() == other.clone().known_or_default()
}

/// The labels that are the user's: those of Docker and Compose only where the user set them.
fn own_labels(
    found: &BTreeMap<String, String>,
    known: &Field<BTreeMap<String, String>>,
) -> BTreeMap<String, String> {
    let is_known = |name: &str| known.known().is_some_and(|labels| labels.contains_key(name));
    let own = found.iter().filter(|(name, _)| !name.starts_with(THEIRS) || is_known(name));
    own.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Checks the name of a network or volume, as Docker does.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let inside = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if name.len() > 1 && inside && name.as_bytes()[0].is_ascii_alphanumeric() {
        return Ok(());
    }
    Err("must be at least two letters, digits, `_`, `.` or `-`, and begin with a letter or digit".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn no_map_and_an_empty_one_are_the_same() {
        let mut field = Field::Null;
        set_map(&mut field, map(&[]));
        assert_eq!(field, Field::Null);
        let mut field = Field::Known(map(&[]));
        set_map(&mut field, map(&[]));
        assert_eq!(field, Field::Known(map(&[])));
        set_map(&mut field, map(&[("a", "b")]));
        assert_eq!(field, Field::Known(map(&[("a", "b")])));
        assert!(same_map(&Field::Null, &Field::Known(map(&[]))));
        assert!(!same_map(&Field::Null, &Field::Unknown) && !same_map(&Field::Null, &field));
    }

    #[test]
    fn what_docker_cannot_change_is_found() {
        let prior = ObjectFields {
            driver: "local".into(),
            labels: Field::Known(map(&[("a", "1")])),
            ..ObjectFields::default()
        };
        assert_eq!(prior.changed(&prior), Vec::<&str>::new());
        let empty = ObjectFields { options: Field::Known(map(&[])), ..prior.clone() };
        assert_eq!(empty.changed(&prior), Vec::<&str>::new());
        let other = ObjectFields {
            driver: "nfs".into(),
            labels: Field::Known(map(&[("a", "2")])),
            options: Field::Unknown,
            ..prior.clone()
        };
        assert_eq!(other.changed(&prior), ["driver", "options", "labels"]);
    }

    #[test]
    fn labels_of_docker_count_only_where_they_were_set() {
        let found = map(&[("com.docker.compose.project", "web"), ("owner", "ann")]);
        assert_eq!(own_labels(&found, &Field::Null), map(&[("owner", "ann")]));
        let known = Field::Known(map(&[("com.docker.compose.project", "x")]));
        assert_eq!(own_labels(&found, &known), found);
    }

    #[test]
    fn names_are_those_that_docker_takes() {
        for name in ["ab", "shop_data", "0.x-y"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "a", "-ab", "a b", "ü1", "a/b"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
