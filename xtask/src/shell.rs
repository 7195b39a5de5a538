//! Running other programs: shown before they run, and named when they fail.

use anyhow::{Context, Result, bail};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Runs a command to its end; its output goes where ours goes.
///
/// # Errors
/// When it cannot start or does not exit with 0; the text names the command.
pub fn run(command: &mut Command) -> Result<()> {
    let line = words(command);
    eprintln!("$ {line}");
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    Ok(())
}

/// As [`run`], in a group of its own: Ctrl-C on the terminal does not reach it.
///
/// # Errors
/// As [`run`].
pub fn run_undisturbed(command: &mut Command) -> Result<()> {
    run(command.process_group(0))
}

/// Runs a command quietly and returns what it wrote to stdout.
///
/// # Errors
/// As [`run`]; the text carries what it wrote to stderr.
pub fn output(command: &mut Command) -> Result<String> {
    let line = words(command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        bail!("`{line}` failed: {}\n{}", output.status, complaint.trim());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` did not answer in UTF-8"))
}

/// Runs a command and returns what it wrote to stdout; its stderr goes where ours goes.
///
/// # Errors
/// As [`run`].
pub fn stdout(command: &mut Command) -> Result<Vec<u8>> {
    let line = words(command);
    eprintln!("$ {line}");
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` failed: {}", output.status);
    }
    Ok(output.stdout)
}

/// The command as a person would type it, for messages; nothing runs this text.
pub fn words(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| {
            let word = word.to_string_lossy();
            if word.is_empty() || word.contains(char::is_whitespace) {
                format!("'{word}'")
            } else {
                word.into_owned()
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// The cargo that runs us, so that a toolchain chosen by the caller is kept.
///
/// Without what `cargo run` tells us about ourselves: build scripts of
/// dependencies look at those variables, and would run again each time a build
/// from here follows one that was typed.
pub fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(crate::paths::root());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(is_about_us) {
            command.env_remove(&name);
        }
    }
    command
}

fn is_about_us(variable: &str) -> bool {
    variable.starts_with("CARGO_PKG_")
        || variable.starts_with("CARGO_MANIFEST_")
        || matches!(variable, "CARGO_BIN_NAME" | "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE" | "OUT_DIR")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_command_is_named_with_its_status_and_complaint() {
        let mut failing = Command::new("sh");
        failing.args(["-c", "echo no such luck >&2; exit 3"]);
        let error = output(&mut failing).unwrap_err().to_string();
        assert!(error.contains("sh -c"), "{error}");
        assert!(error.contains("exit status: 3"), "{error}");
        assert!(error.contains("no such luck"), "{error}");
    }

    #[test]
    fn a_nested_cargo_does_not_hear_of_this_package() {
        assert!(std::env::var_os("CARGO_PKG_NAME").is_some(), "cargo test sets it");
        let removed = |name: &str| {
            let nested = cargo();
            let mut changes = nested.get_envs();
            changes.any(|(changed, value)| changed == name && value.is_none())
        };
        assert!(removed("CARGO_PKG_NAME"));
        assert!(!removed("CARGO"));
        assert!(!is_about_us("CARGO_HOME") && !is_about_us("CARGO_TARGET_DIR"));
    }

    #[test]
    fn words_with_spaces_stay_words() {
        let mut command = Command::new("echo");
        command.args(["a b", "", "c"]);
        assert_eq!(words(&command), "echo 'a b' '' c");
    }
}
