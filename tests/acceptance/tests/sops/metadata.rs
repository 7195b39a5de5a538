//! `windlass_sops_metadata`: what a file tells without a key.

use acceptance_tests::{Keys, Workspace};
use sha2::{Digest as _, Sha256};
use sops::Format;

#[test]
fn a_file_tells_its_hash_and_recipients_to_who_has_no_key() {
    let (keys, workspace) = (Keys::generate(), Workspace::for_test());
    let sealed = keys.seal(Format::Yaml, "token: hunter2\n");
    workspace.write("secrets.yaml", &sealed);
    workspace.write(
        "main.tf",
        "data \"windlass_sops_metadata\" \"one\" {\n  source_file = \"secrets.yaml\"\n}\n\
         data \"windlass_sops_metadata\" \"text\" {\n  content = file(\"secrets.yaml\")\n  format = \"yaml\"\n}\n",
    );
    workspace.apply().expect_success();
    let facts = workspace.state("data.windlass_sops_metadata.one");
    let hash: String = Sha256::digest(&sealed).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(facts["sha256"], hash);
    assert_eq!(facts["recipients"], serde_json::json!([keys.recipient]));
    let written = facts["last_modified"].as_str().unwrap();
    assert!(sealed.contains(written) && written.ends_with('Z'), "{facts}");
    let other = workspace.state("data.windlass_sops_metadata.text");
    assert_eq!((&other["sha256"], &other["last_modified"]), (&facts["sha256"], &facts["last_modified"]));
    // Both would be wrong, and which is told first is chance.
    workspace
        .write("main.tf", "data \"windlass_sops_metadata\" \"one\" {\n  source_file = \"secrets.yaml\"\n}\n");
    workspace.write("secrets.yaml", "token: hunter2\n");
    workspace.plan().expect_error().says("not encrypted by SOPS").at("source_file");
}
