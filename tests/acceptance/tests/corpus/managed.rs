//! A Postgres that the host reaches by a URI, as a managed database.

use std::fs;

use acceptance_tests::hcl;
use lab::Lab;
use serde_json::json;

use crate::{
    Corpus,
    databases::{PASSWORD, Server},
};

const BACKUP: &str = "windlass_corpus_backup.it";

/// The password of the role that owns nothing, and makes databases and roles.
const MANAGERS: &str = "m-t0p-s3cret";

/// SQL that records what is there of the table `goods` at each step.
const SECTIONS: &str = r#"sections {
    before_pre_data  = "CREATE TABLE steps AS SELECT '1 ' || (to_regclass('public.goods') IS NULL) AS step"
    before_data      = "INSERT INTO steps SELECT '2 ' || count(*) FROM goods"
    before_post_data = "INSERT INTO steps SELECT '3 ' || count(*) || ' ' || (SELECT count(*) FROM pg_indexes WHERE tablename = 'goods') FROM goods"
    after_post_data  = "INSERT INTO steps SELECT '4 ' || count(*) FROM pg_indexes WHERE tablename = 'goods'"
  }"#;

/// A program of the host: that of the image, with the variables that it was called with.
const PROGRAM: &str = r#"#!/bin/sh
exec docker run --rm -i --network host -e PGHOST -e PGPASSWORD -e PGSSLMODE --entrypoint "${0##*/}" IMAGE "$@"
"#;

#[test]
fn a_server_that_the_host_reaches_is_dumped_proven_and_restored() {
    let lab = Lab::current().unwrap();
    let corpus = Corpus::new(&lab);
    let (from, to) = (Server::on(&lab, &corpus.from), Server::on(&lab, &corpus.to));
    from.fill();
    let role =
        format!("CREATE ROLE manager LOGIN CREATEDB CREATEROLE PASSWORD '{MANAGERS}'; GRANT app TO manager");
    from.sql("postgres", &role);
    let image = lab.image("postgres").unwrap();
    let block = |server: &Server<'_>, login: &str, more: &str| {
        let uri = format!("postgresql://{login}@{}/postgres?sslmode=disable", server.address());
        format!(
            "postgres {{\n    uri_wo = {}\n    uri_wo_version = \"1\"\n    database = \"shop\"\n    {more}\n  }}",
            hcl::quoted(&uri)
        )
    };
    let with_image = format!("image = {}", hcl::quoted(image));

    // It is proven by a server of the image, with SQL of one's own, by a role that may see no passwords.
    let managers = format!("manager:{MANAGERS}");
    let proof = "verify = \"restore\"\n  sections {\n    before_pre_data = \"CREATE EXTENSION pg_trgm\"\n  }";
    corpus.back_up_from(from.host(), &format!("{}\n  {proof}", block(&from, &managers, &with_image)));
    corpus.workspace.converge();
    let state = corpus.workspace.state(BACKUP);
    assert_eq!(state["file_count"], json!(3), "{state}");
    let snapshot = corpus.store().join(&corpus.snapshots()[0]);
    let globals = fs::read_to_string(snapshot.join("globals.sql")).unwrap();
    assert!(globals.contains("CREATE ROLE app") && !globals.contains("PASSWORD"), "{globals}");
    let manifest = fs::read_to_string(snapshot.join("snapshot.manifest.json")).unwrap();
    let kept = fs::read_to_string(corpus.workspace.path().join("terraform.tfstate")).unwrap();
    for text in [&manifest, &kept] {
        assert!(!text.contains(MANAGERS) && !text.contains(&from.address()), "{text}");
    }

    // SQL that fails leaves nothing.
    let login = format!("postgres:{PASSWORD}");
    let seen = corpus.to.path("seen");
    let transform =
        format!("transform = [\"sh\", \"-c\", \"echo $PGHOST $PGUSER $PGPASSWORD $PGDATABASE >{seen}\"]");
    let target = block(&to, &login, &with_image);
    let failing = SECTIONS.replace("'2 ' ||", "1 /");
    corpus.restore_to(to.host(), &format!("{target}\n  {failing}\n  {transform}"));
    let failed = corpus.workspace.apply().expect_error();
    failed.says("before the section data").says("division by zero").says("as it was");
    assert_eq!(to.databases(), "postgres");
    // It comes back section by section.
    corpus.restore_to(to.host(), &format!("{target}\n  {SECTIONS}\n  {transform}"));
    corpus.workspace.converge();
    assert_eq!(
        to.sql("shop", "SELECT string_agg(step, ', ' ORDER BY step) FROM steps"),
        "1 true, 2 0, 3 20000 0, 4 1"
    );
    assert_eq!(to.databases(), "postgres\nshop");
    assert_eq!(to.sql("shop", "SELECT tableowner FROM pg_tables WHERE tablename = 'goods'"), "app");
    let seen = corpus.to.read(&seen).unwrap();
    let known = format!("{} postgres {PASSWORD} windlass-restoring-", to.address());
    assert!(seen.starts_with(&known), "{seen}");

    // Without an image, the programs of the host are used.
    for program in ["pg_dump", "pg_dumpall", "psql"] {
        let path = format!("/usr/local/bin/{program}");
        corpus.to.write(&path, &PROGRAM.replace("IMAGE", image));
        corpus.to.root_runs(&["chmod", "755", &path]);
    }
    corpus.back_up_from(to.host(), &block(&to, &login, ""));
    let taken = corpus.workspace.apply();
    corpus.to.root_runs(&[
        "sh",
        "-c",
        "rm /usr/local/bin/pg_dump /usr/local/bin/pg_dumpall /usr/local/bin/psql",
    ]);
    taken.expect_success();
    assert_eq!(corpus.snapshots().len(), 2);
}
