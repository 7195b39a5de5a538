//! A bucket of a real server that speaks S3, beside the CLI.

use std::{fs, time::Duration};

use acceptance_tests::{eventually_every, hcl};
use backup::store::s3_server::{BUCKET, KEY, KEY_ID, S3Server};
use lab::Lab;
use serde_json::json;

use crate::Corpus;

const BACKUP: &str = "windlass_corpus_backup.it";
const LIST: &str = "data.windlass_corpus_snapshots.it";

/// A `store` block for the bucket of `server`.
fn block(server: &S3Server, name: &str, bucket: &str, key: &str) -> String {
    format!(
        "store {{\n    name = \"{name}\"\n    url = \"s3://{bucket}/prod\"\n    endpoint = \"{}\"\n    access_key_id = \"{KEY_ID}\"\n    \
         secret_access_key = \"{key}\"\n  }}\n",
        server.endpoint()
    )
}

/// The ids that the bucket has below its prefix.
fn snapshots(server: &S3Server) -> Vec<String> {
    let keys = server.keys();
    let ids = keys.iter().filter_map(|key| key.strip_suffix("/snapshot.manifest.json"));
    ids.map(|id| id.trim_start_matches("prod/").to_owned()).collect()
}

fn provider(lab: &Lab, corpus: &Corpus<'_>, more: &str) {
    corpus.workspace.write("provider.tf", &hcl::provider_block(lab, more));
}

fn list(corpus: &Corpus<'_>) {
    let store = hcl::quoted(corpus.elsewhere.as_deref().unwrap());
    corpus.workspace.write(
        "list.tf",
        &format!("data \"windlass_corpus_snapshots\" \"it\" {{\n  store = {store}\n  name = \"bucket\"\n  max_age = \"1h\"\n}}\n"),
    );
}

#[test]
fn a_corpus_goes_to_a_bucket_and_comes_back_on_another_machine() {
    let (lab, server) = (Lab::current().unwrap(), S3Server::start());
    let mut corpus = Corpus { name: "bucket", ..Corpus::new(&lab) };
    let path = corpus.from.path("data");
    // Larger than a part of an upload, and it does not get smaller.
    corpus.from.root_runs(&["sh", "-c", "head -c 40000000 /dev/urandom >\"$1\"/large", "x", &path]);

    // By a block of the provider.
    provider(&lab, &corpus, &block(&server, "away", BUCKET, KEY));
    corpus.elsewhere = Some("away".to_owned());
    corpus.back_up(&path, "retention {\n    last = 1\n  }\n  triggers = { release = \"1\" }");
    corpus.workspace.converge();
    let first = corpus.workspace.state(BACKUP);
    let id = first["snapshot"].as_str().unwrap();
    assert_eq!(first["location"], json!(format!("s3://{BUCKET}/prod/{id}")));
    assert!(first["verified_at"].is_string() && server.pending_parts() == 0, "{first}");
    assert!(server.asked().iter().any(|asked| asked.query.contains("partNumber=2")));
    assert_eq!(snapshots(&server), [id]);
    assert!(corpus.snapshots().is_empty());
    list(&corpus);
    corpus.restore("");
    corpus.workspace.converge();
    let (target, list) = (corpus.to.path("restored/data"), corpus.workspace.state(LIST));
    assert_eq!(Corpus::tree(&corpus.to, &target), Corpus::tree(&corpus.from, &path));
    assert_eq!((&list["latest"], &list["stale"]), (&json!(id), &json!(false)));
    assert_eq!(list["snapshots"].as_array().unwrap().len(), 1);

    // By a URL and the environment; another spelling of a store is another store, and takes another one.
    provider(&lab, &corpus, "");
    corpus.elsewhere = Some(format!("s3://{BUCKET}/prod"));
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", KEY_ID),
        ("AWS_SECRET_ACCESS_KEY", KEY),
        ("AWS_ENDPOINT_URL", &server.endpoint()),
    ] {
        corpus.workspace.env(name, value);
    }
    fs::remove_file(corpus.workspace.path().join("restore.tf")).unwrap();
    fs::remove_file(corpus.workspace.path().join("list.tf")).unwrap();
    corpus.back_up(&path, "retention {\n    last = 1\n  }\n  triggers = { release = \"2\" }");
    corpus.workspace.plan().expect_success().expect_warning("1 snapshot of corpus \"bucket\" will go");
    corpus.workspace.converge();
    let second = corpus.workspace.state(BACKUP)["snapshot"].as_str().unwrap().to_owned();
    assert!(second != id && snapshots(&server) == [second.clone()], "{second}");
    let state = fs::read_to_string(corpus.workspace.path().join("terraform.tfstate")).unwrap();
    assert!(!state.contains(KEY));

    // What is deleted with it is gone from the bucket.
    corpus.back_up(&path, "triggers = { release = \"2\" }\n  on_destroy = \"delete\"");
    corpus.workspace.apply().expect_success();
    corpus.workspace.destroy().expect_success();
    assert_eq!(server.keys(), Vec::<String>::new());
}

