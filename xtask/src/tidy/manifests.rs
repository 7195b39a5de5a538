//! Rules about members' manifests: everything shared comes from the workspace.

use super::workspace::Member;
use super::{SourceFile, Violation};
use toml::{Table, Value};

/// Fields that every member inherits, so that they change in one place.
const INHERITED: &[&str] = &["version", "edition", "rust-version", "license", "publish"];

pub fn check(members: &[Member], files: &[SourceFile]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for member in members {
        let path = format!("{}/Cargo.toml", member.directory);
        match files.iter().find(|file| file.path == path) {
            Some(file) => violations.extend(check_one(file)),
            None => violations.push(Violation::new(path, "is not tracked by git")),
        }
    }
    violations
}

fn check_one(file: &SourceFile) -> Vec<Violation> {
    let manifest: Table = match file.text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![Violation::new(&file.path, format!("cannot be read: {error}"))],
    };
    let mut violations = Vec::new();
    let mut say = |text: String| violations.push(Violation::new(&file.path, text));
    if !inherits(manifest.get("lints")) {
        say("does not inherit the lints: `[lints]` needs `workspace = true`".into());
    }
    for field in INHERITED {
        if !inherits(manifest.get("package").and_then(|package| package.get(field))) {
            say(format!("does not inherit its {field}: `{field}.workspace = true`"));
        }
    }
    for (name, dependency) in dependencies(&manifest) {
        if !inherits(Some(dependency)) && !is_itself(dependency) {
            say(format!(
                "gives {name} a version of its own: name it in the workspace and say `{name}.workspace = true`"
            ));
        }
    }
    violations
}

fn inherits(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("workspace")) == Some(&Value::Boolean(true))
}

/// A crate's tests may depend on the crate, to switch on a feature of it.
fn is_itself(dependency: &Value) -> bool {
    dependency.get("path").and_then(Value::as_str) == Some(".") && dependency.get("version").is_none()
}

/// The dependencies of every kind and for every target.
fn dependencies(manifest: &Table) -> Vec<(&String, &Value)> {
    let targets = manifest
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(|targets| targets.values())
        .filter_map(Value::as_table);
    std::iter::once(manifest)
        .chain(targets)
        .flat_map(|table| {
            ["dependencies", "dev-dependencies", "build-dependencies"]
                .into_iter()
                .filter_map(|kind| table.get(kind)?.as_table())
                .flatten()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nname = \"a\"\nversion.workspace = true\n\
        edition.workspace = true\nrust-version.workspace = true\nlicense.workspace = true\n\
        publish.workspace = true\n[dependencies]\nserde = { workspace = true, optional = true }\n\
        [lints]\nworkspace = true\n";

    fn texts(text: &str) -> Vec<String> {
        let member =
            Member { name: "a".into(), directory: "crates/a".into(), ours: Vec::new(), foreign: Vec::new() };
        let file = SourceFile { path: "crates/a/Cargo.toml".into(), text: text.into() };
        let found = check(&[member], &[file]);
        found.into_iter().map(|violation| violation.text).collect()
    }

    #[test]
    fn a_manifest_that_inherits_everything_is_fine() {
        assert_eq!(texts(GOOD), Vec::<String>::new());
    }

    #[test]
    fn lints_of_its_own_are_found() {
        let text = GOOD.replace("[lints]\nworkspace = true\n", "");
        assert_eq!(texts(&text), ["does not inherit the lints: `[lints]` needs `workspace = true`"]);
    }

    #[test]
    fn a_version_of_its_own_is_found_in_every_section() {
        let planted = "[dev-dependencies]\nx = \"1\"\n[target.'cfg(unix)'.build-dependencies]\n\
            y = { version = \"2\" }\n";
        assert_eq!(
            texts(&format!("{GOOD}{planted}")),
            [
                "gives x a version of its own: name it in the workspace and say `x.workspace = true`",
                "gives y a version of its own: name it in the workspace and say `y.workspace = true`"
            ]
        );
    }

    #[test]
    fn a_crate_may_name_itself_by_path() {
        let planted = "[dev-dependencies]\na = { path = \".\", features = [\"kit\"] }\n";
        assert_eq!(texts(&format!("{GOOD}{planted}")), Vec::<String>::new());
        assert_eq!(texts(&format!("{GOOD}{}", planted.replace("\".\"", "\"../b\""))).len(), 1);
    }

    #[test]
    fn a_field_of_its_own_is_found() {
        let text = GOOD.replace("edition.workspace = true", "edition = \"2024\"");
        assert_eq!(texts(&text), ["does not inherit its edition: `edition.workspace = true`"]);
    }

    #[test]
    fn a_broken_manifest_is_named() {
        assert!(texts("[package")[0].starts_with("cannot be read"));
    }
}
