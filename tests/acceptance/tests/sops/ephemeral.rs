//! `windlass_sops_file` for the time of one run.

use acceptance_tests::{Keys, SecretHunt, Workspace, test_cli_since};

const PLAIN: &str = "# about\ndb:\n  password: hunter2-Kq7-open\n  port: 5432\nflags: [true, null, 0.1]\nid: 12345678901234567\n";

/// What is read goes to a file by a write-only attribute, and types are checked where values are known.
const CONFIGURATION: &str = r#"
ephemeral "windlass_sops_file" "secrets" {
  source_file = "${path.module}/secrets.yaml"
  lifecycle {
    postcondition {
      condition = (
        self.value.db.port + 1 == 5433 && self.value.flags[0] && self.value.flags[1] == null &&
        self.value.flags[2] * 10 == 1 && format("%d", self.value.id) == "12345678901234567" &&
        yamldecode(self.raw).db.password == self.value.db.password
      )
      error_message = "another value"
    }
  }
}

resource "windlass_file" "out" {
  host               = "local://"
  path               = "PATH"
  mode               = "0600"
  content_wo         = ephemeral.windlass_sops_file.secrets.value.db.password
  content_wo_version = fileexists("secrets.yaml") ? filesha256("secrets.yaml") : "none"
}
"#;

fn workspace() -> Workspace {
    let workspace = Workspace::with(&test_cli_since((1, 11)));
    let path = workspace.home().join("out").display().to_string();
    workspace.write("main.tf", &CONFIGURATION.replace("PATH", &path));
    workspace
}

#[test]
fn values_have_their_types_and_are_in_neither_plan_nor_state() {
    let (keys, mut workspace) = (Keys::generate(), workspace());
    workspace.env("SOPS_AGE_KEY", &keys.identity);
    keys.write(&workspace, "secrets.yaml", PLAIN);
    let hunt = SecretHunt::new(&["hunter2-Kq7-open", &keys.identity]);
    hunt.log_everything(&mut workspace);
    hunt.in_run(&workspace.plan().expect_success());
    hunt.in_run(&workspace.apply().expect_success());
    let out = workspace.home().join("out");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "hunter2-Kq7-open");
    workspace.expect_no_changes();
    std::fs::remove_file(&out).unwrap();
    hunt.in_workspace(&workspace);
}

#[test]
fn the_key_of_the_block_is_the_only_one_that_counts() {
    let (keys, other, mut workspace) = (Keys::generate(), Keys::generate(), workspace());
    workspace.env("SOPS_AGE_KEY", &other.identity).env("TF_VAR_key", &keys.identity);
    keys.write(&workspace, "secrets.yaml", PLAIN);
    workspace
        .plan()
        .expect_error()
        .says("Could not open \"./secrets.yaml\"")
        .says(&format!(
            "None of the 1 identities at hand opens the file, which is encrypted for {}",
            keys.recipient
        ))
        .at("source_file");
    let block =
        "variable \"key\" { ephemeral = true }\nprovider \"windlass\" {\n  sops { age_key = var.key }\n}\n";
    workspace.write("provider.tf", block);
    workspace.plan().expect_success();
    workspace.write("key.txt", &format!("# created\n{}\n", keys.identity));
    workspace.write("provider.tf", "provider \"windlass\" {\n  sops { age_key_file = \"key.txt\" }\n}\n");
    workspace.plan().expect_success();
}

#[test]
fn what_was_changed_or_is_none_is_refused_with_its_attribute() {
    let (keys, mut workspace) = (Keys::generate(), workspace());
    workspace.env("SOPS_AGE_KEY", &keys.identity);
    workspace.plan().expect_error().says("\"./secrets.yaml\" cannot be read").at("source_file");
    workspace.write("secrets.yaml", PLAIN);
    workspace.plan().expect_error().says("not encrypted by SOPS").says("sops encrypt").at("source_file");
    let sealed = keys.seal(sops::Format::Yaml, PLAIN);
    workspace.write("secrets.yaml", &sealed.replace("    port:", "    door:").replace("port:", "door:"));
    workspace
        .plan()
        .expect_error()
        .says("The value at `db")
        .says("restore the last good version")
        .at("source_file");
}
