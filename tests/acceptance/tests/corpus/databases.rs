//! A database of a real Postgres, dumped on one host and restored on another.

use std::fs;

use acceptance_tests::{Scratch, eventually, hcl, unique};
use lab::{Host, Lab, Variant};
use serde_json::json;

use crate::Corpus;

const BACKUP: &str = "windlass_corpus_backup.it";
pub(crate) const PASSWORD: &str = "pg-t0p-s3cret";

/// A Postgres of a test, removed when dropped.
pub(crate) struct Server<'a> {
    place: &'a Scratch<'a>,
    name: String,
}

impl<'a> Server<'a> {
    pub(crate) fn on(lab: &Lab, place: &'a Scratch<'a>) -> Self {
        let (name, image) = (unique("postgres"), lab.image("postgres").unwrap());
        let password = format!("POSTGRES_PASSWORD={PASSWORD}");
        place.root_runs(&["docker", "run", "-d", "--name", &name, "-e", &password, image]);
        let server = Self { place, name };
        let ready = ["docker", "exec", &server.name, "pg_isready", "-h", "127.0.0.1"];
        eventually("Postgres is ready", || lab.exec(place.host(), &ready).unwrap().status.success());
        server
    }

    /// What `psql` prints for `sql` in `database`.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        let psql = ["psql", "-X", "-A", "-t", "-q", "-U", "postgres", "-v", "ON_ERROR_STOP=1"];
        let words = [&["docker", "exec", &self.name][..], &psql, &["-d", database, "-c", sql]].concat();
        self.place.root_runs(&words).trim().to_owned()
    }

    pub(crate) fn fill(&self) {
        self.sql("postgres", "CREATE ROLE app LOGIN PASSWORD 'app-pw'");
        self.sql("postgres", "CREATE DATABASE shop OWNER app");
        self.sql(
            "shop",
            "CREATE TABLE goods (id int PRIMARY KEY, name text NOT NULL); ALTER TABLE goods OWNER TO app; \
             INSERT INTO goods SELECT n, 'good ' || n FROM generate_series(1, 20000) n; \
             CREATE VIEW cheap AS SELECT * FROM goods WHERE id < 10",
        );
    }

    /// What somebody would miss: rows, their content, the view, owners and rights to log in.
    fn content(&self) -> String {
        let rows = "SELECT count(*), md5(string_agg(name, ',' ORDER BY id)) FROM goods";
        let owners =
            "SELECT tableowner, (SELECT count(*) FROM cheap) FROM pg_tables WHERE tablename = 'goods'";
        let database = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'shop'";
        let role = "SELECT rolcanlogin, rolpassword <> '' FROM pg_authid WHERE rolname = 'app'";
        [rows, owners, database, role].map(|sql| self.sql("shop", sql)).join("\n")
    }

    /// Where the host reaches it.
    pub(crate) fn address(&self) -> String {
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        self.place.root_runs(&["docker", "inspect", "--format", format, &self.name]).trim().to_owned()
    }

    pub(crate) fn databases(&self) -> String {
        self.sql("postgres", "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1")
    }

    pub(crate) fn host(&self) -> &Host {
        self.place.host()
    }

    pub(crate) fn block(&self, more: &str) -> String {
        format!("postgres {{\n    container = \"{}\"\n    database = \"shop\"\n    {more}\n  }}", self.name)
    }
}

impl Drop for Server<'_> {
    fn drop(&mut self) {
        self.place.root_runs(&["docker", "rm", "-f", "-v", &self.name]);
    }
}

