//! What has to be so before a state is handed to a command.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use secret::{ProofKey, Secret};

use super::after;
use crate::exit::Failure;
use crate::git;
use crate::settings::{Guard, Settings};
use crate::store::Store;
use crate::terminal;

/// Where a command finds its configuration.
pub fn directory(words: &[OsString]) -> PathBuf {
    let chosen = words.iter().find_map(|word| word.to_str()?.strip_prefix("-chdir="));
    chosen.map_or_else(|| PathBuf::from("."), PathBuf::from)
}

/// What `[guard]` asks for.
///
/// # Errors
/// When something does not fit, with all of it.
pub fn guard(settings: &Settings, workspace: Option<&str>) -> Result<(), Failure> {
    // git takes milliseconds to start: it is asked where the answer counts.
    let counts = settings.guard.branch.is_some()
        || settings.guard.workspace.values().any(|workspace| workspace.branch.is_some());
    let branch = counts.then(|| git::branch(&settings.folder)).flatten();
    let variable = |name: &str| std::env::var(name).ok().map(Secret::from);
    let problems = problems(&settings.guard, workspace.unwrap_or("default"), branch.as_deref(), &variable);
    if problems.is_empty() {
        return Ok(());
    }
    let failure = Failure::new("Could not open the state: this is not where it may be used");
    let failure = problems.into_iter().fold(failure, Failure::with);
    Err(failure.with("Nothing was read or run. `[guard]` in windlass.toml says what has to be so."))
}

fn problems(
    guard: &Guard,
    workspace: &str,
    branch: Option<&str>,
    variable: &dyn Fn(&str) -> Option<Secret>,
) -> Vec<String> {
    let own = guard.workspace.get(workspace);
    let mut problems = Vec::new();
    let expected = own.and_then(|own| own.branch.as_ref()).or(guard.branch.as_ref());
    if let Some(expected) = expected
        && branch != Some(expected)
    {
        problems.push(match branch {
            Some(branch) => format!("The branch is `{branch}`, and has to be `{expected}`."),
            None => format!("No branch is checked out here; it has to be `{expected}`."),
        });
    }
    let both = |of_all: &BTreeMap<String, String>, of_own: Option<&BTreeMap<String, String>>| {
        let mut all = of_all.clone();
        all.extend(of_own.cloned().unwrap_or_default());
        all
    };
    for (name, expected) in both(&guard.environment, own.map(|own| &own.environment)) {
        if variable(&name).is_none_or(|value| value.expose() != expected) {
            problems.push(format!("The variable {name} has to be `{expected}`."));
        }
    }
    let key = guard.key.as_deref().map(ProofKey::parse);
    for (name, proof) in both(&guard.hmac, own.map(|own| &own.hmac)) {
        let fits = match (&key, variable(&name)) {
            (Some(Ok(key)), Some(value)) => key.proves(&purpose(&name), value.expose(), &proof),
            _ => false,
        };
        if !fits {
            problems.push(format!("The value of {name} is not the one that this state belongs to."));
        }
    }
    problems
}

/// What an HMAC of a variable is for.
pub fn purpose(variable: &str) -> String {
    format!("guard/{variable}")
}

/// Whether the branch's upstream has a newer state.
///
/// # Errors
/// When it has.
pub fn upstream(state: &Path) -> Result<(), Failure> {
    match git::compare(state) {
        git::Upstream::Fine => Ok(()),
        git::Upstream::Unreachable => {
            terminal::note("The upstream of this branch could not be asked; its state may be newer than yours.");
            Ok(())
        }
        git::Upstream::Newer(upstream) => {
            Err(Failure::new(format!("Could not use {}: {upstream} has another one", state.display()))
                .with("Somebody else has changed the state and pushed it; nothing was run.")
                .with("Get it by `git pull` first. Two states are never merged: when both have changed, one of them is lost work."))
        }
    }
}

