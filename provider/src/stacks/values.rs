//! The values that files of a stack are filled with, and secret files beside them.

use std::collections::BTreeMap;

use compose::placeholder;
use framework::{Diagnostic, Diagnostics, Field};
use secret::Secret;
use tree::Tree;

use super::{Sources, sealed};

/// The attribute of secret files.
const SECRET_FILES: &str = "secret_files_wo";

/// The plain values; `None` while one of them is unknown.
pub(crate) fn environment(config: &Sources<'_>) -> Option<BTreeMap<String, String>> {
    let values = config.environment.decided().ok()?.into_iter().flatten();
    let known = values.map(|(name, value)| match value {
        Field::Unknown => None,
        Field::Null => Some((name.clone(), String::new())),
        Field::Known(text) => Some((name.clone(), text.clone())),
    });
    known.collect()
}

/// What stands for each secret; `None` while a name or a version is unknown.
///
/// # Errors
/// When the encrypted file of some of them cannot be used.
pub(crate) fn placeholders(config: &Sources<'_>) -> Result<Option<BTreeMap<String, Secret>>, Diagnostics> {
    let one = |name: &String, version: &str| (name.clone(), Secret::new(placeholder(name, version)));
    let sealed = sealed(config)?;
    let (Some(mut all), Ok(sealed)) = (given_placeholders(config, one), sealed.decided()) else {
        return Ok(None);
    };
    if let Some(sealed) = sealed {
        all.extend(sealed.names().iter().map(|name| one(name, sealed.version())));
    }
    Ok(Some(all))
}

/// Those of the configuration itself.
fn given_placeholders(
    config: &Sources<'_>,
    one: impl Fn(&String, &str) -> (String, Secret),
) -> Option<BTreeMap<String, Secret>> {
    let secrets = config.secrets_wo.decided().ok()?;
    let Some(secrets) = secrets.filter(|secrets| !secrets.is_empty()) else { return Some(BTreeMap::new()) };
    let version = config.secrets_wo_version.decided().ok()?.cloned().unwrap_or_default();
    Some(secrets.keys().map(|name| one(name, &version)).collect())
}

/// What stands for the content of each secret file, by its path; `None` while a path or the version is
/// unknown.
pub(crate) fn secret_file_placeholders(config: &Sources<'_>) -> Option<BTreeMap<String, String>> {
    let files = config.secret_files_wo.decided().ok()?;
    let Some(files) = files.filter(|files| !files.is_empty()) else { return Some(BTreeMap::new()) };
    let version = config.secret_files_wo_version.decided().ok()?.cloned().unwrap_or_default();
    Some(files.keys().map(|path| (path.clone(), placeholder(path, &version))).collect())
}

/// The secrets themselves, at apply.
pub(crate) fn values(secrets: &Field<BTreeMap<String, Field<Secret>>>) -> BTreeMap<String, Secret> {
    let all = secrets.known().into_iter().flatten();
    all.map(|(name, value)| (name.clone(), value.known().cloned().unwrap_or_else(|| Secret::new(""))))
        .collect()
}

/// Checks that no secret file is where something else is.
pub(crate) fn check_secret_files(
    config: &Sources<'_>,
    files: &BTreeMap<String, String>,
    source: &Tree,
    env_path: &str,
) -> Result<(), Diagnostics> {
    let within =
        |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
    let mut problems = Vec::new();
    for path in files.keys() {
        let crosses = |other: &&String| within(path, other) || within(other, path);
        if path == env_path {
            problems.push(format!("{path}: Windlass writes it; values for it go to `secrets_wo`."));
        } else if source.files.contains_key(path) {
            problems.push(format!("{path}: a file of that name is shipped as well."));
        } else if let Some(other) = source.files.keys().chain(files.keys()).find(crosses) {
            problems.push(format!("{path}: one of it and {other} would have to be a directory."));
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(Diagnostic::error(format!("Could not place the secret files of {}", config.subject))
        .detail(problems.join("\n"))
        .detail("Nothing was changed.")
        .detail("Choose other paths, or take the files out of what is shipped (`.windlassignore`).")
        .at(SECRET_FILES)
        .into())
}
