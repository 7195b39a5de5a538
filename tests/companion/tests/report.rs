//! `windlass report` and the comment of a pull request, against GitHub's API on loopback; a webhook
//! and a command as real ones.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use companion_tests::github::{GitHub, TOKEN};
use companion_tests::{both, windlass};
use tempfile::TempDir;

struct Repository {
    folder: TempDir,
    github: GitHub,
}

impl Repository {
    fn new(settings: &str) -> Self {
        let one = Self { folder: tempfile::tempdir().unwrap(), github: GitHub::start() };
        std::fs::write(one.folder.path().join("windlass.toml"), settings).unwrap();
        one
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(windlass());
        command
            .args(words)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("GITHUB_API_URL", self.github.address())
            .env("GITHUB_TOKEN", TOKEN)
            .env("GITHUB_REPOSITORY", "acme/infra");
        command
    }

    fn windlass(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Reports a failure with a text.
    fn failed(&self, text: &str) -> Output {
        let mut command = self.command(&["report", "drift", "--failed", "--title", "There is drift"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    fn ok(&self) -> Output {
        self.windlass(&["report", "drift", "--ok"])
    }
}

const ISSUE: &str = "[report]\nissue = \"acme/infra\"\n";

#[test]
fn an_issue_is_opened_updated_and_closed_by_itself_and_never_told_the_same_twice() {
    let here = Repository::new(ISSUE);
    // More than a page of others, and a pull request that quotes one.
    here.github.state(|state| {
        state.foreign("<!-- windlass report: drift 0000 -->".into(), true);
        for _ in 0..120 {
            state.foreign(serde_json::Value::Null, false);
        }
    });
    let told = |done: Output, expected: &[&str]| {
        assert!(done.status.success(), "{}", both(&done));
        assert_eq!(here.github.writes(), expected, "{}", both(&done));
    };
    told(here.ok(), &[]);
    told(here.failed("2026-11-30T04:00:00Z: 1 to change"), &["POST /issues"]);
    told(here.failed("2026-12-01T05:01:02Z: 1 to change"), &[]);
    let number = here.github.state(|state| *state.issues.last_key_value().unwrap().0);
    let (comments, issue) = (format!("POST /issues/{number}/comments"), format!("PATCH /issues/{number}"));
    told(here.failed("2 to change"), &[&comments, &issue]);
    told(here.failed("2 to change"), &[]);
    here.github.state(|state| {
        let issue = &state.issues[&number];
        let body = issue["body"].as_str().unwrap();
        assert!(body.contains("2 to change") && body.contains("**data**"), "{body}");
        assert_eq!(issue["title"], "There is drift");
        // Others come later.
        for _ in 0..120 {
            state.foreign(serde_json::Value::Null, false);
        }
    });
    told(here.ok(), &[&comments, &issue]);
    assert_eq!(here.github.state(|state| state.issues[&number]["state"].clone()), "closed");
    told(here.ok(), &[]);
    told(here.failed("2 to change"), &["POST /issues"]);
}

#[test]
fn what_never_ran_and_what_is_no_text_are_reported_as_well() {
    let here = Repository::new(ISSUE);
    let missing = here.windlass(&["report", "backup", "--", "no-such-program-anywhere"]);
    assert_eq!(missing.status.code(), Some(127), "{}", both(&missing));
    assert_eq!(here.github.writes(), ["POST /issues"]);
    let body =
        |number: u64| here.github.state(|state| state.issues[&number]["body"].as_str().unwrap().to_owned());
    assert!(body(1).contains("Could not run `no-such-program-anywhere`"), "{}", body(1));
    let mut command = here.command(&["report", "drift", "--failed"]);
    let mut child =
        command.stdin(Stdio::piped()).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"caf\xe9 is wrong").unwrap();
    let told = child.wait_with_output().unwrap();
    assert!(told.status.success(), "{}", both(&told));
    assert!(body(2).contains("is wrong"), "{}", body(2));
}

#[test]
fn a_command_that_is_reported_ends_as_it_does() {
    let here = Repository::new(ISSUE);
    let failed =
        here.windlass(&["report", "backup", "--", "sh", "-c", "echo connection refused >&2; exit 7"]);
    assert_eq!(failed.status.code(), Some(7), "{}", both(&failed));
    assert_eq!(here.github.writes(), ["POST /issues"]);
    let body = here.github.state(|state| state.issues[&1]["body"].as_str().unwrap().to_owned());
    assert!(body.contains("**network**") && body.contains("connection refused"), "{body}");
    assert!(both(&failed).contains("connection refused"));
    let done = here.windlass(&["report", "backup", "--", "echo", "done"]);
    assert!(done.status.success() && both(&done).contains("done"), "{}", both(&done));
    assert_eq!(here.github.state(|state| state.issues[&1]["state"].clone()), "closed");
}

#[test]
fn who_may_not_report_is_told_why_and_the_command_still_counts() {
    let here = Repository::new(ISSUE);
    let wrong = |words: &[&str]| here.command(words).env("GITHUB_TOKEN", "of-another").output().unwrap();
    let told = wrong(&["report", "drift", "--failed"]);
    assert_eq!(told.status.code(), Some(1));
    assert!(both(&told).contains("The answer was 401: Bad credentials."), "{}", both(&told));
    assert!(!both(&told).contains("of-another"));
    assert_eq!(wrong(&["report", "drift", "--", "sh", "-c", "exit 2"]).status.code(), Some(2));
    assert_eq!(wrong(&["report", "drift", "--", "true"]).status.code(), Some(1));
    let clear =
        here.command(&["report", "drift", "--ok"]).env("GITHUB_API_URL", "http://api.github.com").output();
    assert!(both(&clear.unwrap()).contains("a token is sent by https only"));
    let none = Repository::new("").ok();
    assert!(both(&none).contains("names nobody to tell"), "{}", both(&none));
}

#[test]
fn a_webhook_and_a_command_get_each_message_once() {
    let script = "cat > text; printf '%s %s %s' \"$WINDLASS_REPORT_KEY\" \"$WINDLASS_REPORT_STATUS\" \"$WINDLASS_REPORT_CLASS\" >> told; echo >> told";
    let here = Repository::new(&format!(
        "[report]\ncommand = [\"sh\", \"-c\", '''{script}''']\nmemory = \".reports\"\n"
    ));
    let told = |name: &str| std::fs::read_to_string(here.folder.path().join(name)).unwrap_or_default();
    assert!(here.ok().status.success());
    for text in ["1 to change", "1 to change", "2 to change"] {
        assert!(here.failed(text).status.success());
    }
    assert_eq!(
        (told("told").as_str(), told("text").as_str()),
        ("drift failed data\ndrift failed data\n", "2 to change")
    );
    assert!(here.ok().status.success() && here.ok().status.success());
    assert_eq!(told("told").lines().last(), Some("drift ok other"));
    assert_eq!(told("told").lines().count(), 3);
    // One that fails is asked again.
    let broken = Repository::new("[report]\ncommand = [\"false\"]\nmemory = \".reports\"\n");
    assert_eq!(broken.failed("x").status.code(), Some(1));
    assert_eq!(broken.failed("x").status.code(), Some(1));
}

/// A webhook that takes what it is posted; its address, and what it got.
fn webhook() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}/hook/s3cr3t-path", listener.local_addr().unwrap());
    let got = Arc::new(Mutex::new(Vec::new()));
    let of_server = Arc::clone(&got);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let lines: Vec<String> =
                reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
            let length = lines
                .iter()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut body).unwrap();
            of_server.lock().unwrap().push(format!("{}\n{}", lines[0], String::from_utf8(body).unwrap()));
            let _ = (&stream).write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
        }
    });
    (address, got)
}

