//! Snapshots that are restored before they count.

use std::fs;

use acceptance_tests::hcl;
use lab::Lab;
use serde_json::json;

use crate::{Corpus, databases::Server};

const BACKUP: &str = "windlass_corpus_backup.it";

/// A question, and its answer.
fn check(sql: &str, expect: &str) -> String {
    format!("check {{\n    sql = {}\n    expect = {}\n  }}", hcl::quoted(sql), hcl::quoted(expect))
}

#[test]
fn a_dump_counts_once_it_was_restored() {
    let lab = Lab::current().unwrap();
    let corpus = Corpus::new(&lab);
    let server = Server::on(&lab, &corpus.from);
    server.fill();
    let proofs = || corpus.from.root_runs(&["docker", "ps", "-aq", "--filter", "name=windlass-proof-"]);
    let block = |more: &str| format!("{}\n  verify = \"restore\"\n  {more}", server.block(""));

    let rows = check("SELECT count(*) FROM goods WHERE id <= 100", "100");
    corpus.back_up_from(server.host(), &block(&rows));
    corpus.workspace.converge();
    let state = corpus.workspace.state(BACKUP);
    assert_eq!(state["file_count"], json!(3), "{state}");
    let tables = corpus.store().join(&corpus.snapshots()[0]).join("tables.json");
    let tables: serde_json::Value = serde_json::from_str(&fs::read_to_string(tables).unwrap()).unwrap();
    assert_eq!(tables, json!([{ "schema": "public", "name": "goods", "rows": 20000 }]));
    assert_eq!(proofs(), "");

    // Another answer than the expected one.
    let again = |number: u32| format!("triggers = {{ release = \"{number}\" }}");
    let wrong = check("SELECT count(*) FROM goods", "20001");
    corpus.back_up_from(server.host(), &format!("{}\n  {}", block(&wrong), again(1)));
    corpus.workspace.apply().expect_error().says("instead of").says("no new snapshot").at("verify");
    assert_eq!((corpus.snapshots().len(), proofs().as_str()), (1, ""));

    // Data that `pg_dump` leaves out, as those in tables of extensions: it ends well, and has fewer rows.
    server.sql("shop", "CREATE EXTENSION pg_trgm");
    server.sql("shop", "ALTER EXTENSION pg_trgm ADD TABLE goods; ALTER EXTENSION pg_trgm ADD VIEW cheap");
    corpus.back_up_from(server.host(), &format!("{}\n  {}", block(""), again(2)));
    corpus.workspace.apply().expect_error().says("goods").says("not what was dumped").at("verify");
    assert_eq!(corpus.snapshots().len(), 1);
    corpus.back_up_from(server.host(), &format!("{}\n  {}", server.block(""), again(3)));
    corpus.workspace.apply().expect_success();
    server.sql("shop", "ALTER EXTENSION pg_trgm DROP VIEW cheap; ALTER EXTENSION pg_trgm DROP TABLE goods");

    // A server that does not start says why.
    let bad = "server_args = [\"-c\", \"shared_preload_libraries=none\"]";
    corpus.back_up_from(server.host(), &format!("{}\n  {}", block(bad), again(4)));
    corpus.workspace.apply().expect_error().says("no server").says("\"none\"").at("verify");
    assert_eq!(proofs(), "");

    // Questions that nobody answers.
    corpus.back_up_from(server.host(), &format!("{}\n  {rows}", server.block("")));
    corpus.workspace.plan().expect_error().says("is for a database");
}

#[test]
fn encrypted_files_count_once_they_were_restored() {
    let lab = Lab::current().unwrap();
    let corpus = Corpus::new(&lab);
    let recipient = acceptance_tests::Keys::generate();
    let encrypt = format!("verify = \"restore\"\n  encrypt_to = [{}]", hcl::quoted(&recipient.recipient));
    corpus.back_up(&corpus.from.path("data"), &encrypt);
    corpus.workspace.converge();
    assert_eq!(corpus.workspace.state(BACKUP)["file_count"], json!(8));
    let folder = corpus.store().join(&corpus.snapshots()[0]);
    let manifest = fs::read_to_string(folder.join("snapshot.manifest.json")).unwrap();
    assert!(!manifest.contains("a.txt") && manifest.contains(&recipient.recipient), "{manifest}");
    // Who has no key restores nothing.
    corpus.restore("");
    corpus.workspace.apply().expect_error().says("none of the 0 private keys").says("as it was");
}
