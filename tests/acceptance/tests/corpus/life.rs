//! From the first snapshot to the destruction.

use acceptance_tests::hcl;
use lab::Lab;
use serde_json::{Value, json};

use crate::Corpus;

const BACKUP: &str = "windlass_corpus_backup.it";
const RESTORE: &str = "windlass_corpus_restore.it";

fn triggers(release: u32, more: &str) -> String {
    format!("exclude = [\"/cache\"]\n  triggers = {{ release = \"{release}\" }}\n  {more}")
}

#[test]
fn a_corpus_is_backed_up_and_comes_back_on_another_machine() {
    let lab = Lab::current().unwrap();
    let corpus = Corpus::new(&lab);
    let path = corpus.from.path("data");

    // Before the first release there is nothing.
    corpus.back_up(&corpus.from.path("none"), "");
    corpus.workspace.apply().expect_error().says("There is no ").says("if_missing");
    corpus.back_up(&corpus.from.path("none"), "if_missing = \"skip\"");
    corpus.workspace.apply().expect_success().expect_warning("Took no snapshot");
    assert_eq!(corpus.workspace.state(BACKUP)["snapshot"], Value::Null);
    corpus.workspace.expect_no_changes();

    // Taken, kept, taken again for another release; the plan says which one goes.
    corpus.back_up(&path, &triggers(1, "max_age = \"26h\""));
    corpus.workspace.converge();
    let first = corpus.workspace.state(BACKUP);
    assert_eq!((&first["file_count"], &first["size_bytes"]), (&json!(7), &json!(8_242_895)), "{first}");
    assert_eq!(corpus.snapshots(), [first["snapshot"].as_str().unwrap()]);
    assert!(first["verified_at"].is_string());
    corpus.from.write(&format!("{path}/a.txt"), "two");
    corpus.back_up(&path, &triggers(2, "retention {\n    last = 1\n  }"));
    corpus.workspace.plan().expect_success().expect_warning("1 snapshot of corpus \"prod\" will go");
    corpus.workspace.expect_change(BACKUP, &["update"]);
    corpus.workspace.converge();
    let second = corpus.workspace.state(BACKUP);
    assert_eq!(corpus.snapshots(), [second["snapshot"].as_str().unwrap()]);

    // It comes back with everything that it had, but for what was left out.
    corpus.restore("");
    corpus.workspace.converge();
    let restored = corpus.workspace.state(RESTORE);
    assert_eq!(restored["snapshot_id"], second["snapshot"]);
    corpus.from.root_runs(&["rm", "-r", &format!("{path}/cache")]);
    let target = corpus.to.path("restored/data");
    assert_eq!(Corpus::tree(&corpus.to, &target), Corpus::tree(&corpus.from, &path));
    assert_eq!(corpus.to.root_runs(&["ls", "-A", &corpus.to.path("restored")]).trim(), "data");

    // What is live is not wiped by surprise.
    corpus.to.write(&format!("{target}/live"), "new");
    corpus.restore("triggers = { drill = \"2\" }");
    corpus.workspace.plan().expect_error().says("overwrite");
    corpus.restore("triggers = { drill = \"2\" }\n  overwrite = true");
    corpus.workspace.plan().expect_error().says("confirm");
    assert_eq!(corpus.to.read(&format!("{target}/live")).as_deref(), Some("new"));
    let confirm = hcl::quoted(&target);
    corpus.restore(&format!("triggers = {{ drill = \"2\" }}\n  overwrite = true\n  confirm = {confirm}"));
    corpus.workspace.converge();
    assert_eq!(corpus.to.read(&format!("{target}/live")), None);

    // The list tells it, and what is too old or gone is noticed by the next plan.
    let url = hcl::quoted(&corpus.url());
    corpus.workspace.write(
        "list.tf",
        &format!(
            "data \"windlass_corpus_snapshots\" \"it\" {{\n  store = {url}\n  name = \"prod\"\n  max_age = \"1s\"\n}}\n\
             output \"latest\" {{\n  value = data.windlass_corpus_snapshots.it.latest\n}}\n\
             output \"stale\" {{\n  value = data.windlass_corpus_snapshots.it.stale\n}}\n"
        ),
    );
    corpus.workspace.apply().expect_success().expect_warning("no recent snapshot");
    let manifest = corpus.store().join(second["snapshot"].as_str().unwrap()).join("snapshot.manifest.json");
    std::fs::rename(&manifest, manifest.with_extension("away")).unwrap();
    corpus.workspace.plan().expect_success().expect_warning("is gone");
    std::fs::rename(manifest.with_extension("away"), &manifest).unwrap();

    // Destroying forgets the data, and keeps the snapshots unless that was said.
    corpus.back_up(&path, &triggers(2, "on_destroy = \"delete\""));
    corpus.workspace.apply().expect_success();
    corpus.workspace.destroy().expect_success();
    assert!(corpus.snapshots().is_empty());
    assert_eq!(corpus.to.read(&format!("{target}/a.txt")).as_deref(), Some("two"));
}