/// Whether the state is older than the one that was committed last.
///
/// # Errors
/// When it is.
pub fn rollback(store: &mut Store) -> Result<(), Failure> {
    let path = store.path().to_owned();
    let Some(committed) = git::committed(&path) else { return Ok(()) };
    // One that does not open for us, or is of another infrastructure, says nothing about this one.
    let Ok(committed) = store.read(&committed) else { return Ok(()) };
    let Some(state) = store.state() else { return Ok(()) };
    if committed.lineage() == state.lineage() && committed.serial() > state.serial() {
        return Err(Failure::new(format!("Could not use {}: it is an older state", path.display()))
            .with(format!("Its serial is {}, and the commit that is checked out has {}.", state.serial(), committed.serial()))
            .with("Nothing was run. Restore it by `git checkout`; to go back on purpose, commit the older file first."));
    }
    Ok(())
}

/// Whether what the command writes can be opened again: what it would make is known to nobody else.
///
/// # Errors
/// When no key at hand opens it.
pub fn openable(store: &mut Store) -> Result<(), Failure> {
    let path = store.path().display().to_string();
    store.check_recipients().map_err(|error| {
        Failure::new(format!("Could not use {path}: nobody here could open it again"))
            .because(&error)
            .with("Nothing was run. Give the key of one of them, by SOPS_AGE_KEY_FILE for example, or add a recipient \
                   whose key is here to `[state] recipients` of windlass.toml (or to SOPS_AGE_RECIPIENTS).")
    })
}

/// Whether a state is gone that the commit has which is checked out: a command would begin another one, and make
/// everything once more.
///
/// # Errors
/// When it is.
pub fn missing(path: &Path) -> Result<(), Failure> {
    if path.exists() || !git::has(path) {
        return Ok(());
    }
    Err(Failure::new(format!("Could not use {}: it is gone", path.display()))
        .with("The commit that is checked out has it, and here it is not. Nothing was run: everything in it would be made once more.")
        .with(format!("Restore it by `git checkout -- {0}`. To begin anew on purpose, commit first that it is gone (`git rm {0}`).", path.display())))
}

/// A core with this backend knows no workspaces.
pub fn warn_of_workspaces(directory: &Path) {
    let named: Vec<String> = std::fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "tf" || end == "tofu"))
        .filter(|path| std::fs::read_to_string(path).is_ok_and(|text| names_workspace(&text)))
        .map(|path| path.display().to_string())
        .collect();
    if !named.is_empty() {
        terminal::note(format_args!(
            "Warning: {} uses `terraform.workspace`, which is always `default` here. Use `var.workspace`, which `--workspace` sets.",
            named.join(", ")
        ));
    }
}

fn names_workspace(text: &str) -> bool {
    text.lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with('#') && !line.starts_with("//"))
        // One that compares the two keeps a person from mixing them up.
        .filter(|line| !line.contains("var.workspace"))
        .any(|line| line.contains("terraform.workspace") || line.contains("tofu.workspace"))
}

/// What an earlier run has left in clear may be newer than the state.
///
/// # Errors
/// When there is something.
pub fn refuse_leftovers(directory: &Path, state: &Path) -> Result<(), Failure> {
    if !after::has_errored(directory) {
        return Ok(());
    }
    let plain = after::errored(directory);
    Err(Failure::new(format!("Could not use {}: {} is there", state.display(), plain.display()))
        .with("A run has left its state in clear, which may be newer; nothing was run.")
        .with(format!("Push it by `windlass state push {}`, or remove it.", plain.display())))
}

/// Has OpenTofu encrypt plan files, where the command has one and OpenTofu can.
pub fn plan_encryption(words: &[OsString]) -> Option<(String, Secret)> {
    // Who has settings of their own knows what they do.
    if std::env::var_os("TF_ENCRYPTION").is_some() || !has_plan_file(words, &directory(words)) {
        return None;
    }
    let us = std::env::current_exe().ok()?.display().to_string();
    match words.first().filter(|program| is_opentofu(program) && is_new_enough(program)) {
        Some(_) => Some(("TF_ENCRYPTION".into(), Secret::new(encryption(&us)))),
        None => {
            terminal::note(
                "Warning: a plan file holds the state and all secrets, and this program cannot encrypt it. Remove it after use.",
            );
            None
        }
    }
}

