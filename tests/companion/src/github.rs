//! GitHub's API for issues and comments, on loopback and strict: a call that the real one would not
//! take is answered as there, and remembered as wrong. Written from its documentation
//! (`POST /repos/{owner}/{repo}/issues` and its neighbours, version 2022-11-28).

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// The token that it knows.
pub const TOKEN: &str = "ghs_of_the_test";
const REPOSITORY: &str = "/repos/acme/infra";

/// What it has.
#[derive(Default)]
pub struct State {
    /// Issues and pull requests, by number.
    pub issues: BTreeMap<u64, Value>,
    /// Comments, by id, with the number of their issue.
    pub comments: BTreeMap<u64, (u64, String)>,
    /// What changed something, as `POST /issues`.
    pub writes: Vec<String>,
    /// Calls that the real one would not take.
    pub wrong: Vec<String>,
    next: u64,
}

/// A server.
pub struct GitHub {
    address: String,
    state: Arc<Mutex<State>>,
}

struct Call {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    headers: BTreeMap<String, String>,
    body: String,
}

impl GitHub {
    /// One that listens until the test ends.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State { next: 1, ..State::default() }));
        let of_server = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&of_server);
                std::thread::spawn(move || serve(&stream, &state));
            }
        });
        Self { address, state }
    }

    /// Its address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Looks at what it has, or changes it.
    pub fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap())
    }

    /// What changed something since this was asked last; no call may have been wrong.
    pub fn writes(&self) -> Vec<String> {
        self.state(|state| {
            assert_eq!(state.wrong, Vec::<String>::new());
            std::mem::take(&mut state.writes)
        })
    }
}

impl State {
    /// An issue that somebody else has opened.
    pub fn foreign(&mut self, body: Value, is_pull_request: bool) -> u64 {
        let number = self.number();
        let mut issue = json!({ "number": number, "state": "open", "title": "x", "body": body });
        if is_pull_request {
            issue["pull_request"] = json!({ "url": "x" });
        }
        self.issues.insert(number, issue);
        number
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    fn answer(&mut self, call: &Call) -> (u16, Value) {
        let header = |name: &str| call.headers.get(name).map(String::as_str).unwrap_or_default();
        let expected = [
            ("accept", "application/vnd.github+json".to_owned()),
            ("x-github-api-version", "2022-11-28".to_owned()),
        ];
        for (name, value) in &expected {
            if header(name) != value {
                self.wrong.push(format!("{name}: {}", header(name)));
            }
        }
        if header("user-agent").is_empty() {
            return (403, json!({ "message": "Request forbidden by administrative rules." }));
        }
        if header("authorization") != format!("Bearer {TOKEN}") {
            return (401, json!({ "message": "Bad credentials" }));
        }
        let Some(path) = call.path.strip_prefix(REPOSITORY) else { return not_found() };
        let body: Value =
            if call.method == "GET" { Value::Null } else { serde_json::from_str(&call.body).unwrap() };
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let write = if let ["issues", "comments", _] = parts.as_slice() {
            "/issues/comments".to_owned()
        } else {
            path.to_owned()
        };
        if call.method != "GET" {
            self.writes.push(format!("{} {write}", call.method));
        }
        match (call.method.as_str(), parts.as_slice()) {
            ("GET", ["issues"]) => self.list(call),
            ("POST", ["issues"]) => self.create(&body),
            ("PATCH", ["issues", number]) => self.change(number.parse().unwrap(), &body),
            ("GET", ["issues", number, "comments"]) => {
                let number: u64 = number.parse().unwrap();
                let all = self.comments.iter().filter(|(_, (of, _))| *of == number);
                page(call, all.map(|(id, (_, body))| json!({ "id": id, "body": body })).collect())
            }
            ("POST", ["issues", number, "comments"]) => self.comment(number.parse().unwrap(), &body),
            ("PATCH", ["issues", "comments", id]) => match self.comments.get_mut(&id.parse().unwrap()) {
                Some((_, text)) => {
                    *text = body["body"].as_str().unwrap().to_owned();
                    (200, json!({}))
                }
                None => not_found(),
            },
            _ => {
                self.wrong.push(format!("{} {}", call.method, call.path));
                not_found()
            }
        }
    }

    fn list(&mut self, call: &Call) -> (u16, Value) {
        let wanted = call.query.get("state").cloned().unwrap_or_else(|| "open".into());
        let mut all: Vec<Value> =
            self.issues.values().filter(|one| wanted == "all" || one["state"] == *wanted).cloned().collect();
        all.reverse();
        page(call, all)
    }

    fn create(&mut self, body: &Value) -> (u16, Value) {
        if let Some(refused) = invalid(body, &["title", "body", "labels", "assignees", "milestone"]) {
            return refused;
        }
        if body["title"].as_str().is_none_or(str::is_empty) {
            return (422, json!({ "message": "Validation Failed" }));
        }
        let number = self.number();
        self.issues.insert(
            number,
            json!({ "number": number, "state": "open", "title": body["title"], "body": body["body"] }),
        );
        (201, json!({ "number": number }))
    }

    fn change(&mut self, number: u64, body: &Value) -> (u16, Value) {
        if let Some(refused) = invalid(body, &["title", "body", "state", "state_reason", "labels"]) {
            return refused;
        }
        let Some(issue) = self.issues.get_mut(&number) else { return not_found() };
        body.as_object().unwrap().iter().for_each(|(name, value)| issue[name] = value.clone());
        (200, issue.clone())
    }

    fn comment(&mut self, number: u64, body: &Value) -> (u16, Value) {
        if let Some(refused) = invalid(body, &["body"]) {
            return refused;
        }
        if !self.issues.contains_key(&number) {
            return not_found();
        }
        let id = 1000 + self.comments.len() as u64;
        self.comments.insert(id, (number, body["body"].as_str().unwrap().to_owned()));
        (201, json!({ "id": id }))
    }
}

fn not_found() -> (u16, Value) {
    (404, json!({ "message": "Not Found" }))
}

/// Members that there are not, and bodies that are too long.
fn invalid(body: &Value, known: &[&str]) -> Option<(u16, Value)> {
    let all = body.as_object()?;
    let is_long = all.get("body").and_then(Value::as_str).is_some_and(|text| text.chars().count() > 65_536);
    let unknown = all.keys().any(|name| !known.contains(&name.as_str()));
    (is_long || unknown).then(|| (422, json!({ "message": "Validation Failed" })))
}

fn page(call: &Call, all: Vec<Value>) -> (u16, Value) {
    let number =
        |name: &str, default: usize| call.query.get(name).map_or(default, |text| text.parse().unwrap());
    let per_page = number("per_page", 30).min(100);
    let list: Vec<Value> = all.into_iter().skip((number("page", 1) - 1) * per_page).take(per_page).collect();
    (200, Value::Array(list))
}

fn serve(stream: &TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream);
    while let Some(call) = read(&mut reader) {
        let (status, body) = state.lock().unwrap().answer(&call);
        let text = body.to_string();
        let answer = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{text}",
            text.len()
        );
        if { stream }.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Call> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let (method, rest) = line.split_once(' ')?;
    let target = rest.split(' ').next()?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let (method, path) = (method.to_owned(), path.to_owned());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |text: &String| text.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Call { method, path, query, headers, body: String::from_utf8(body).ok()? })
}
