//! `windlass_sops_file` as a resource: an encrypted file where the CLI runs.

use std::fs;

use acceptance_tests::{Keys, SecretHunt, Workspace, hcl, test_cli_since};
use secret::Secret;
use sops::{File, Format, Identities, Value};

const FILE: &str = "windlass_sops_file.test";
const PASSWORD: &str = "hunter2-Kq7-open";

/// The file for these recipients, with a content of the version.
fn configure(workspace: &Workspace, recipients: &[&Keys], version: &str, content: &str) {
    let recipients: Vec<String> = recipients.iter().map(|keys| hcl::quoted(&keys.recipient)).collect();
    workspace.write(
        "main.tf",
        &format!(
            "variable \"password\" {{ ephemeral = true }}\nresource \"windlass_sops_file\" \"test\" {{\n  path = \"out/prod.yaml\"\n  \
             content_wo = {content}\n  content_wo_version = {version:?}\n  recipients = [{}]\n}}\n",
            recipients.join(", ")
        ),
    );
}

fn opened(workspace: &Workspace, keys: &Keys) -> Option<Value> {
    let text = fs::read_to_string(workspace.path().join("out/prod.yaml")).unwrap();
    let mut identities = Identities::of_text(&Secret::new(keys.identity.as_str()), "a test").unwrap();
    File::open(&text, Format::Yaml, &mut identities).ok().map(|(_, tree)| tree)
}

fn lines(workspace: &Workspace) -> Vec<String> {
    let text = fs::read_to_string(workspace.path().join("out/prod.yaml")).unwrap();
    text.lines().filter(|line| line.contains("ENC[") && !line.contains("mac:")).map(str::to_owned).collect()
}

#[test]
fn a_file_is_written_changed_and_encrypted_for_others() {
    let mut workspace = Workspace::with(&test_cli_since((1, 11)));
    let (one, two) = (Keys::generate(), Keys::generate());
    let hunt = SecretHunt::new(&[PASSWORD]);
    hunt.log_everything(&mut workspace);
    workspace.env("TF_VAR_password", PASSWORD).env("SOPS_AGE_KEY", &one.identity);
    let content = |port: u16| format!("{{ db = {{ password = var.password, port = {port} }} }}");
    configure(&workspace, &[&one], "1", &content(1));
    hunt.in_run(&workspace.plan().expect_success());
    workspace.converge();
    let tree = opened(&workspace, &one).unwrap();
    let db = tree.get("db").unwrap();
    assert!(
        db.get("password").and_then(Value::as_text) == Some(PASSWORD)
            && db.get("port") == Some(&Value::Int(1))
    );

    // Another value of one name: the others keep their ciphertext.
    let before = lines(&workspace);
    configure(&workspace, &[&one], "2", &content(2));
    workspace.expect_change(FILE, &["update"]);
    workspace.converge();
    let after = lines(&workspace);
    assert_eq!(before.iter().filter(|line| !after.contains(line)).count(), 1, "{before:#?}\n{after:#?}");

    // Another recipient: a new key, which who has left cannot open.
    configure(&workspace, &[&two], "2", &content(2));
    workspace.expect_change(FILE, &["update"]);
    workspace.converge();
    assert!(opened(&workspace, &one).is_none() && opened(&workspace, &two).is_some());
    assert!(lines(&workspace).iter().all(|line| !after.contains(line)));

    // Somebody else has written it: seen, and undone, without a key.
    let foreign = one.seal(Format::Yaml, "a: b\n");
    workspace.write("out/prod.yaml", &foreign);
    workspace.expect_change(FILE, &["update"]);
    workspace.converge();
    assert!(opened(&workspace, &two).unwrap().get("db").is_some());
    fs::remove_file(workspace.path().join("out/prod.yaml")).unwrap();
    workspace.expect_change(FILE, &["create"]);
    workspace.converge();
    hunt.in_workspace(&workspace);

    // Attributes about its end touch nothing.
    let written = fs::read(workspace.path().join("out/prod.yaml")).unwrap();
    let main = fs::read_to_string(workspace.path().join("main.tf")).unwrap();
    workspace.write("main.tf", &main.replace("  path =", "  on_destroy = \"keep\"\n  path ="));
    workspace.converge();
    workspace.destroy().expect_success();
    assert_eq!(fs::read(workspace.path().join("out/prod.yaml")).unwrap(), written);

    // One that is there is not overwritten, but adopted.
    workspace.apply().expect_error().says("is there already").at("path");
    workspace.import(FILE, "out/prod.yaml").expect_success();
    workspace.write("main.tf", &main);
    workspace.converge();
    workspace.destroy().expect_success();
    assert!(!workspace.path().join("out/prod.yaml").exists());
}

#[test]
fn what_cannot_be_written_names_its_attribute() {
    let mut workspace = Workspace::with(&test_cli_since((1, 11)));
    workspace.env("TF_VAR_password", PASSWORD);
    let keys = Keys::generate();
    configure(&workspace, &[&keys], "1", "{ sops = var.password }");
    workspace.apply().expect_error().says("a part named `sops`").at("content_wo");
    configure(&workspace, &[&keys], "1", "{ big = 18446744073709551615 }");
    workspace.apply().expect_error().says("more digits than SOPS can keep").at("content_wo");
    assert!(!workspace.path().join("out").exists());
    let nobody = Keys { identity: String::new(), recipient: "age1nobody".to_owned() };
    configure(&workspace, &[&nobody], "1", "{ a = var.password }");
    workspace.plan().expect_error().says("cannot encrypt for `age1nobody`").at("recipients");
}
