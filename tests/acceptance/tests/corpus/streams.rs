//! Any database, by commands in its container; and who is told that it was backed up.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use acceptance_tests::{Scratch, eventually, unique};
use lab::{Lab, Variant};

use crate::Corpus;

const BACKUP: &str = "windlass_corpus_backup.it";

/// A Redis of a test that starts again when it ends, removed when dropped.
struct Redis<'a> {
    lab: &'a Lab,
    place: &'a Scratch<'a>,
    name: String,
}

impl<'a> Redis<'a> {
    fn on(lab: &'a Lab, place: &'a Scratch<'a>) -> Self {
        let (name, image) = (unique("redis"), lab.image("redis").unwrap());
        place.root_runs(&["docker", "run", "-d", "--restart", "always", "--name", &name, image]);
        let redis = Self { lab, place, name };
        redis.until("PING", "PONG");
        redis
    }

    /// What it answers, if it does.
    fn asked(&self, question: &str) -> String {
        let words =
            [&["docker", "exec", &self.name, "redis-cli"][..], &question.split(' ').collect::<Vec<_>>()];
        let output = self.lab.exec(self.place.host(), &words.concat()).unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn until(&self, question: &str, answer: &str) {
        eventually(question, || self.asked(question) == answer);
    }

    fn block(&self, attributes: &str) -> String {
        format!("exec {{\n    container = \"{}\"\n    {attributes}\n  }}", self.name)
    }
}

impl Drop for Redis<'_> {
    fn drop(&mut self) {
        let _ = self.lab.exec(self.place.host(), &["docker", "rm", "-f", "-v", &self.name]);
    }
}

/// The recipe of the documentation.
const WRITE: &str = r#"command = ["sh", "-c", "redis-cli --rdb /tmp/dump.rdb >&2 && cat /tmp/dump.rdb"]
    verify_command = ["sh", "-c", "cat >/tmp/check.rdb && redis-check-rdb /tmp/check.rdb"]
    extension = "rdb""#;
const READ: &str = r#"restore_command = ["sh", "-c", "cat >/data/dump.rdb && { (sleep 1; redis-cli shutdown nosave) >/dev/null 2>&1 </dev/null & }"]"#;

/// A service that waits for calls, and how many came.
fn heartbeats() -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/ping/t0p-s3cret", listener.local_addr().unwrap());
    let count = Arc::new(AtomicU32::new(0));
    let counted = count.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let size = stream.read(&mut request).unwrap();
            assert!(request[..size].starts_with(b"GET /ping/t0p-s3cret "));
            counted.fetch_add(1, Ordering::SeqCst);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        }
    });
    (url, count)
}

#[test]
fn redis_comes_back_and_who_waits_is_told() {
    let lab = Lab::current().unwrap();
    let corpus = Corpus::new(&lab);
    let (from, to) = (Redis::on(&lab, &corpus.from), Redis::on(&lab, &corpus.to));
    let (url, count) = heartbeats();
    let heartbeat = format!("heartbeat_url_wo = \"{url}\"");
    assert_eq!(from.asked("SET greeting hello"), "OK");

    // A command that fails in a pipe has written nothing, or too little; nobody is told that all is well.
    for (command, says) in [
        ("[\"sh\", \"-c\", \"false | cat\"]", "without a byte"),
        ("[\"sh\", \"-c\", \"echo half; exit 3\"]", "3"),
    ] {
        let block = from.block(&format!("command = {command}\n    extension = \"rdb\""));
        corpus.back_up_from(from.place.host(), &format!("{block}\n  {heartbeat}"));
        corpus.workspace.apply().expect_error().says(says).says("no new snapshot");
    }
    // What is cut off is no snapshot, where the command that verifies says so.
    let cut = WRITE.replace("cat /tmp/dump.rdb", "head -c 50 /tmp/dump.rdb");
    corpus.back_up_from(from.place.host(), &format!("{}\n  {heartbeat}", from.block(&cut)));
    corpus.workspace.apply().expect_error().says("Unexpected EOF").says("no new snapshot");
    assert_eq!((corpus.snapshots().len(), count.load(Ordering::SeqCst)), (0, 0));

    corpus.back_up_from(
        from.place.host(),
        &format!("{}\n  verify = \"restore\"\n  {heartbeat}", from.block(WRITE)),
    );
    corpus.workspace.converge();
    assert_eq!(count.load(Ordering::SeqCst), 1);
    let state = std::fs::read_to_string(corpus.workspace.path().join("terraform.tfstate")).unwrap();
    assert!(!state.contains("t0p-s3cret"));
    assert!(corpus.workspace.state(BACKUP)["verified_at"].is_string());

    // It comes back over what is there, where that was said.
    assert_eq!(to.asked("SET greeting other"), "OK");
    corpus.restore_to(to.place.host(), &to.block(READ));
    corpus.workspace.apply().expect_error().says("is not known").says("as it was");
    let confirm = format!("overwrite = true\n  confirm = \"{}\"", to.name);
    corpus.restore_to(to.place.host(), &format!("{}\n  {confirm}", to.block(READ)));
    corpus.workspace.converge();
    to.until("GET greeting", "hello");
}

#[test]
fn what_is_restored_is_changed_before_it_takes_its_place() {
    let lab = Lab::current().unwrap();
    let corpus = Corpus::new(&lab);
    corpus.back_up(&corpus.from.path("data"), "");
    corpus.workspace.converge();
    let target = corpus.to.path("restored/data");
    // A command that fails leaves nothing in its place.
    corpus.restore("owner = \"4242:4243\"\n  transform = [\"sh\", \"-c\", \"rm a.txt; exit 9\"]");
    corpus.workspace.apply().expect_error().says("9").says("as it was");
    assert_eq!(corpus.to.root_runs(&["ls", "-A", &corpus.to.path("restored")]).trim(), "");
    corpus.restore(
        "owner = \"4242:4243\"\n  transform = [\"sh\", \"-c\", \"printf masked >deep/root-only && echo $WINDLASS_DIRECTORY >where\"]",
    );
    corpus.workspace.converge();
    assert_eq!(corpus.to.stat(&target, "%u:%g").trim(), "4242:4243");
    assert_eq!(corpus.to.stat(&format!("{target}/deep/er/large"), "%u:%g").trim(), "4242:4243");
    assert_eq!(corpus.to.read(&format!("{target}/deep/root-only")).unwrap(), "masked");
    assert!(corpus.to.read(&format!("{target}/where")).unwrap().contains("/.windlass-restore-"));
    let exec = "exec {\n    container = \"none\"\n    restore_command = [\"cat\"]\n  }\n  owner = \"1:1\"";
    corpus.restore_to(lab.host(Variant::Root).unwrap(), exec);
    corpus.workspace.plan().expect_error().says("is for files").at("owner");
}
