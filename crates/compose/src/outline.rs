//! The services of a Compose file, read without a host.
//!
//! This is no second Compose: it reads one text as YAML (anchors, aliases and `<<` included) and
//! tells what stands there. Values are as they are written: `${TAG}` is not filled in, and what
//! `include:`, `extends:` or a further file would add is not there.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use serde_saphyr::{Error as YamlError, Options};

/// What stands in the file about a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// Its image reference, where one is written.
    pub image: Option<String>,
    /// Whether it has a `build:` section.
    pub build: bool,
    /// The profiles that switch it on; none for one that always is.
    pub profiles: Vec<String>,
}

/// The file cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the text is not a valid Compose file: {reason}")]
pub struct OutlineError {
    /// What is wrong and where, in one line.
    pub reason: String,
}

#[derive(Default, Deserialize)]
struct File {
    services: Option<BTreeMap<String, Option<Service>>>,
}

#[derive(Default, Deserialize)]
struct Service {
    image: Option<String>,
    build: Option<IgnoredAny>,
    profiles: Option<Vec<String>>,
}

/// The services of the Compose file `text`, by name.
///
/// # Errors
/// When it is not one YAML document with what Compose expects of services.
pub fn services(text: &str) -> Result<BTreeMap<String, Outline>, OutlineError> {
    let file: Option<File> = serde_saphyr::from_str_with_options(text, Options::default())
        .map_err(|error| OutlineError { reason: in_one_line(&error) })?;
    let services = file.unwrap_or_default().services.unwrap_or_default();
    Ok(services.into_iter().map(|(name, service)| (name, service.unwrap_or_default().outline())).collect())
}

/// The files that the Compose file `text` has Compose read beside itself (`include`, `extends`, `env_file`,
/// `label_file`), as they are written there. Environments of containers count as well, where a service
/// takes them from a file.
///
/// # Errors
/// When it is not one YAML document.
pub fn references(text: &str) -> Result<Vec<String>, OutlineError> {
    let file: Value = serde_saphyr::from_str_with_options(text, Options::default())
        .map_err(|error| OutlineError { reason: in_one_line(&error) })?;
    let mut found = Vec::new();
    named_in(&file["include"], &["path", "env_file"], &mut found);
    for service in file["services"].as_object().into_iter().flat_map(|services| services.values()) {
        named_in(&service["env_file"], &["path"], &mut found);
        named_in(&service["label_file"], &[], &mut found);
        // A plain string there is a service of the same file.
        if let Some(other) = service["extends"]["file"].as_str() {
            found.push(other.to_owned());
        }
    }
    Ok(found)
}

/// The paths in `value`: a string, a list, or what stands under one of `keys`.
fn named_in(value: &Value, keys: &[&str], found: &mut Vec<String>) {
    match value {
        Value::String(path) => found.push(path.clone()),
        Value::Array(all) => all.iter().for_each(|one| named_in(one, keys, found)),
        Value::Object(_) => keys.iter().for_each(|key| named_in(&value[*key], &[], found)),
        _ => {}
    }
}

impl Service {
    fn outline(self) -> Outline {
        Outline {
            image: self.image,
            build: self.build.is_some(),
            profiles: self.profiles.unwrap_or_default(),
        }
    }
}

/// The parser's own text quotes the file over several lines; the first says it all.
fn in_one_line(error: &YamlError) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_read_beside_it_are_named_as_written() {
        let text = "
include: [a.yaml, {path: [b.yaml, ../c.yaml], env_file: c.env}]
services:
  web: {env_file: .env, label_file: [l1, l2], extends: {file: /srv/base.yaml, service: web}}
  worker: {env_file: [w.env, {path: '${HOME}/x.env', required: false}], extends: web}
  plain:
";
        let found = references(text).unwrap();
        let expected = [
            "a.yaml",
            "b.yaml",
            "../c.yaml",
            "c.env",
            ".env",
            "l1",
            "l2",
            "/srv/base.yaml",
            "w.env",
            "${HOME}/x.env",
        ];
        assert_eq!(found, expected);
        assert!(references("services: {web: {image: a}}").unwrap().is_empty());
        assert!(references("services: [").is_err());
    }

    fn names(text: &str) -> Vec<String> {
        services(text).unwrap().into_keys().collect()
    }

    #[test]
    fn services_are_reported_as_they_are_written() {
        let text = "
name: shop
services:
  web:
    image: ghcr.io/org/web:${TAG:-1}
    ports: [\"80:80\", {target: 443}]
  worker:
    build: {context: .}
    profiles: [jobs, night]
    environment: {A: 1, B: null}
  plain: {}
  empty:
volumes: {data: }
";
        let found = services(text).unwrap();
        assert_eq!(names(text), ["empty", "plain", "web", "worker"]);
        assert_eq!(found["web"].image.as_deref(), Some("ghcr.io/org/web:${TAG:-1}"));
        let worker = Outline { build: true, profiles: vec!["jobs".into(), "night".into()], image: None };
        assert_eq!(found["worker"], worker);
        assert_eq!(found["empty"], Outline::default());
    }

    #[test]
    fn anchors_and_merges_count() {
        let text = "
x-base: &base
  image: base:1
  profiles: &all [a]
x-other: &other {build: ., image: other:1}
services:
  one:
    <<: *base
  two:
    <<: [*base, *other]
    image: two:2
  three: *base
  four: {image: four, profiles: *all}
";
        let found = services(text).unwrap();
        assert_eq!(found["one"].image.as_deref(), Some("base:1"));
        assert_eq!((found["two"].image.as_deref(), found["two"].build), (Some("two:2"), true));
        assert_eq!(found["three"], found["one"]);
        assert_eq!(found["four"].profiles, ["a"]);
    }

    #[test]
    fn a_file_without_services_has_none() {
        for text in ["", "# nothing\n", "name: x\n", "services:\n", "services: {}\n", "include: [a.yaml]\n"] {
            assert_eq!(names(text), Vec::<String>::new(), "{text:?}");
        }
    }

    #[test]
    fn compose_s_own_tags_are_no_trouble() {
        let text =
            "services:\n  web:\n    image: a\n    ports: !override [\"80:80\"]\n    build: !reset null\n";
        assert_eq!(services(text).unwrap()["web"].image.as_deref(), Some("a"));
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line_with_its_place() {
        for text in [
            "services: [web]\n",
            "services:\n  web: text\n",
            "services:\n  web: {image: [a]}\n",
            "services:\n\tweb: {}\n",
            "services: {web: {}, web: {}}\n",
            "services: {}\n---\nservices: {}\n",
            "services:\n  web: *nowhere\n",
        ] {
            let error = services(text).unwrap_err().to_string();
            assert!(
                error.starts_with("the text is not a valid Compose file: ") && !error.contains('\n'),
                "{error}"
            );
            assert!(error.contains("line "), "{error}");
        }
    }

    #[test]
    fn a_file_that_grows_without_end_is_refused() {
        let mut text = "x0: &x0 [a, a, a, a, a, a, a, a, a, a]\n".to_owned();
        for level in 1..30 {
            let inner = format!("*x{}, ", level - 1).repeat(10);
            text += &format!("x{level}: &x{level} [{}]\n", inner.trim_end_matches(", "));
        }
        assert!(services(&(text + "services: {web: {profiles: *x29}}\n")).is_err());
    }
}