#[test]
fn a_webhook_gets_each_message_once_whatever_becomes_of_the_command() {
    let here = Repository::new(
        "[report]\nwebhook_variable = \"HOOK\"\ncommand = [\"sh\", \"-c\", \"cat >> told; test -e fine\"]\nmemory = \".reports\"\n",
    );
    let (address, got) = webhook();
    let report = |variable: &str| {
        let mut command =
            here.command(&["report", "drift", "--", "sh", "-c", "echo connection refused; exit 3"]);
        command.env("HOOK", variable).output().unwrap()
    };
    // One that nobody answers keeps the message from no other, and tells no address.
    let failed = report("http://127.0.0.1:1/hook/s3cr3t-path");
    assert_eq!(failed.status.code(), Some(3));
    let text = both(&failed);
    assert!(
        text.contains("Could not post the report to the webhook") && text.contains("It ended with"),
        "{text}"
    );
    assert!(!text.contains("s3cr3t-path"), "{text}");
    for _ in 0..2 {
        assert!(both(&report(&address)).contains("Could not give the report"));
    }
    let posted = got.lock().unwrap().clone();
    let [only] = &posted[..] else { panic!("{posted:?}") };
    let (head, body) = only.split_once('\n').unwrap();
    assert_eq!(head, "POST /hook/s3cr3t-path HTTP/1.1");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (&body["key"], &body["ok"], &body["class"]),
        (&"drift".into(), &false.into(), &"network".into())
    );
    assert!(body["text"].as_str().unwrap().contains("connection refused"), "{body}");
    // Each try reached the command; once it takes one, it gets no more either.
    std::fs::write(here.folder.path().join("fine"), "").unwrap();
    for _ in 0..2 {
        assert!(!both(&report(&address)).contains("Could not"));
    }
    let told = std::fs::read_to_string(here.folder.path().join("told")).unwrap();
    assert_eq!(told.matches("connection refused").count(), 4, "{told}");
    assert_eq!(got.lock().unwrap().len(), 1);
}

#[test]
fn a_pull_request_has_one_comment_that_is_updated() {
    let here = Repository::new("");
    let number = here.github.state(|state| state.foreign("a pull request".into(), true)).to_string();
    let plans = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/plans");
    let publish = |plan: &str, key: &str| {
        let plan = plans.join(plan).display().to_string();
        let done = here.windlass(&["plan-summary", &plan, "--pull-request", &number, "--comment-key", key]);
        assert!(done.status.success(), "{}", both(&done));
        here.github.writes()
    };
    let first = format!("POST /issues/{number}/comments");
    assert_eq!(publish("create.json", "prod"), std::slice::from_ref(&first));
    assert_eq!(publish("create.json", "prod"), Vec::<String>::new());
    assert_eq!(publish("change.json", "prod"), ["PATCH /issues/comments"]);
    assert_eq!(publish("change.json", "drill"), [first]);
    let comments =
        here.github.state(|state| state.comments.values().map(|(_, text)| text.clone()).collect::<Vec<_>>());
    assert_eq!(comments.len(), 2);
    assert!(comments[0].contains("**data loss**"), "{}", comments[0]);
}
