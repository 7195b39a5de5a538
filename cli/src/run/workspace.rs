//! Whether a command really works on the state of the workspace that it is run for.

use std::ffi::OsString;
use std::path::Path;

use super::before::directory;
use crate::exit::Failure;
use crate::terminal;

/// Commands of a core that look at a state.
const OF_STATE: [&str; 11] = [
    "apply", "console", "destroy", "import", "output", "plan", "refresh", "show", "state", "taint", "untaint",
];

/// Files of values that a core reads by itself.
const VALUES: [&str; 2] = ["terraform.tfvars", ".auto.tfvars"];

/// Checks that a command of a core gets its state from us, and its workspace as well. `asked` is whether somebody has
/// named the state or the workspace, who then counts on it.
///
/// # Errors
/// When it does not.
pub fn check(words: &[OsString], workspace: Option<&str>, asked: bool) -> Result<(), Failure> {
    let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).collect();
    let Some((program, rest)) = words.split_first() else { return Ok(()) };
    let command = rest.iter().find(|word| !word.starts_with('-'));
    if !is_core(program) || !command.is_some_and(|command| OF_STATE.contains(command)) {
        return Ok(());
    }
    let folder = directory(&words.iter().map(OsString::from).collect::<Vec<_>>());
    if has_other_backend(&folder) {
        let why = format!(
            "No file in {} has `backend \"http\" {{}}` in its block `terraform`, so that the core takes its state from elsewhere",
            folder.display()
        );
        if asked {
            return Err(Failure::new("Could not run it with this state")
                .with(format!("{why}, and workspaces of its own. Nothing was run."))
                .with("Add the backend, or leave out `--state` and `--workspace` and choose by `tofu workspace select`."));
        }
        terminal::note(format_args!("Warning: {why}, and not from here."));
    }
    let Some(workspace) = workspace else { return Ok(()) };
    let others = given(rest).into_iter().chain(written(&folder, rest));
    match others.into_iter().find(|(value, _)| value != workspace) {
        Some((value, place)) => Err(Failure::new(format!(
            "Could not run it for the workspace {workspace:?}"
        ))
        .with(format!(
            "{place} says that `workspace` is {value:?}, and the state is another one's. Nothing was run."
        ))
        .with("Leave it to `--workspace`, which says both.")),
        None => Ok(()),
    }
}

fn is_core(program: &str) -> bool {
    let name = Path::new(program).file_name().map(|name| name.to_string_lossy().into_owned());
    name.is_some_and(|name| name.contains("tofu") || name.contains("terraform"))
}

/// Whether there is a configuration, and its state is not ours to give.
fn has_other_backend(folder: &Path) -> bool {
    let mut is_one = false;
    for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_json = [".tf.json", ".tofu.json"].iter().any(|end| name.ends_with(end));
        if !is_json && ![".tf", ".tofu"].iter().any(|end| name.ends_with(end)) {
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else { return false };
        is_one = true;
        let words: String = text.split_whitespace().collect();
        if words.contains("backend\"http\"") || (is_json && words.contains("\"backend\":{\"http\"")) {
            return false;
        }
    }
    is_one
}

/// What words of a command say that `workspace` is, and which.
fn given(words: &[&str]) -> Vec<(String, String)> {
    let pairs = words.iter().zip(words.iter().skip(1).map(Some).chain([None]));
    let value = |(word, next): (&&str, Option<&&str>)| {
        let word = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
        let pair = if word == "var" { *next? } else { word.strip_prefix("var=")? };
        let value = pair.trim().strip_prefix("workspace")?.trim_start().strip_prefix('=')?;
        Some((value.trim().trim_matches('"').to_owned(), format!("-var {pair}")))
    };
    pairs.filter_map(value).collect()
}

/// What files of values say that it is, which win over the environment.
fn written(folder: &Path, words: &[&str]) -> Vec<(String, String)> {
    let pairs = words.iter().zip(words.iter().skip(1).map(Some).chain([None]));
    let named = pairs.filter_map(|(word, next)| {
        let word = word.strip_prefix("--").or_else(|| word.strip_prefix('-'))?;
        if word == "var-file" { next.copied() } else { word.strip_prefix("var-file=") }
    });
    let mut files: Vec<_> = named.map(|name| folder.join(name)).collect();
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.extend(entries.map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name == VALUES[0] || name.ends_with(VALUES[1])
    }));
    let value = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).ok()?;
        let value = text.lines().find_map(|line| {
            let value = line.trim().strip_prefix("workspace")?.trim_start().strip_prefix('=')?;
            Some(value.split('"').nth(1)?.to_owned())
        })?;
        Some((value, path.display().to_string()))
    };
    files.iter().filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(folder: &Path, line: &str, workspace: Option<&str>, asked: bool) -> Result<(), String> {
        let mut words = vec![OsString::from("tofu"), OsString::from(format!("-chdir={}", folder.display()))];
        words.extend(line.split(' ').map(OsString::from));
        check(&words, workspace, asked).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_state_that_the_core_does_not_take_from_us_is_refused_where_somebody_counts_on_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        // Somewhere else may be what it works on.
        assert!(checked(at, "plan", Some("drill"), true).is_ok());
        std::fs::write(at.join("main.tf"), "terraform {\n  backend \"local\" {}\n}\n").unwrap();
        let said = checked(at, "plan", Some("drill"), true).unwrap_err();
        assert!(said.contains("backend \"http\" {}") && said.contains("Nothing was run"), "{said}");
        for line in ["init", "fmt", "version"] {
            assert!(checked(at, line, Some("drill"), true).is_ok(), "{line}");
        }
        assert!(checked(at, "plan", None, false).is_ok());
        for (name, text) in [
            ("backend.tofu", "terraform { backend \"http\" {} }"),
            ("backend.tf", "terraform {\n  backend   \"http\" {\n  }\n}\n"),
            ("backend.tf.json", "{\"terraform\": {\"backend\": {\"http\": {}}}}"),
        ] {
            std::fs::write(at.join(name), text).unwrap();
            assert!(checked(at, "apply -auto-approve", Some("drill"), true).is_ok(), "{name}");
            std::fs::remove_file(at.join(name)).unwrap();
        }
    }

    #[test]
    fn another_workspace_than_that_of_the_state_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        std::fs::write(at.join("main.tf"), "terraform { backend \"http\" {} }").unwrap();
        for line in
            ["plan -var workspace=default", "plan -var=workspace=default", "apply --var workspace=default x"]
        {
            let said = checked(at, line, Some("drill"), true).unwrap_err();
            assert!(
                said.contains("-var workspace=default says that `workspace` is \"default\""),
                "{line}: {said}"
            );
            assert!(
                checked(at, line, Some("default"), true).is_ok() && checked(at, line, None, false).is_ok()
            );
        }
        assert!(checked(at, "plan -var workspace=drill -var workspaces=2", Some("drill"), true).is_ok());
        std::fs::write(at.join("values"), "# workspace = \"x\"\nworkspace = \"default\"\n").unwrap();
        let said = checked(at, "plan -var-file=values", Some("drill"), true).unwrap_err();
        assert!(said.contains("/values says"), "{said}");
        std::fs::rename(at.join("values"), at.join("a.auto.tfvars")).unwrap();
        assert!(checked(at, "plan", Some("drill"), true).unwrap_err().contains("a.auto.tfvars says"));
        assert!(checked(at, "plan", Some("default"), true).is_ok());
    }
}
