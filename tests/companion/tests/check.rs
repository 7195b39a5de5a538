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
        self.command(home, words).output().unwrap()
    }

    fn command(&self, home: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(windlass());
        command.arg("check").args(words).current_dir(self.0.path().join("repo")).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", home);
        // What is out there is not seen by the files.
        command.env("TAG", "leaked");
        command
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
        "app/compose.yaml:4: error: TOKEN is used and has no value, and .env.example does not name it (env_template)",
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
    assert!(text.contains("compose.yaml:2: warning: TAG has no value in .env"), "{text}");
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

/// A stack with all that a configuration can give one, of which a plan alone knows some.
const CONFIGURATION: &str = r#"
variable "token" { ephemeral = true }
variable "tag" { default = "1.26" }
locals { name = "web" }
provider "windlass" {
  require { healthchecks = true }
}
resource "windlass_compose_stack" "web" {
  host       = windlass_host.x.connection
  name       = local.name
  source_dir = "${path.module}/web"
  environment = {
    TAG  = var.tag
    PORT = windlass_host.x.number
  }
  secrets_wo         = { TOKEN = var.token }
  secrets_wo_version = "1"
  require {
    pinned_images      = "tag"
    host_ports_allowed = ["127.0.0.1:8080"]
    env_template       = ".env.example"
  }
}
"#;

#[test]
fn a_stack_is_checked_with_what_its_configuration_gives_it() {
    let here = Repository::new();
    here.write("infra/main.tf", CONFIGURATION).write("infra/web/compose.yaml", GOOD);
    here.write("infra/web/.env.example", "TAG=\nTOKEN=\nPORT=\n");
    here.write("infra/terraform.tfvars", "tag = \"1.27\"\n");
    let (code, text) = code_and_text(&here.check(&["infra"]));
    // Nobody knows the port yet, and nobody says that it is wrong.
    assert_eq!(
        (code, text.as_str()),
        (
            Some(0),
            "infra/main.tf:8: note: windlass_compose_stack.web: what its services publish or run depends on values that \
             only a plan knows; that is not checked (configuration) 1 project checked: 0 to correct, 0 to look at."
        )
    );
    here.write("infra/web/.env.example", "TAG=\nTOKEN=\nPORT=\nMORE=\n");
    here.write(
        "infra/web/compose.yaml",
        &GOOD
            .replace("    healthcheck", "    command: \"${LEVEL}\"\n    x-was")
            .replace("127.0.0.1:${PORT}", "9090"),
    );
    here.write("infra/terraform.tfvars", "tag = \"latest\"\n");
    let told = here.check(&["infra"]);
    let (code, text) = code_and_text(&told);
    assert_eq!(code, Some(2), "{text}");
    for expected in [
        "infra/main.tf:8: error: windlass_compose_stack.web: .env.example names variables that have no value: MORE.",
        "infra/web/compose.yaml:6: error: LEVEL has no value, and web of windlass_compose_stack.web cannot do without it",
        "infra/web/compose.yaml:2: error: services.web.image is \"nginx:latest\", which has a tag that moves (pinned_images)",
        "infra/web/compose.yaml:2: error: services.web.healthcheck is missing (healthchecks)",
        "services.web.ports publishes 9090->80/tcp on every address (host_ports_allowed)",
        "1 project checked: 5 to correct",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in {text}");
    }
    let (_, annotations) = code_and_text(&here.check(&["infra", "--format", "github"]));
    assert!(annotations.contains("::error file=infra/main.tf,line=8,title=env_template::"), "{annotations}");
    let (_, sarif) = code_and_text(&here.check(&["infra", "--format", "sarif"]));
    assert!(sarif.contains("\"uri\":\"infra/main.tf\"") && sarif.contains("\"startLine\":8"), "{sarif}");
}

#[test]
fn modules_instances_and_swarms_are_read_and_what_only_a_plan_knows_is_a_note() {
    let here = Repository::new();
    here.write(
        "main.tf",
        r#"
module "apps" {
  source   = "./apps"
  for_each = toset(["one", "two"])
  name     = each.key
}
module "far" { source = "example/far/aws" }
resource "windlass_compose_stack" "off" {
  count      = 0
  source_dir = "nowhere"
}
resource "windlass_compose_stack" "later" { source_dir = data.external.x.result.path }
resource "windlass_compose_stack" "gone" { source_dir = "./gone" }
resource "windlass_swarm_stack" "edge" {
  source_dir = "edge"
}
"#,
    );
    here.write(
        "apps/main.tf.json",
        r#"{
  "variable": {"name": {}},
  "resource": {
    "windlass_compose_stack": {
      "app": {
        "name": "${var.name}",
        "config": ["services:\n  app:\n    image: app-${var.name}\n"],
        "require": {"pinned_images": "tag"}
      }
    }
  }
}"#,
    );
    here.write("edge/compose.yaml", "services:\n  own:\n    build: .\n");
    let (code, text) = code_and_text(&here.check(&[]));
    assert_eq!(code, Some(2), "{text}");
    for expected in [
        "apps/main.tf.json:7: error: services.app.image is \"app-one\", which has no tag (pinned_images)",
        "apps/main.tf.json:7: error: services.app.image is \"app-two\", which has no tag (pinned_images)",
        "main.tf:7: note: module.far comes from elsewhere, and its stacks are not checked (configuration)",
        "main.tf:12: note: windlass_compose_stack.later is not checked: only a plan knows its `source_dir`",
        "main.tf:13: error: windlass_compose_stack.gone: there is no directory gone (source_dir)",
        "edge/compose.yaml: error: service \"own\" names no image: a swarm builds none (swarm)",
        "4 projects checked: 4 to correct, 0 to look at.",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in {text}");
    }
    here.write("broken.tf", "resource \"a\" {\n  x = \n}\n");
    let (code, text) = code_and_text(&here.check(&[]));
    assert!(code == Some(1) && text.contains("broken.tf:2 is not a configuration"), "{text}");
}

