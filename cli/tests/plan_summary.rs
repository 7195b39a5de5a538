//! Real plans of OpenTofu, Terraform and the provider, as they are told. `WINDLASS_BLESS=1` writes the
//! files that they are compared with.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Stands in the plans, as the value of a sensitive variable.
const SECRET: &str = "correct-horse-battery-staple";

fn plans() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/plans")
}

fn summary(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_windlass")).arg("plan-summary").args(words).output().unwrap()
}

fn told(plan: &str, format: &str) -> String {
    let told = summary(&[plans().join(plan).to_str().unwrap(), "--format", format]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    String::from_utf8(told.stdout).unwrap()
}

#[test]
fn every_plan_is_told_as_its_files_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans");
    let mut expected = Vec::new();
    for plan in ["create.json", "change.json", "destroy.json", "change-terraform.json", "stream.jsonl"] {
        for (format, end) in [("text", "txt"), ("markdown", "md"), ("html", "html")] {
            let name = format!("{}.{end}", plan.split('.').next().unwrap());
            expected.push((name, told(plan, format)));
        }
    }
    if std::env::var_os("WINDLASS_BLESS").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        expected.iter().for_each(|(name, text)| std::fs::write(folder.join(name), text).unwrap());
    }
    for (name, text) in &expected {
        let file = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert_eq!(&file, text, "{name}; WINDLASS_BLESS=1 writes it");
        assert!(!text.contains(SECRET), "{name}");
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), expected.len());
}

#[test]
fn the_plans_have_the_secret_that_no_summary_has() {
    let text = std::fs::read_to_string(plans().join("change.json")).unwrap();
    assert!(text.matches(SECRET).count() > 1);
}

#[test]
fn both_cores_say_the_same_of_one_change() {
    let without_core = |text: String| text.replace("1.11.4", "V").replace("1.12.6", "V");
    assert_eq!(
        without_core(told("change.json", "text")),
        without_core(told("change-terraform.json", "text"))
    );
}

#[test]
fn a_stream_tells_the_same_changes_as_the_plan() {
    let lines = |text: &str| {
        let signs = ["+ ", "- ", "~ ", "-/+ "];
        let own = text.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        let own = own.map(str::trim_start).filter(|line| signs.iter().any(|sign| line.starts_with(sign)));
        let own = own.map(|line| line.split(':').next().unwrap().to_owned());
        let mut own: Vec<String> = own.filter(|line| line.contains(" is ")).collect();
        own.sort();
        own
    };
    let (plan, stream) = (told("change.json", "text"), told("stream.jsonl", "text"));
    assert_eq!(lines(&plan), lines(&stream));
    assert_eq!(lines(&plan).len(), 6);
}

#[test]
fn files_are_written_beside_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (plan, comment, page) =
        (plans().join("change.json").display().to_string(), path("c.md"), path("p.html"));
    let done = summary(&[&plan, "--comment-file", &comment, "--comment-key", "prod", "--html-file", &page]);
    assert!(done.status.success());
    let comment = std::fs::read_to_string(comment).unwrap();
    assert!(comment.starts_with("<!-- windlass plan-summary: prod -->\n### Plan: "), "{comment}");
    assert!(std::fs::read_to_string(page).unwrap().starts_with("<!DOCTYPE html>"));
}

#[test]
fn a_planted_secret_fails_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(plans().join("change.json")).unwrap();
    let planted = text.replace("line 39 of the message", "key AKIAIOSFODNN7EXAMPLE");
    assert_ne!(planted, text);
    let (plan, out) = (folder.path().join("plan.json"), folder.path().join("out.md"));
    // In the one place that differs, so that it is shown.
    std::fs::write(&plan, planted).unwrap();
    let done = summary(&[plan.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    let said = String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert!(said.contains("An access key of AWS would be in it") && !said.contains("AKIAIOSF"), "{said}");
    assert!(!out.exists());
}
