//! The secret files of a stack: what stands for them in a plan, and what they hold.

use std::collections::BTreeMap;

use compose::{layout::assignment, predict::SECRET_MODE, record::placeholder};
use framework::{Diagnostic, Diagnostics};
use remote::files::{Entry, EntryContent};
use secret::Secret;
use tree::FileDigest;

use super::model::StackModel;
use tree::{Tree, sha256};

/// The attribute.
const ATTRIBUTE: &str = "secret_files_wo";
/// What a staged file sets, followed by a number: Compose reads those that a service names as its
/// `env_file`, and then the placeholder shows in its environment.
const STAGED: &str = "WINDLASS_SECRET_FILE_";

/// Path to what stands for the content; `None` while a path or the version is unknown.
pub(super) fn placeholders(config: &StackModel) -> Option<BTreeMap<String, String>> {
    let files = config.secret_files_wo.decided().ok()?;
    let Some(files) = files.filter(|files| !files.is_empty()) else { return Some(BTreeMap::new()) };
    let version = config.secret_files_wo_version.decided().ok()?.cloned().unwrap_or_default();
    Some(files.keys().map(|path| (path.clone(), placeholder(path, &version))).collect())
}

/// The contents themselves, at apply.
pub(super) fn contents(config: &StackModel) -> BTreeMap<String, Secret> {
    let all = config.secret_files_wo.known().into_iter().flatten();
    all.map(|(path, value)| (path.clone(), value.known().cloned().unwrap_or_else(|| Secret::new(""))))
        .collect()
}

/// How a secret file counts while files are compared. It is never stored so.
pub(super) fn digest(content: &Secret) -> FileDigest {
    FileDigest { sha256: sha256(content.expose().as_bytes()), mode: SECRET_MODE }
}

/// A secret file for an upload.
pub(super) fn entry(path: &str, content: &Secret) -> Entry {
    let bytes = content.expose().as_bytes().to_vec();
    Entry { path: path.to_owned(), mode: SECRET_MODE, content: EntryContent::Bytes(bytes.into()) }
}

/// What is staged for Compose in the place of secret files.
pub(super) fn staged(placeholders: &BTreeMap<String, String>) -> Vec<Entry> {
    let lines = placeholders.iter().enumerate();
    lines
        .map(|(index, (path, placeholder))| {
            entry(path, &Secret::new(assignment(&format!("{STAGED}{index}"), placeholder)))
        })
        .collect()
}

/// Checks that no secret file is where something else is.
pub(super) fn check(
    config: &StackModel,
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
    Err(Diagnostic::error(format!("Could not place the secret files of compose stack {:?}", config.name()))
        .detail(problems.join("\n"))
        .detail("Nothing was changed.")
        .detail("Choose other paths, or take the files out of what is shipped (`.windlassignore`).")
        .at(ATTRIBUTE)
        .into())
}

#[cfg(test)]
mod tests {
    use framework::Field;

    use super::*;

    fn config(paths: &[&str], version: &str) -> StackModel {
        let files = paths.iter().map(|path| ((*path).to_owned(), Field::Known(Secret::new("s"))));
        StackModel {
            secret_files_wo: Field::Known(files.collect()),
            secret_files_wo_version: version.into(),
            ..StackModel::default()
        }
    }

    #[test]
    fn paths_and_the_version_stand_for_contents() {
        let found = placeholders(&config(&["secrets/it's", "b"], "2")).unwrap();
        assert_eq!(found["b"], "b#2");
        let entries = staged(&found);
        let texts: Vec<_> = entries
            .iter()
            .map(|entry| match &entry.content {
                EntryContent::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                _ => panic!("{entry:?}"),
            })
            .collect();
        assert_eq!(texts, ["WINDLASS_SECRET_FILE_0='b#2'\n", "WINDLASS_SECRET_FILE_1=\"secrets/it's#2\"\n"]);
        let open = StackModel { secret_files_wo_version: Field::Unknown, ..config(&["b"], "") };
        assert_eq!(placeholders(&open), None);
        assert_eq!(placeholders(&StackModel::default()), Some(BTreeMap::new()));
    }

    #[test]
    fn every_clash_is_named() {
        let (mut source, _) = Tree::texts(&["services: {}".to_owned()]);
        source.lay_over("conf/a", "x");
        let config = config(&[".env", "conf/a", "conf", "compose.yaml/x", "s", "s/t", "fine/x"], "1");
        let files = placeholders(&config).unwrap();
        let problem = check(&config, &files, &source, ".env").unwrap_err().to_string();
        for path in [".env", "conf/a", "conf", "compose.yaml/x", "s", "s/t"] {
            assert!(problem.contains(&format!("{path}: ")), "{path} is not in {problem}");
        }
        assert!(!problem.contains("fine"), "{problem}");
    }
}