#[test]
fn what_has_to_have_a_value_that_only_a_plan_knows_is_no_finding_and_a_module_that_is_gone_is_one() {
    let here = Repository::new();
    here.write(
        "main.tf",
        "variable \"values\" { type = map(string) }\nresource \"windlass_compose_stack\" \"app\" {\n  name = \"app\"\n  \
         source_dir = \"${path.module}/app\"\n  environment = var.values\n}\n",
    );
    let required = "${PW:?}\", Q: \"${ALSO:?say it}\"";
    here.write(
        "app/compose.yaml",
        &format!("services: {{ a: {{ image: x, environment: {{ P: \"{required} }} }} }}\n"),
    );
    let (code, text) = code_and_text(&here.check(&["."]));
    assert!(
        code == Some(0) && text.contains("only a plan knows which variables `environment` gives"),
        "{text}"
    );
    here.write("more.tf", "module \"gone\" {\n  source = \"./gone\"\n}\n");
    let (code, text) = code_and_text(&here.check(&["."]));
    assert!(code == Some(2) && text.contains("error: module.gone: there is no directory ./gone"), "{text}");
}

#[test]
fn compose_is_found_where_the_docker_client_is_configured() {
    let here = Repository::new();
    here.write("compose.yaml", "services:\n  web: { image: nginx }\n");
    // A Compose that says something of its own, and that only DOCKER_CONFIG leads to.
    let plugin = here.0.path().join("elsewhere/cli-plugins/docker-compose");
    std::fs::create_dir_all(plugin.parent().unwrap()).unwrap();
    let script = "#!/bin/sh\ncase \"$*\" in *version*) echo '{\"version\":\"v5.0.0\"}' ;; *) echo seen-here >&2; exit 15 ;; esac\n";
    std::fs::write(&plugin, script).unwrap();
    std::fs::set_permissions(&plugin, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let home = here.0.path().join("home");
    let told = here.command(&home, &[]).env("DOCKER_CONFIG", "../elsewhere").output().unwrap();
    assert!(both(&told).contains("seen-here"), "{}", both(&told));
    assert_eq!(here.check(&[]).status.code(), Some(0));
}
