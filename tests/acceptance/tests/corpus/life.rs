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
    let [taken_on, taken_at] = ["host", "created_at"].map(|name| {
        let all = &corpus.workspace.state("data.windlass_corpus_snapshots.it")["snapshots"];
        all[0][name].as_str().unwrap().to_owned()
    });
    let asked = |filter: &str| {
        let text = format!(
            "data \"windlass_corpus_snapshots\" \"it\" {{\n  store = {url}\n  name = \"prod\"\n  {filter}\n}}\n"
        );
        corpus.workspace.write("list.tf", &text);
        corpus.workspace.apply().expect_success();
        corpus.workspace.state("data.windlass_corpus_snapshots.it")["latest"].clone()
    };
    for filter in [("taken_on", taken_on.as_str()), ("since", &taken_at), ("until", &taken_at)] {
        assert_eq!(asked(&format!("{} = {}", filter.0, hcl::quoted(filter.1))), second["snapshot"]);
    }
    for filter in
        ["taken_on = \"other\"", "since = \"2100-01-01T00:00:00Z\"", "until = \"2000-01-01T00:00:00Z\""]
    {
        assert_eq!(asked(filter), Value::Null, "{filter}");
    }
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

#[test]
fn an_archive_is_packed_where_that_is_wanted() {
    let lab = Lab::current().unwrap();
    let corpus = Corpus::new(&lab);
    let path = corpus.from.path("data");
    let stored = |attributes: &str| {
        corpus.back_up(&path, attributes);
        corpus.workspace.converge();
        let state = corpus.workspace.state(BACKUP);
        let folder = corpus.store().join(state["snapshot"].as_str().unwrap());
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        (state["file_count"].clone(), state["stored_bytes"].as_u64().unwrap(), names.remove(1))
    };
    let (files, bytes, name) = stored("");
    assert_eq!(name, "snapshot.tar.zst");
    for compress in ["host", "local"] {
        let attributes = format!("compress = \"{compress}\"\n  triggers = {{ release = \"{compress}\" }}");
        let (again, same, name) = stored(&attributes);
        assert_eq!((again, name.as_str()), (files.clone(), "snapshot.tar.zst"));
        assert!(same.abs_diff(bytes) < bytes / 10, "{same} instead of {bytes}");
    }
    // Where it is packed is nothing to take another snapshot for.
    let before = corpus.snapshots();
    assert_eq!(stored("compress = \"host\"\n  triggers = { release = \"local\" }").2, "snapshot.tar.zst");
    assert_eq!(corpus.snapshots(), before);

    let none = "compress = \"none\"\n  triggers = { release = \"none\" }";
    let (again, more, name) = stored(none);
    assert_eq!((again, name.as_str(), more > bytes), (files, "snapshot.tar", true));
    corpus.restore("");
    corpus.workspace.converge();
    assert_eq!(Corpus::tree(&corpus.to, &corpus.to.path("restored/data")), Corpus::tree(&corpus.from, &path));

    corpus.back_up(&path, &format!("format = \"tgz\"\n  {none}"));
    corpus.workspace.plan().expect_error().says("`compress` is \"none\"").says("Nothing was changed");
    corpus.back_up(&path, "compress = \"remote\"");
    corpus.workspace.plan().expect_error().says("compress");
}
