//! The recipes of the documentation for other databases: each is run as it is written there.

use acceptance_tests::{Scratch, eventually, hcl, unique};
use lab::Lab;

use crate::Corpus;

/// The page that has the recipes of both resources.
const PAGES: [&str; 2] = [
    include_str!("../../../../docs/resources/corpus_backup.md"),
    include_str!("../../../../docs/resources/corpus_restore.md"),
];

/// The words of a command as both pages and configurations have them; the page has to have them.
fn documented(page: usize, line: &str) -> String {
    let words = format!("[\"sh\", \"-c\", {}]", hcl::quoted(line));
    assert!(PAGES[page].contains(&words), "the documentation does not have {words}");
    words
}

/// A container of a test, removed when dropped.
struct Container<'a> {
    lab: &'a Lab,
    place: &'a Scratch<'a>,
    name: String,
}

impl<'a> Container<'a> {
    fn of(lab: &'a Lab, place: &'a Scratch<'a>, image: &str, options: &[&str]) -> Self {
        let name = unique(image);
        let words = [&["docker", "run", "-d", "--name", &name][..], options, &[lab.image(image).unwrap()]];
        place.root_runs(&words.concat());
        Self { lab, place, name }
    }

    /// What a line prints in it.
    fn runs(&self, line: &str) -> String {
        self.place.root_runs(&["docker", "exec", &self.name, "sh", "-c", line]).trim().to_owned()
    }

    /// Whether a line ends well in it.
    fn can(&self, line: &str) -> bool {
        let words = ["docker", "exec", &self.name, "sh", "-c", line];
        self.lab.exec(self.place.host(), &words).unwrap().status.success()
    }

    fn until(&self, line: &str) {
        eventually(line, || self.can(line));
    }

    fn block(&self, attributes: &str) -> String {
        format!("exec {{\n    container = \"{}\"\n    {attributes}\n  }}", self.name)
    }

    /// The same for a restore over what is there.
    fn target(&self, command: &str) -> String {
        let block = self.block(&format!("restore_command = {command}"));
        format!("{block}\n  overwrite = true\n  confirm = \"{}\"", self.name)
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        let _ = self.lab.exec(self.place.host(), &["docker", "rm", "-f", "-v", &self.name]);
    }
}

#[test]
fn sqlite_comes_back_with_what_is_not_in_its_file_yet() {
    let lab = Lab::current().unwrap();
    let corpus = Corpus::new(&lab);
    let db = Container::of(&lab, &corpus.from, "sqlite", &[]);
    let dump =
        "sqlite3 'file:/data/app.db?mode=rw' '.backup /tmp/app.db' && cat /tmp/app.db && rm /tmp/app.db";
    let check = "cat >/tmp/check.db && test \"$(sqlite3 /tmp/check.db 'PRAGMA integrity_check')\" = ok";
    let block = |line: &str| {
        db.block(&format!(
            "command = {line}\n    verify_command = {}\n    extension = \"db\"",
            documented(0, check)
        ))
    };
    // A database that is not there is not made, and is no snapshot.
    corpus.back_up_from(db.place.host(), &block(&documented(0, dump)));
    corpus.workspace.apply().expect_error().says("unable to open").says("no new snapshot");
    assert!(!db.can("test -e /data/app.db"));

    // A writer that stays has its last row in the log beside the file alone.
    db.runs("sqlite3 /data/app.db 'PRAGMA journal_mode = wal; CREATE TABLE goods (name text); INSERT INTO goods VALUES (1)'");
    let writer = "(echo 'INSERT INTO goods VALUES (2);'; sleep 1000) | sqlite3 /data/app.db";
    db.place.root_runs(&["docker", "exec", "-d", &db.name, "sh", "-c", writer]);
    db.until("test \"$(sqlite3 -readonly /data/app.db 'SELECT count(*) FROM goods')\" = 2");
    // One that is cut off is none.
    let cut = dump.replace("cat /tmp/app.db", "head -c 5000 /tmp/app.db");
    corpus.back_up_from(db.place.host(), &block(&format!("[\"sh\", \"-c\", {}]", hcl::quoted(&cut))));
    corpus.workspace.apply().expect_error().says("no new snapshot");
    corpus.back_up_from(db.place.host(), &block(&documented(0, dump)));
    corpus.workspace.converge();

    // It comes back while others have it open.
    db.runs("sqlite3 /data/app.db 'DELETE FROM goods; INSERT INTO goods VALUES (9)'");
    let restore =
        documented(1, "cat >/tmp/new.db && sqlite3 /data/app.db '.restore /tmp/new.db' && rm /tmp/new.db");
    corpus.restore_to(db.place.host(), &db.target(&restore));
    corpus.workspace.apply().expect_success();
    assert_eq!(
        db.runs("sqlite3 /data/app.db 'SELECT name FROM goods ORDER BY 1; PRAGMA integrity_check'"),
        "1\n2\nok"
    );
}

#[test]
fn mariadb_comes_back_with_its_procedures() {
    let lab = Lab::current().unwrap();
    let corpus = Corpus::new(&lab);
    let db = Container::of(&lab, &corpus.from, "mariadb", &["-e", "MARIADB_ROOT_PASSWORD=t0p-s3cret"]);
    let asks = |sql: &str| format!("MYSQL_PWD=$MARIADB_ROOT_PASSWORD mariadb -uroot -N -e \"{sql}\"");
    db.until(&asks("SELECT 1"));
    db.runs(&asks(
        "CREATE DATABASE shop; USE shop; CREATE TABLE goods AS SELECT seq AS id FROM seq_1_to_1000; CREATE PROCEDURE two() \
         SELECT 2",
    ));
    let dump = "MYSQL_PWD=$MARIADB_ROOT_PASSWORD exec mariadb-dump --single-transaction --routines --events -uroot shop";
    let check = documented(0, "tail -n 1 | grep -q '^-- Dump completed'");
    let block = |words: &str| {
        db.block(&format!("command = {words}\n    verify_command = {check}\n    extension = \"sql\""))
    };
    // In a pipe, what was killed ends well.
    let cut = format!("[\"sh\", \"-c\", {}]", hcl::quoted(&format!("({dump}) | head -n 30")));
    corpus.back_up_from(db.place.host(), &block(&cut));
    corpus.workspace.apply().expect_error().says("no new snapshot");
    corpus.back_up_from(db.place.host(), &block(&documented(0, dump)));
    corpus.workspace.converge();

    db.runs(&asks("DELETE FROM shop.goods WHERE id > 5; DROP PROCEDURE shop.two"));
    let restore = documented(1, "MYSQL_PWD=$MARIADB_ROOT_PASSWORD exec mariadb -uroot shop");
    corpus.restore_to(db.place.host(), &db.target(&restore));
    corpus.workspace.apply().expect_success();
    assert_eq!(db.runs(&asks("SELECT count(*) FROM shop.goods; CALL shop.two()")), "1000\n2");
}
