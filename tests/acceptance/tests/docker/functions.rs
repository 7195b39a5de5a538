//! The functions, called by each CLI that has provider functions (1.8).

use acceptance_tests::{Workspace, every_cli};
use serde_json::json;

const CALLS: &str = r#"
locals {
  key  = "ssh-ed25519:SHA256:-DiY3wvvV6TuJJhbpZisF_zLDA0zPMSvHdkr4UvCOqU"
  text = <<-EOT
    x-base: &base { image: "base:1", profiles: [jobs] }
    services:
      web: { image: "web:$${TAG}" }
      job: { <<: *base }
      own: { build: . }
  EOT
}

resource "terraform_data" "later" {
  input = "web.example.org"
}

output "calls" {
  value = {
    plain    = provider::windlass::connection("ROOT@Web:22")
    options  = provider::windlass::connection("web", { user = "a", port = 2222, host_key = [local.key], jump = "b@gate", sudo = true })
    later    = provider::windlass::connection(terraform_data.later.output, { user = terraform_data.later.id == "" ? "x" : "y" })
    services = provider::windlass::compose_services(local.text)
    image    = provider::windlass::image_reference("nginx:1.27")
  }
}
"#;

#[test]
fn functions_are_called_by_every_cli_that_has_them() {
    for cli in every_cli().into_iter().filter(|cli| cli.version() >= (1, 8)) {
        let workspace = Workspace::with(&cli);
        workspace.write("main.tf", CALLS);
        workspace.converge();
        let shown = workspace.run(&["output", "-json", "calls"]).expect_success();
        let calls: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
        let expected = json!({
            "plain": "ssh://ROOT@web",
            "options":
                "ssh://a@web:2222?host_key=ssh-ed25519:SHA256:-DiY3wvvV6TuJJhbpZisF_zLDA0zPMSvHdkr4UvCOqU&jump=b@gate&sudo=1",
            "later": "ssh://y@web.example.org",
            "services": {
                "web": {"image": "web:${TAG}", "build": false, "profiles": []},
                "job": {"image": "base:1", "build": false, "profiles": ["jobs"]},
                "own": {"image": null, "build": true, "profiles": []},
            },
            "image": {
                "registry": "docker.io", "repository": "library/nginx", "tag": "1.27", "digest": null,
                "canonical": "docker.io/library/nginx:1.27", "familiar": "nginx:1.27",
            },
        });
        assert_eq!(calls, expected, "{}", cli.name);
        errors_name_the_argument(&workspace);
    }
}

fn errors_name_the_argument(workspace: &Workspace) {
    for (call, words) in [
        (
            "connection(\"web\", { colour = \"red\" })",
            &["options", "The option \"colour\" does not exist"][..],
        ),
        ("connection(\"http://web\")", &["address", "a connection starts with ssh:// or local://"]),
        ("compose_services(\"services: 3\")", &["text", "the text is not a valid Compose file"]),
        ("image_reference(\"Nginx\")", &["text", "must be in lower case"]),
    ] {
        workspace
            .write("main.tf", &format!("output \"wrong\" {{\n  value = provider::windlass::{call}\n}}\n"));
        let run = workspace.run(&["validate", "-no-color"]);
        let said = format!("{}{}", run.stdout, run.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(run.code, Some(1), "{call}: {said}");
        for word in words {
            assert!(said.replace("│ ", "").contains(word), "{word:?} is not in the answer to {call}: {said}");
        }
    }
}