#[test]
fn a_bucket_that_lets_nobody_in_is_told_with_the_block() {
    let (lab, server) = (Lab::current().unwrap(), S3Server::start());
    let mut corpus = Corpus { name: "told", ..Corpus::new(&lab) };
    corpus.back_up(&corpus.from.path("data"), "");
    let told = |corpus: &Corpus<'_>| corpus.workspace.apply().expect_error();

    // No key at all.
    corpus.elsewhere = Some(format!("s3://{BUCKET}/prod"));
    corpus.back_up(&corpus.from.path("data"), "");
    told(&corpus).says("There is no key").says("AWS_ACCESS_KEY_ID").says("no new snapshot");

    // A wrong one, a bucket that is not there, a block that is not there.
    corpus.elsewhere = Some("away".to_owned());
    corpus.back_up(&corpus.from.path("data"), "");
    provider(&lab, &corpus, &block(&server, "away", BUCKET, "another"));
    told(&corpus).says("did not let us").says("`store` block \"away\"").says("no new snapshot");
    provider(&lab, &corpus, &block(&server, "away", "missing", KEY));
    told(&corpus).says("There is no bucket \"missing\"").says("`url`").says("no new snapshot");
    provider(&lab, &corpus, &block(&server, "other", BUCKET, KEY));
    told(&corpus).says("There is no store \"away\"").says("other");
    assert_eq!(server.keys(), Vec::<String>::new());

    // Once it is right, all is well.
    provider(&lab, &corpus, &block(&server, "away", BUCKET, KEY));
    corpus.workspace.apply().expect_success();
    assert_eq!(snapshots(&server).len(), 1);
}

#[test]
fn a_bucket_that_is_cut_off_in_the_middle_has_no_snapshot() {
    let (lab, server) = (Lab::current().unwrap(), S3Server::start());
    let mut corpus = Corpus { name: "cut", ..Corpus::new(&lab) };
    let path = corpus.from.path("data");
    corpus.from.root_runs(&["sh", "-c", "head -c 80000000 /dev/urandom >\"$1\"/large", "x", &path]);
    provider(&lab, &corpus, &block(&server, "away", BUCKET, KEY));
    corpus.elsewhere = Some("away".to_owned());
    corpus.back_up(&path, "");

    // The provider dies in the middle of an upload; what it left is no snapshot, and no hindrance.
    let running = corpus.workspace.start_apply();
    eventually_every(Duration::from_millis(2), "an upload began", || server.pending_parts() > 0);
    running.kill();
    drop(running.finish());
    assert_eq!(snapshots(&server), Vec::<String>::new());
    fs::remove_file(corpus.workspace.path().join(".terraform.tfstate.lock.info")).ok();
    corpus.workspace.converge();
    assert_eq!(snapshots(&server).len(), 1);
}

#[test]
fn copies_are_proven_by_themselves_and_the_first_that_is_whole_comes_back() {
    let (lab, server) = (Lab::current().unwrap(), S3Server::start());
    let corpus = Corpus { name: "copies", ..Corpus::new(&lab) };
    let path = corpus.from.path("data");
    let release = |number: u32| format!("copies = [\"away\"]\n  triggers = {{ release = \"{number}\" }}");
    provider(&lab, &corpus, &block(&server, "away", BUCKET, KEY));
    corpus.back_up(&path, &release(1));
    corpus.workspace.converge();
    assert!(corpus.workspace.state(BACKUP)["copies_verified_at"]["away"].is_string());
    assert_eq!(snapshots(&server), corpus.snapshots());

    // A copy that fails is told, the snapshot stays, and only what is missing is made.
    provider(&lab, &corpus, &block(&server, "away", BUCKET, "another"));
    corpus.back_up(&path, &release(2));
    corpus.workspace.apply().expect_error().says("did not let us").says("is recorded");
    assert_eq!((corpus.snapshots().len(), snapshots(&server).len()), (2, 1));
    provider(&lab, &corpus, &block(&server, "away", BUCKET, KEY));
    corpus.workspace.expect_change(BACKUP, &["update"]);
    corpus.workspace.converge();
    assert_eq!((corpus.snapshots().len(), snapshots(&server)), (2, corpus.snapshots()));

    // A bit of the first store is another one, then it is not there at all.
    let last = corpus.workspace.state(BACKUP)["snapshot"].as_str().unwrap().to_owned();
    let archive = corpus.store().join(&last).join("snapshot.tar.zst");
    let mut bytes = fs::read(&archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&archive, &bytes).unwrap();
    let restored = |name: &str, warning: &str| {
        let target = corpus.to.path(name);
        let attributes = format!("path = {}\n  copies = [\"away\"]", hcl::quoted(&target));
        corpus.restore_to(corpus.to.host(), &attributes);
        corpus.workspace.apply().expect_success().expect_warning("from another store").says(warning);
        let state = corpus.workspace.state("windlass_corpus_restore.it");
        assert_eq!(
            (&state["restored_from"], &state["snapshot_id"]),
            (&json!(format!("s3://{BUCKET}/prod")), &json!(last))
        );
        assert_eq!(Corpus::tree(&corpus.to, &target), Corpus::tree(&corpus.from, &path));
    };
    restored("first", "not what was stored");
    fs::rename(corpus.store(), corpus.workspace.path().join("away")).unwrap();
    restored("second", "could not list the snapshots");
}