/// The setting, as JSON.
fn encryption(program: &str) -> String {
    let command = |what: &str| serde_json::json!([program, "encryption-method", what]);
    serde_json::json!({
        "method": { "external": { "windlass": {
            "encrypt_command": command("encrypt"),
            "decrypt_command": command("decrypt"),
        }}},
        "plan": { "method": "method.external.windlass", "enforced": true },
    })
    .to_string()
}

fn has_plan_file(words: &[OsString], directory: &Path) -> bool {
    let words: Vec<&str> = words.iter().skip(1).filter_map(|word| word.to_str()).collect();
    let names_one = |word: &&str| !word.starts_with('-') && directory.join(word).is_file();
    match words.iter().find(|word| !word.starts_with('-')) {
        Some(&"plan") => words.iter().any(|word| word.trim_start_matches('-').starts_with("out")),
        Some(&("apply" | "show")) => words.iter().any(names_one),
        _ => false,
    }
}

fn is_opentofu(program: &OsString) -> bool {
    Path::new(program).file_name().is_some_and(|name| name.to_string_lossy().contains("tofu"))
}

/// External methods came with 1.10.
fn is_new_enough(program: &OsString) -> bool {
    let told = std::process::Command::new(program).args(["version", "-json"]).output();
    let told = told.ok().and_then(|told| serde_json::from_slice::<serde_json::Value>(&told.stdout).ok());
    let version = told.and_then(|told| told.get("terraform_version")?.as_str().map(str::to_owned));
    version.is_some_and(|version| {
        let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (1, 10)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn a_guard_tells_all_that_does_not_fit() {
        let key = ProofKey::from_random([7; 32]);
        let proof = key.proof("guard/TOKEN", "secret of production");
        let text = format!(
            "branch = \"main\"\nkey = \"{}\"\nenvironment = {{ STAGE = \"production\" }}\nhmac = {{ TOKEN = \"{proof}\" }}\n[workspace.drill]\nbranch = \"drill\"\n",
            key.to_text().expose().trim()
        );
        let guard: Guard = toml::from_str(&text).unwrap();
        let fits = |name: &str| match name {
            "STAGE" => Some(Secret::new("production")),
            _ => Some(Secret::new("secret of production")),
        };
        assert_eq!(problems(&guard, "default", Some("main"), &fits), Vec::<String>::new());
        assert_eq!(
            problems(&guard, "drill", Some("main"), &|_| Some(Secret::new("x"))),
            [
                "The branch is `main`, and has to be `drill`.",
                "The variable STAGE has to be `production`.",
                "The value of TOKEN is not the one that this state belongs to.",
            ]
        );
        assert_eq!(problems(&guard, "default", None, &|_| None).len(), 3);
    }

    #[test]
    fn what_only_speaks_of_a_workspace_is_not_warned_of() {
        assert!(names_workspace("a = terraform.workspace\n"));
        assert!(!names_workspace("# terraform.workspace\n  // terraform.workspace\n"));
        assert!(!names_workspace(
            "condition = contains([\"default\", var.workspace], terraform.workspace)\n"
        ));
    }

    #[test]
    fn the_configuration_is_where_the_command_goes() {
        assert_eq!(directory(&words("tofu -chdir=infra apply")), PathBuf::from("infra"));
        assert_eq!(directory(&words("tofu apply")), PathBuf::from("."));
    }

    #[test]
    fn a_plan_file_is_written_or_read() {
        let has = |text: &str| has_plan_file(&words(text), Path::new("/etc"));
        assert!(has("tofu plan -out=x") && has("tofu -chdir=/etc plan -out x") && has("tofu show passwd"));
        assert!(!has("tofu plan") && !has("tofu apply -auto-approve") && !has("tofu apply nothing"));
    }
}