#[test]
fn a_database_is_dumped_and_comes_back_on_another_machine() {
    let lab = Lab::current().unwrap();
    let corpus = Corpus::new(&lab);
    let (from, to) = (Server::on(&lab, &corpus.from), Server::on(&lab, &corpus.to));

    // A database that is not there yet is nothing to back up, where that was said.
    corpus.back_up_from(from.place.host(), &from.block(""));
    corpus.workspace.apply().expect_error().says("no database \"shop\"").says("no new snapshot");
    assert!(corpus.snapshots().is_empty());
    from.fill();
    // By the programs of an image, which the server asks for the password.
    let secret = format!("password_wo = {}", hcl::quoted(PASSWORD));
    let image = hcl::quoted(lab.image("postgres").unwrap());
    corpus.back_up_from(from.place.host(), &from.block(&format!("{secret}\n    image = {image}")));
    corpus.workspace.converge();
    let state = corpus.workspace.state(BACKUP);
    assert_eq!(state["file_count"], json!(2), "{state}");
    assert!(
        !fs::read_to_string(corpus.workspace.path().join("terraform.tfstate")).unwrap().contains(PASSWORD)
    );

    // It comes back with its roles.
    corpus.restore_to(to.place.host(), &to.block(""));
    corpus.workspace.converge();
    assert_eq!(to.content(), from.content());
    assert_eq!(to.databases(), "postgres\nshop");

    // What is live goes only where that was said, whoever is connected.
    to.sql("shop", "DELETE FROM goods WHERE id > 5");
    corpus.restore_to(to.place.host(), &format!("{}\n  triggers = {{ drill = \"2\" }}", to.block("")));
    corpus.workspace.plan().expect_error().says("overwrite");
    let overwrite = "triggers = { drill = \"2\" }\n  overwrite = true\n  confirm = \"shop\"";
    let client = ["docker", "exec", "-d", &to.name, "psql", "-U", "postgres", "-d", "shop", "-c"];
    to.place.root_runs(&[&client[..], &["SELECT pg_sleep(1000)"]].concat());
    corpus.restore_to(to.place.host(), &format!("{}\n  {overwrite}", to.block("")));
    corpus.workspace.converge();
    assert_eq!(to.content(), from.content());
    assert_eq!(to.databases(), "postgres\nshop");

    // A dump of which a bit is another one leaves what is there.
    let part = corpus.store().join(&corpus.snapshots()[0]).join("database.dump");
    let mut bytes = fs::read(&part).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&part, &bytes).unwrap();
    to.sql("shop", "DELETE FROM goods WHERE id > 5");
    let live = to.content();
    corpus.restore_to(to.place.host(), &format!("{}\n  {}", to.block(""), overwrite.replace('2', "3")));
    corpus.workspace.apply().expect_error().says("database.dump").says("as it was");
    assert_eq!((to.content(), to.databases().as_str()), (live, "postgres\nshop"));
    bytes[middle] ^= 1;
    fs::write(&part, &bytes).unwrap();

    // Without globals it belongs to who restores it.
    to.sql("postgres", "DROP DATABASE shop");
    to.sql("postgres", "DROP ROLE app");
    corpus.restore_to(
        to.place.host(),
        &format!("{}\n  triggers = {{ drill = \"4\" }}", to.block("globals = false")),
    );
    corpus.workspace.plan().expect_error().says("overwrite");
    corpus.restore_to(
        to.place.host(),
        &format!(
            "{}\n  {}",
            to.block(&format!("globals = false\n    {secret}")),
            overwrite.replace('2', "4")
        ),
    );
    corpus.workspace.converge();
    assert_eq!(to.sql("shop", "SELECT count(*) FROM goods"), "20000");
    assert_eq!(to.sql("shop", "SELECT tableowner FROM pg_tables WHERE tablename = 'goods'"), "postgres");
}

#[test]
fn a_container_that_is_not_there_is_named_and_may_be_skipped() {
    let lab = Lab::current().unwrap();
    let corpus = Corpus::new(&lab);
    let host = lab.host(Variant::Sudo).unwrap();
    let block =
        "postgres {\n    stack = \"windlass-none\"\n    service = \"db\"\n    database = \"shop\"\n  }";
    corpus.back_up_from(host, block);
    corpus.workspace.apply().expect_error().says("no database \"shop\"").says("if_missing");
    corpus.back_up_from(host, &format!("{block}\n  if_missing = \"skip\""));
    corpus.workspace.apply().expect_success().expect_warning("Took no snapshot");
}
