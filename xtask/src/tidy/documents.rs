//! Rules about the files that hold the project together: CI runs what
//! developers run, and ARCHITECTURE.md says what is checked here.

use super::arrows::table as arrow_table;
use super::{SourceFile, Violation};

/// What must stay true of the code, one line each in ARCHITECTURE.md.
const INVARIANTS: &[&str] = &[
    "only `tfplugin5` and the adapter name tonic or prost",
    "`tf*` and `framework` know nothing of Docker, SSH or Windlass",
    "domain crates know nothing of Terraform",
    "`docker` and `backup` see an `Executor`, never `ssh`",
    "a resource folder uses no other resource folder",
    "nothing prints to stdout except the handshake",
    "commands are built as a list of words by pure functions, quoted by one function, and tested as exact values",
    "every remote↔model mapping exists once and is used by create, read, update and import",
    "protocol adapter: decode, call, encode, no logic",
];

/// A file, a line it must have, and why.
const REQUIRED_LINES: &[(&str, &str, &str)] = &[
    (".ci/run", "make test", "CI runs what developers run"),
    ("Makefile", "cargo xtask test", "`make test` is one line"),
    (".github/workflows/ci.yml", ".ci/run", "the workflow adds nothing of its own"),
];

pub fn check(files: &[SourceFile]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, line, why) in REQUIRED_LINES {
        if !text_of(files, path).is_some_and(|text| has_command(text, line)) {
            let text = format!("does not run `{line}`: {why}");
            violations.push(Violation::new(*path, text));
        }
    }
    violations.extend(architecture(text_of(files, "ARCHITECTURE.md").unwrap_or_default()));
    violations
}

fn text_of<'a>(files: &'a [SourceFile], path: &str) -> Option<&'a str> {
    let file = files.iter().find(|file| file.path == path)?;
    Some(&file.text)
}

/// Whether a line that is not a comment contains the command.
fn has_command(text: &str, command: &str) -> bool {
    text.lines().map(str::trim).any(|line| !line.starts_with('#') && line.contains(command))
}

fn architecture(text: &str) -> Vec<Violation> {
    let invariants = INVARIANTS.iter().map(|invariant| format!("**Invariant:** {invariant}"));
    let rows = arrow_table().map(|(name, allowed)| format!("| {name} | {allowed} |"));
    invariants
        .chain(rows)
        .filter(|expected| !text.lines().any(|line| line.contains(expected.as_str())))
        .map(|missing| Violation::new("ARCHITECTURE.md", format!("lacks the line `{missing}`")))
        .collect()
}

/// The least that satisfies this file's rules, for tests of the whole check.
#[cfg(test)]
pub fn minimal() -> Vec<(&'static str, String)> {
    let mut architecture = String::new();
    for invariant in INVARIANTS {
        architecture += &format!("- **Invariant:** {invariant}.\n");
    }
    for (name, allowed) in arrow_table() {
        architecture += &format!("| {name} | {allowed} |\n");
    }
    let mut files = vec![("ARCHITECTURE.md", architecture)];
    files.extend(REQUIRED_LINES.iter().map(|(path, line, _)| (*path, format!("{line}\n"))));
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_without_an_invariant_or_a_row_is_named() {
        let (_, complete) = minimal().swap_remove(0);
        assert_eq!(architecture(&complete), []);
        let mut lines: Vec<&str> = complete.lines().collect();
        lines.remove(4);
        assert_eq!(
            architecture(&lines.join("\n")),
            [Violation::new(
                "ARCHITECTURE.md",
                "lacks the line `**Invariant:** a resource folder uses no other resource folder`"
            )]
        );
        assert_eq!(architecture("").len(), INVARIANTS.len() + arrow_table().count());
    }

    #[test]
    fn ci_must_run_what_developers_run() {
        assert!(has_command("#!/bin/sh\nexec make test\n", "make test"));
        assert!(!has_command("# make test\nmake lint\n", "make test"));
        let places: Vec<String> = check(&[]).into_iter().map(|v| v.place).collect();
        for (path, ..) in REQUIRED_LINES {
            assert!(places.iter().any(|place| place == path), "{path}");
        }
    }
}
