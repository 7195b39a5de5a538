//! The workflows in `.github/`: linted, pinned, and with no more permissions than they need.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use companion_tests::{actionlint, both};

fn github() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.github")
}

fn files() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = ["workflows", "actions/setup-windlass"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(github().join(folder)).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yml"))
        .collect();
    found.sort();
    found
}

fn lint(paths: &[PathBuf]) -> Output {
    Command::new(actionlint()).arg("-no-color").args(paths).current_dir(github().join("..")).output().unwrap()
}

#[test]
fn the_linter_has_nothing_to_say() {
    let workflows: Vec<PathBuf> = files().into_iter().filter(|path| !path.ends_with("action.yml")).collect();
    assert!(workflows.len() >= 7, "{workflows:?}");
    let told = lint(&workflows);
    assert!(told.status.success(), "{}", both(&told));
    // One that is wrong is seen: the linter reads expressions, and actions of our own.
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("wrong.yml");
    let text = std::fs::read_to_string(github().join("workflows/drift.yml")).unwrap();
    std::fs::write(&wrong, text.replace("github.token", "github.tokn")).unwrap();
    assert!(!lint(&[wrong]).status.success());
}

#[test]
fn every_configuration_that_a_workflow_runs_is_there() {
    let mut seen = 0;
    for path in files() {
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let Some((_, root)) = line.split_once("ROOT: ") else { continue };
            let main = github().join("..").join(root).join("main.tf");
            assert!(main.is_file(), "{}: there is no {}", path.display(), main.display());
            seen += 1;
        }
    }
    assert!(seen >= 4);
}

#[test]
fn the_drill_that_a_workflow_runs_is_the_one_that_the_roots_tell_of() {
    let roots = github().join("../terraform/roots/README.md");
    let told = std::fs::read_to_string(roots).unwrap();
    let settings: Vec<&str> = told.lines().map(str::trim).collect();
    let workflow = std::fs::read_to_string(github().join("workflows/drill.yml")).unwrap();
    for command in ["windlass drill run ", "windlass drill destroy "] {
        let (_, name) = workflow.split_once(command).unwrap();
        let name = name.split_whitespace().next().unwrap();
        assert!(settings.contains(&format!("[drill.{name}]").as_str()), "{command}{name}");
    }
    let directory = settings.iter().find_map(|line| line.strip_prefix("directory    = ")).unwrap();
    let directory = github().join("..").join(directory.trim_matches('"'));
    assert!(directory.join("main.tf").is_file(), "{}", directory.display());
    // Whoever cancels a run leaves something, which a later step destroys.
    let (_, destroys) = workflow.split_once("Destroy what is left").unwrap();
    assert!(destroys.trim_start().starts_with("if: always()"));
}

#[test]
fn actions_of_others_are_pinned_by_commit() {
    let mut seen = 0;
    for path in files() {
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let Some((_, used)) = line.split_once("uses: ") else { continue };
            if used.starts_with("./") {
                continue;
            }
            let (commit, version) = used.split_once('@').unwrap().1.split_once(" # v").unwrap_or(("", ""));
            let is_commit = commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
            assert!(
                is_commit && version.starts_with(|c: char| c.is_ascii_digit()),
                "{}: {line}",
                path.display()
            );
            seen += 1;
        }
    }
    assert!(seen >= 10);
}

#[test]
fn no_workflow_may_more_than_its_jobs_need() {
    for path in files().into_iter().filter(|path| !path.ends_with("action.yml")) {
        let text = std::fs::read_to_string(&path).unwrap();
        let top: Vec<&str> = text.lines().skip_while(|line| *line != "permissions:").skip(1).collect();
        let granted: Vec<&&str> = top.iter().take_while(|line| line.starts_with("  ")).collect();
        assert_eq!(granted, [&"  contents: read"], "{}", path.display());
        assert!(!text.contains("write-all") && !text.contains("pull_request_target"), "{}", path.display());
        // What somebody else has written is no part of a script.
        for line in
            text.lines().filter(|line| line.contains("${{ inputs.") || line.contains("${{ github.event"))
        {
            let is_value = line
                .trim_start()
                .split_once(": ")
                .is_some_and(|(name, _)| name != "run" && !name.contains(' '));
            assert!(is_value, "{}: {line}", path.display());
        }
    }
}
