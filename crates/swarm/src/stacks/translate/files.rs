//! Secrets and configs, whose names say what is in them (see [`names`](crate::stacks::files::names)).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    Files,
    json::{fields, is_set, list, number, object, set, text, texts},
    problem::Problem,
};
use crate::stacks::{
    files::names::{LONGEST, content_suffix, full_name, hash_suffix, version_suffix},
    wanted::{FileContent, FileKind, NewFile},
};

/// The mode of a file in a task where the files do not say.
const MODE: i64 = 0o444;

/// Kind and key to the object: its kind and name in the swarm, and what it is.
pub(super) type Named = BTreeMap<(FileKind, String), ((FileKind, String), NewFile)>;

/// The secrets and configs of the files.
pub(super) fn all(files: &Files<'_>, problems: &mut Vec<Problem>) -> Named {
    let mut named = Named::new();
    for (kind, place) in [(FileKind::Secret, "secrets"), (FileKind::Config, "configs")] {
        for (key, body) in fields(&files.document[place]) {
            match file(files, kind, key, body) {
                Ok((name, file)) => drop(named.insert((kind, key.clone()), ((kind, name), file))),
                Err(problem) => problems.push(problem),
            }
        }
    }
    named
}

fn file(files: &Files<'_>, kind: FileKind, key: &str, body: &Value) -> Result<(String, NewFile), Problem> {
    let what = format!("{} {key:?}", kind.word());
    let name = text(&body["name"]).unwrap_or_else(|| files.scoped(key));
    let driver = |name: &Value, options: &Value| {
        let name = text(name).filter(|name| !name.is_empty())?;
        Some(object([("Name", json!(name)), ("Options", set(&json!(texts(options))))]))
    };
    let spec = object([
        ("Labels", files.labels(&body["labels"])),
        ("Driver", json!(driver(&body["driver"], &body["driver_opts"]))),
        ("Templating", json!(driver(&body["template_driver"], &Value::Null))),
    ]);
    let made = |content| NewFile { kind, content, spec: spec.clone() };
    if is_set(&body["external"]) {
        return Ok((name, made(FileContent::External)));
    }
    if is_set(&body["driver"]) {
        return Ok((name, made(FileContent::Driver)));
    }
    let (content, suffix) = content(files, &what, body)?;
    match full_name(&name, &suffix) {
        Ok(name) => Ok((name, made(content))),
        Err(long) => Err(Problem::LongName { what, name: long.name, most: LONGEST }),
    }
}

/// Where the content comes from, and what tells it from others.
fn content(files: &Files<'_>, what: &str, body: &Value) -> Result<(FileContent, String), Problem> {
    let unknown = |from: String, why| Problem::Content { what: what.to_owned(), from, why };
    if let Some(text) = body["content"].as_str() {
        return Ok((FileContent::Text(text.to_owned()), content_suffix(text.as_bytes())));
    }
    if let Some(variable) = body["environment"].as_str() {
        if let Some(placeholder) = files.secrets.get(variable) {
            return Ok((FileContent::Secret(variable.to_owned()), version(placeholder.expose())));
        }
        let Some(value) = files.environment.get(variable) else {
            return Err(unknown(format!("the variable {variable}"), "has no value in the configuration"));
        };
        return Ok((FileContent::Text(value.clone()), content_suffix(value.as_bytes())));
    }
    let path = body["file"].as_str().unwrap_or_default();
    let inside = files.inside(path).unwrap_or_default();
    if let Some(placeholder) = files.secret_files.get(&inside) {
        return Ok((FileContent::SecretFile(inside), version(placeholder)));
    }
    match files.source.files.get(&inside) {
        Some(file) => Ok((FileContent::Shipped(inside), hash_suffix(&file.digest.sha256))),
        None => {
            Err(unknown(format!("the file {:?}", shown(files, path)), "is not among the files of the stack"))
        }
    }
}

/// A path as the user knows it.
fn shown(files: &Files<'_>, path: &str) -> String {
    files.inside(path).unwrap_or_else(|| path.to_owned())
}

/// What tells a secret from the same one of another version. A placeholder is `name#version`.
fn version(placeholder: &str) -> String {
    version_suffix(placeholder.rsplit_once('#').map_or(placeholder, |(_, version)| version))
}

/// What a service mounts of these: what the swarm is told, and the objects.
pub(super) fn mounted(kind: FileKind, body: &Value, named: &Named) -> (Vec<Value>, Vec<(FileKind, String)>) {
    let name_of = match kind {
        FileKind::Secret => "SecretName",
        FileKind::Config => "ConfigName",
    };
    let mut all: Vec<(String, Value)> = Vec::new();
    for one in list(body) {
        let source = one["source"].as_str().unwrap_or_default();
        let Some(((_, name), _)) = named.get(&(kind, source.to_owned())) else { continue };
        let text_or = |key: &str, usual: &str| {
            text(&one[key]).filter(|text| !text.is_empty()).unwrap_or_else(|| usual.to_owned())
        };
        let file = json!({
            "Name": text_or("target", source),
            "UID": text_or("uid", "0"),
            "GID": text_or("gid", "0"),
            "Mode": mode(&one["mode"]),
        });
        all.push((name.clone(), object([("File", file), (name_of, json!(name))])));
    }
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    let objects = all.iter().map(|(name, _)| (kind, name.clone())).collect();
    (all.into_iter().map(|(_, value)| value).collect(), objects)
}

/// Newer versions of Compose write a mode as octal digits in a text.
fn mode(value: &Value) -> i64 {
    match value {
        Value::String(text) => i64::from_str_radix(text.trim_start_matches("0o"), 8).unwrap_or(MODE),
        other => number(other).unwrap_or(MODE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_last_mark_is_the_version() {
        assert_eq!((version("A#2026-11"), version("A#b#3")), ("v2026-11".to_owned(), "v3".to_owned()));
        assert_eq!(version("A#"), version_suffix(""));
    }

    #[test]
    fn modes_are_octal_in_texts() {
        assert_eq!((mode(&json!("0440")), mode(&json!(0o400)), mode(&Value::Null)), (0o440, 0o400, MODE));
    }
}
