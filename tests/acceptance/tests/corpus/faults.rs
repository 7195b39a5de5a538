//! What goes wrong takes nothing with it.

use std::{fs, time::Duration};

use acceptance_tests::{eventually_every, hcl};
use lab::Lab;

use crate::Corpus;

#[test]
fn a_restore_that_fails_leaves_what_was_there() {
    let lab = Lab::current().unwrap();
    let corpus = Corpus::new(&lab);
    corpus.back_up(&corpus.from.path("data"), "keep_for = \"720h\"\n  on_destroy = \"delete\"");
    corpus.workspace.apply().expect_success();
    let target = corpus.to.path("restored/data");
    corpus.to.root_runs(&["mkdir", "-p", &target]);
    corpus.to.write(&format!("{target}/live"), "data");

    // It is not empty.
    corpus.restore("");
    corpus.workspace.apply().expect_error().says("is not empty").says("as it was");

    // A bit of the archive is another one.
    let archive = corpus.store().join(&corpus.snapshots()[0]).join("snapshot.tar.zst");
    let mut bytes = fs::read(&archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&archive, &bytes).unwrap();
    corpus.restore(&format!("overwrite = true\n  confirm = {}", hcl::quoted(&target)));
    corpus.workspace.apply().expect_error().says("not what was stored").says("as it was");
    assert_eq!(corpus.to.read(&format!("{target}/live")).as_deref(), Some("data"));
    assert_eq!(corpus.to.root_runs(&["ls", "-A", &corpus.to.path("restored")]).trim(), "data");
    bytes[middle] ^= 1;
    fs::write(&archive, &bytes).unwrap();

    // What is mounted cannot change places, and stays.
    corpus.to.root_runs(&["mount", "-t", "tmpfs", "none", &target]);
    corpus.to.write(&format!("{target}/live"), "mounted");
    corpus.workspace.apply().expect_error().says("mounted on").says("as it was");
    assert_eq!(corpus.to.read(&format!("{target}/live")).as_deref(), Some("mounted"));
    corpus.to.root_runs(&["umount", &target]);
    corpus.workspace.apply().expect_success();
    assert_eq!(corpus.to.read(&format!("{target}/live")), None);

    // What is held stays, whatever is destroyed.
    corpus.workspace.destroy().expect_success().expect_warning("are held");
    assert_eq!(corpus.snapshots().len(), 1);
}

#[test]
fn a_backup_that_fails_leaves_no_snapshot() {
    let lab = Lab::current().unwrap();
    let corpus = Corpus::new(&lab);
    let path = corpus.from.path("data");
    corpus.back_up(&path, "");
    corpus.from.root_runs(&["mkfifo", &format!("{path}/pipe")]);
    corpus.workspace.apply().expect_error().says("pipe").says("no new snapshot");
    corpus.from.root_runs(&["rm", &format!("{path}/pipe")]);
    corpus.from.root_runs(&["ln", "-s", "/etc", &format!("{path}/out")]);
    corpus.workspace.apply().expect_error().says("leads out").says("links");
    corpus.from.root_runs(&["rm", &format!("{path}/out")]);

    // The provider dies in the middle: what it left is no snapshot, and no hindrance.
    corpus.from.root_runs(&["sh", "-c", "head -c 300000000 /dev/zero >\"$1\"/zeros", "x", &path]);
    let running = corpus.workspace.start_apply();
    eventually_every(Duration::from_millis(5), "an upload began", || !corpus.snapshots().is_empty());
    running.kill();
    drop(running.finish());
    let folder = corpus.store().join(&corpus.snapshots()[0]);
    assert!(!folder.join("snapshot.manifest.json").exists());
    corpus.from.root_runs(&["rm", &format!("{path}/zeros")]);
    fs::remove_file(corpus.workspace.path().join(".terraform.tfstate.lock.info")).ok();
    corpus.workspace.apply().expect_success();
    let sealed = corpus
        .snapshots()
        .iter()
        .filter(|id| corpus.store().join(id).join("snapshot.manifest.json").exists())
        .count();
    assert_eq!((corpus.snapshots().len(), sealed), (2, 1));
    assert_eq!(corpus.workspace.state("windlass_corpus_backup.it")["file_count"], 8);
}
