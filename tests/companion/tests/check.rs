//! `windlass check` with a real Compose, and nothing that Compose could reach.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Command, Output};

use companion_tests::{both, compose, windlass};
use tempfile::TempDir;

/// A repository, and a home with a docker client's plugin and nothing else.
struct Repository(TempDir);

impl Repository {
    fn new() -> Self {
        let one = Self(tempfile::tempdir().unwrap());
        let plugins = one.0.path().join("home/.docker/cli-plugins");
        std::fs::create_dir_all(&plugins).unwrap();
        std::os::unix::fs::symlink(compose(), plugins.join("docker-compose")).unwrap();
        one
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.0.path().join("repo").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    fn check_at(&self, home: &Path, words: &[&str]) -> Output {
        let mut command = Command::new(windlass());
        command.arg("check").args(words).current_dir(self.0.path().join("repo")).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", home);
        // What is out there is not seen by the files.
        command.env("TAG", "leaked").output().unwrap()
    }

    fn check(&self, words: &[&str]) -> Output {
        self.check_at(&self.0.path().join("home"), words)
    }
}

fn code_and_text(told: &Output) -> (Option<i32>, String) {
    (told.status.code(), both(told))
}

const RULES: &str = "[check]\ndirectories = [\"app\"]\nswarm = [\"edge\"]\n[check.require]\npinned_images = \"tag\"\n\
    healthchecks = true\nhost_ports_allowed = [\"127.0.0.1:8080\"]\nenv_template = \".env.example\"\n";
const GOOD: &str = "services:\n  web:\n    image: nginx:${TAG}\n    environment: { T: \"${TOKEN}\" }\n    \
    ports: [\"127.0.0.1:${PORT}:80\"]\n    healthcheck: { test: [CMD, \"true\"] }\n";

#[test]
fn a_good_project_is_told_by_its_template_alone() {
    let here = Repository::new();
    here.write("windlass.toml", RULES).write("app/compose.yaml", GOOD);
    here.write("app/.env.example", "TAG=1.27\nTOKEN=\nPORT=8080\n");
    // What only the host has need not be there.
    here.write("app/compose.yaml", &GOOD.replace("    ports", "    env_file: [.env]\n    ports"));
    let (code, text) = code_and_text(&here.check(&["app"]));
    assert_eq!((code, text.as_str()), (Some(0), "1 project checked: 0 to correct, 0 to look at."));
}

#[test]
fn what_is_to_be_corrected_has_its_rule_and_its_line() {
    let here = Repository::new();
    here.write("windlass.toml", RULES).write("app/.env.example", "PORT=9090\n");
    here.write("app/compose.yaml", &GOOD.replace(":${TAG}", "").replace("    healthcheck", "    x-was"));
    here.write("edge/compose.yaml", &GOOD.replace("services:\n", "services:\n  own:\n    build: .\n"));
    here.write("edge/.env.example", "TAG=1\nTOKEN=\nPORT=8080\n");
    let (code, text) = code_and_text(&here.check(&[]));
    assert_eq!(code, Some(2), "{text}");
    for expected in [
        "app/compose.yaml:2: error: services.web.image is \"nginx\", which has no tag (pinned_images)",
        "app/compose.yaml:2: error: services.web.healthcheck is missing (healthchecks)",
        "9090",
        "app/compose.yaml: error: TOKEN is used and has no value, and .env.example does not name it (env_template)",
        "edge/compose.yaml: error: service \"own\" names no image: a swarm builds none (swarm)",
        "2 projects checked:",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in {text}");
    }
    let (code, annotations) = code_and_text(&here.check(&["app", "--format", "github"]));
    assert_eq!(code, Some(2));
    assert!(
        annotations.contains("::error file=app/compose.yaml,line=2,title=pinned_images::"),
        "{annotations}"
    );
    let (_, sarif) = code_and_text(&here.check(&["app", "--format", "sarif"]));
    assert!(sarif.contains("\"version\":\"2.1.0\"") && sarif.contains("\"startLine\":2"), "{sarif}");
    let (_, json) = code_and_text(&here.check(&["app", "--format", "json"]));
    assert!(json.contains("\"rule\":\"pinned_images\""), "{json}");
}

#[test]
fn without_a_template_values_may_come_from_a_configuration() {
    let here = Repository::new();
    here.write("compose.yaml", "services:\n  web: { image: \"nginx:${TAG}\" }\n");
    let (code, text) = code_and_text(&here.check(&[]));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("compose.yaml: warning: TAG has no value in .env"), "{text}");
    here.write("compose.yaml", "services:\n  web: { imagee: x }\n");
    let (code, text) = code_and_text(&here.check(&[]));
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("imagee") && text.contains("(compose)"), "{text}");
}

#[test]
fn what_cannot_be_checked_is_no_finding() {
    let here = Repository::new();
    here.write("README", "");
    let (code, text) = code_and_text(&here.check(&[]));
    assert!(code == Some(1) && text.contains("There is no Compose file in it"), "{text}");
    let (code, text) = code_and_text(&here.check(&["nowhere"]));
    assert!(code == Some(1) && text.contains("Could not check nowhere"), "{text}");
    here.write("compose.yaml", "services:\n  web: { image: nginx }\n");
    let (code, text) = code_and_text(&here.check_at(Path::new("/nonexistent"), &[]));
    // Where the machine has a plugin of its own, that is asked.
    assert!(code == Some(0) || code == Some(1) && text.contains("ompose"), "{text}");
    here.write("windlass.toml", "[check.require]\npinned = true\n");
    let (code, text) = code_and_text(&here.check(&[]));
    assert!(code == Some(1) && text.contains("unknown field `pinned`"), "{text}");
}
