//! A server that speaks as much of GitHub's API as releases take, and is as strict: written from its documentation
//! ("REST API endpoints for releases", "for release assets", "Rate limits for the REST API").

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;
use hyper::{
    Method, Request, Response, body::Incoming, header::HeaderMap, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use s3s::Body;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(super) const TOKEN: &str = "ghp_t0p_s3cret";
pub(super) const REPOSITORY: &str = "acme/backups";

/// A file of a release, in memory.
#[derive(Clone)]
struct File {
    id: u64,
    name: String,
    is_whole: bool,
    content: Bytes,
}

struct Release {
    id: u64,
    tag: String,
    draft: bool,
    files: Vec<File>,
}

/// What it has, and what it is about to do wrong.
#[derive(Default)]
pub(super) struct State {
    releases: Vec<Release>,
    tags: BTreeSet<String>,
    ids: u64,
    /// A file has to be smaller.
    pub(super) limit: u64,
    /// So many uploads end with 502 and leave what is called like the file.
    pub(super) gateway_errors: u32,
    /// So many requests are more than the rate allows.
    pub(super) limited: u32,
    /// So many requests that make a release do it, and are answered with 502.
    pub(super) lost_creations: u32,
    /// All requests so far.
    pub(super) asked: Vec<String>,
}

/// The server, until its test ends.
pub(super) struct Fake {
    pub(super) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Fake {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { limit: 2 << 30, ..State::default() }));
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = shared.clone();
                let service = service_fn(move |request| answer(shared.clone(), address, request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, state }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The tags of all releases and the names of their files; drafts in brackets.
    pub(super) fn releases(&self) -> Vec<String> {
        let state = self.state();
        let told = |release: &Release| {
            let names: Vec<_> = release.files.iter().map(|file| file.name.clone()).collect();
            let tag = if release.draft { format!("[{}]", release.tag) } else { release.tag.clone() };
            format!("{tag}: {}", names.join(" "))
        };
        state.releases.iter().map(told).collect()
    }

    pub(super) fn tags(&self) -> Vec<String> {
        self.state().tags.iter().cloned().collect()
    }
}

impl State {
    fn id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    fn file(&mut self, id: u64) -> Option<(&mut Release, usize)> {
        self.releases.iter_mut().find_map(|release| {
            let at = release.files.iter().position(|file| file.id == id)?;
            Some((release, at))
        })
    }
}

impl File {
    fn json(&self) -> Value {
        let state = if self.is_whole { "uploaded" } else { "starter" };
        let size = self.content.len();
        let now = crate::moment::Moment::now().to_string();
        json!({ "id": self.id, "name": self.name, "state": state, "size": size, "updated_at": now })
    }
}

impl Release {
    fn json(&self, address: SocketAddr) -> Value {
        let Self { id, tag, draft, files } = self;
        let upload =
            format!("http://{address}/uploads/repos/{REPOSITORY}/releases/{id}/assets{{?name,label}}");
        let assets: Vec<Value> = files.iter().map(File::json).collect();
        json!({ "id": id, "tag_name": tag, "draft": draft, "upload_url": upload, "assets": assets, "created_at": "2011-01-26T19:01:12Z" })
    }
}

fn told(status: u16, document: &Value) -> Response<Body> {
    Response::builder().status(status).body(Body::from(document.to_string())).unwrap()
}

fn problem(status: u16, message: &str) -> Response<Body> {
    told(status, &json!({ "message": message }))
}

fn invalid(code: &str) -> Response<Body> {
    told(422, &json!({ "message": "Validation Failed", "errors": [{ "code": code }] }))
}

fn nothing() -> Response<Body> {
    Response::builder().status(204).body(Body::empty()).unwrap()
}

/// What the server makes of a name.
fn plain(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    name.chars().map(|c| if fits(c) { c } else { '.' }).collect()
}

async fn answer(
    state: Arc<Mutex<State>>,
    address: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Body>, std::convert::Infallible> {
    use http_body_util::BodyExt as _;

    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let (path, query) = (parts.uri.path().to_owned(), parts.uri.query().unwrap_or_default().to_owned());
    let mut state = state.lock().unwrap();
    state.asked.push(format!("{} {path}", parts.method));
    if let Some(id) = path.strip_prefix("/storage/") {
        // Another server, which refuses what is signed twice.
        if parts.headers.contains_key("authorization") {
            return Ok(problem(400, "Only one auth mechanism allowed"));
        }
        let found = state.file(id.parse().unwrap()).map(|(release, at)| release.files[at].content.clone());
        return Ok(Response::new(Body::from(found.unwrap())));
    }
    if let Some(refused) = refused(&mut state, &parts.headers) {
        return Ok(refused);
    }
    let below = |prefix: &str| path.strip_prefix(&format!("{prefix}/repos/{REPOSITORY}/")).map(str::to_owned);
    if let Some(place) = below("/uploads") {
        return Ok(upload(&mut state, (&place, &query), &parts.headers, body));
    }
    let Some(place) = below("") else { return Ok(problem(404, "Not Found")) };
    let words: Vec<&str> = place.split('/').collect();
    Ok(api(&mut state, address, (&parts.method, &words), (&query, &parts.headers), &body))
}

/// What every request has to have.
fn refused(state: &mut State, headers: &HeaderMap) -> Option<Response<Body>> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if header("user-agent").is_empty() {
        return Some(problem(403, "Request forbidden by administrative rules."));
    }
    if header("authorization") != format!("Bearer {TOKEN}") {
        return Some(problem(401, "Bad credentials"));
    }
    if state.limited > 0 {
        state.limited -= 1;
        let builder = Response::builder().status(403).header("retry-after", "1");
        let document = json!({ "message": "You have exceeded a secondary rate limit" });
        return Some(builder.body(Body::from(document.to_string())).unwrap());
    }
    None
}

fn upload(
    state: &mut State,
    (place, query): (&str, &str),
    headers: &HeaderMap,
    content: Bytes,
) -> Response<Body> {
    let id: u64 = place.split('/').nth(1).unwrap().parse().unwrap();
    let length = headers.get("content-length").and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let name = plain(query.strip_prefix("name=").unwrap());
    if length.is_none_or(|length| length == 0 || length != content.len() as u64) {
        return problem(400, "Bad Content-Length");
    }
    if !headers.contains_key("content-type") {
        return problem(415, "Unsupported Media Type");
    }
    if content.len() as u64 >= state.limit {
        return problem(500, "something went wrong");
    }
    let (file, fails) = (state.id(), state.gateway_errors > 0);
    state.gateway_errors = state.gateway_errors.saturating_sub(1);
    let Some(release) = state.releases.iter_mut().find(|release| release.id == id) else {
        return problem(404, "Not Found");
    };
    if release.files.iter().any(|file| file.name == name) {
        return invalid("already_exists");
    }
    let content = if fails { Bytes::new() } else { content };
    release.files.push(File { id: file, name, is_whole: !fails, content });
    match fails {
        true => problem(502, "Server Error"),
        false => told(201, &release.files.last().unwrap().json()),
    }
}

fn api(
    state: &mut State,
    address: SocketAddr,
    (method, words): (&Method, &[&str]),
    (query, headers): (&str, &HeaderMap),
    body: &[u8],
) -> Response<Body> {
    let number = |text: &str| text.parse::<u64>().unwrap_or_default();
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    match (method.as_str(), words) {
        ("GET", ["releases"]) => {
            let all: Vec<Value> = state.releases.iter().rev().map(|release| release.json(address)).collect();
            page(&all, query)
        }
        ("POST", ["releases"]) => {
            let (Some(tag), Some(draft)) = (said["tag_name"].as_str(), said["draft"].as_bool()) else {
                return invalid("missing_field");
            };
            assert!(draft, "what is not complete is not published");
            // There may be any number of drafts of a tag.
            let id = state.id();
            state.releases.push(Release { id, tag: tag.to_owned(), draft, files: Vec::new() });
            if state.lost_creations > 0 {
                state.lost_creations -= 1;
                return problem(502, "Server Error");
            }
            told(201, &state.releases.last().unwrap().json(address))
        }
        ("GET", ["releases", id, "assets"]) => {
            let release = state.releases.iter().find(|release| release.id == number(id));
            let Some(release) = release else { return problem(404, "Not Found") };
            page(&release.files.iter().map(File::json).collect::<Vec<_>>(), query)
        }
        ("PATCH", ["releases", "assets", id]) => {
            let name = plain(said["name"].as_str().unwrap());
            let Some((release, at)) = state.file(number(id)) else { return problem(404, "Not Found") };
            if release.files.iter().any(|file| file.name == name) {
                return invalid("already_exists");
            }
            release.files[at].name = name;
            told(200, &release.files[at].json())
        }
        ("GET", ["releases", "assets", id]) => {
            let Some((release, at)) = state.file(number(id)) else { return problem(404, "Not Found") };
            let file = &release.files[at];
            if !file.is_whole {
                return problem(404, "Not Found");
            }
            if headers.get("accept").is_none_or(|accept| accept != "application/octet-stream") {
                return told(200, &file.json());
            }
            let elsewhere = format!("http://localhost:{}/storage/{id}", address.port());
            Response::builder().status(302).header("location", elsewhere).body(Body::empty()).unwrap()
        }
        ("DELETE", ["releases", "assets", id]) => {
            let Some((release, at)) = state.file(number(id)) else { return problem(404, "Not Found") };
            release.files.remove(at);
            nothing()
        }
        ("PATCH", ["releases", id]) => {
            let release = state.releases.iter_mut().find(|release| release.id == number(id));
            let Some(release) = release else { return problem(404, "Not Found") };
            if said["draft"] == false {
                release.draft = false;
                state.tags.insert(release.tag.clone());
            }
            told(200, &release.json(address))
        }
        ("DELETE", ["releases", id]) => {
            let before = state.releases.len();
            state.releases.retain(|release| release.id != number(id));
            if state.releases.len() < before { nothing() } else { problem(404, "Not Found") }
        }
        ("DELETE", ["git", "refs", "tags", tag]) => match state.tags.remove(*tag) {
            true => nothing(),
            false => problem(422, "Reference does not exist"),
        },
        _ => problem(404, "Not Found"),
    }
}

/// The page of a list that is asked for.
fn page(all: &[Value], query: &str) -> Response<Body> {
    let number = |name: &str| {
        let found = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        found.and_then(|text| text.parse::<usize>().ok())
    };
    let (size, page) = (number("per_page").unwrap_or(30).min(100), number("page").unwrap_or(1));
    let some: Vec<&Value> = all.iter().skip((page - 1) * size).take(size).collect();
    told(200, &json!(some))
}
