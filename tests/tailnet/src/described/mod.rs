//! Headscale's interface (version 1) as the descriptions of its releases have it: the operations of each,
//! with the names that their queries and contents may have, taken from `headscale.swagger.json` of 0.28.0
//! and 0.29.3, and from the definitions behind that of 0.30, which is not released.
//!
//! A call that the description does not have is answered as the release does: there is no such thing. A
//! name that it does not have is a complaint, which fails the test when the server is dropped.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http_body_util::{BodyExt, Full};
use hyper::{Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};

/// A Headscale of one release, with the user `ops` and the machine `web`.
pub struct DescribedHeadscale {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    runtime: Option<Runtime>,
}

struct State {
    version: String,
    /// Whether refusals are problems of RFC 7807, and known things that are missing of status 404.
    problems: bool,
    operations: BTreeMap<String, Operation>,
    policy: Option<String>,
    keys: Vec<Value>,
    /// Keys of the interface.
    api_keys: Vec<Value>,
    node: Value,
    asked: Vec<String>,
    complaints: Vec<String>,
}

#[derive(Clone)]
struct Operation {
    query: Vec<String>,
    body: Vec<String>,
}

type Answer = (u16, Value);

/// What a call is sent with by who has the key that Headscale's own command has made.
const MADE: &str = "Bearer hskey-api-abcdefghijkl-made";

impl DescribedHeadscale {
    /// One of `0.28`, `0.29` or `0.30`.
    ///
    /// # Panics
    /// When there is no description of it.
    pub fn start(release: &str) -> Self {
        let text = match release {
            "0.28" => include_str!("0.28.json"),
            "0.29" => include_str!("0.29.json"),
            "0.30" => include_str!("0.30.json"),
            other => panic!("there is no description of {other}"),
        };
        let told: Value = serde_json::from_str(text).unwrap();
        let names = |value: &Value| -> Vec<String> {
            let names = value.as_array().into_iter().flatten();
            names.map(|name| name.as_str().unwrap().to_owned()).collect()
        };
        let operations = told["operations"].as_object().unwrap().iter().map(|(line, operation)| {
            (line.clone(), Operation { query: names(&operation["query"]), body: names(&operation["body"]) })
        });
        let state = Arc::new(Mutex::new(State {
            version: told["version"].as_str().unwrap().to_owned(),
            problems: told["problems"] == true,
            operations: operations.collect(),
            policy: None,
            keys: Vec::new(),
            api_keys: Vec::new(),
            node: json!({"id": "7", "name": "web", "givenName": "web", "ipAddresses": ["100.64.0.7"], "online": true,
                "tags": [], "user": {"id": "1", "name": "ops"}, "createdAt": "2026-11-01T00:00:00Z", "lastSeen": null,
                "expiry": null, "preAuthKey": null, "approvedRoutes": [], "availableRoutes": []}),
            asked: Vec::new(),
            complaints: Vec::new(),
        }));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let shared = state.clone();
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let state = shared.clone();
                let service = service_fn(move |request: hyper::Request<Incoming>| {
                    let state = state.clone();
                    async move { Ok::<_, std::convert::Infallible>(answer(request, &state).await) }
                });
                tokio::spawn(async move {
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, state, runtime: Some(runtime) }
    }

    /// Its address, for `base_url`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Takes an operation away, as another release might.
    pub fn forget(&self, line: &str) {
        assert!(self.state().operations.remove(line).is_some(), "there is no {line}");
    }

    /// Calls itself another version.
    pub fn call_itself(&self, version: &str) {
        version.clone_into(&mut self.state().version);
    }

    /// Adds a key of the interface, with these moments (RFC 3339).
    pub fn add_api_key(&self, prefix: &str, created: &str, expiration: &str) {
        self.state().api_keys.push(json!({"prefix": prefix, "createdAt": created, "expiration": expiration}));
    }

    /// The prefixes of the keys of the interface, and when they end.
    pub fn api_keys(&self) -> Vec<(String, String)> {
        let text = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
        self.state().api_keys.iter().map(|key| (text(key, "prefix"), text(key, "expiration"))).collect()
    }

    /// Every request, as `GET /path?query`.
    pub fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for DescribedHeadscale {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        let complaints = std::mem::take(&mut self.state().complaints);
        if !std::thread::panicking() {
            assert!(complaints.is_empty(), "this release would not have taken this: {complaints:#?}");
        }
    }
}

async fn answer(request: hyper::Request<Incoming>, state: &Mutex<State>) -> Response<Full<bytes::Bytes>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let (method, path) = (parts.method.as_str(), parts.uri.path());
    let query = parts.uri.query().unwrap_or_default();
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.asked.push(format!("{method} {}", parts.uri));
    let (status, content) = if path == "/version" {
        (200, json!({"version": state.version, "commit": "x"}))
    } else if parts
        .headers
        .get("authorization")
        .is_none_or(|value| value != "Bearer hskey-api-test" && value != MADE)
    {
        (401, json!("Unauthorized"))
    } else {
        state.carry_out(method, path, query, &body)
    };
    Response::builder().status(status).body(Full::from(content.to_string())).unwrap()
}

impl State {
    /// The line of the description that a path fits.
    fn operation(&self, method: &str, path: &str) -> Option<(String, Operation)> {
        let fits = |line: &str| {
            let (other, pattern) = line.split_once(' ').unwrap();
            let (parts, wanted) = (path.split('/'), pattern.split('/'));
            other == method
                && parts.clone().count() == wanted.clone().count()
                && parts.zip(wanted).all(|(part, wanted)| wanted.starts_with('{') || part == wanted)
        };
        let found = self.operations.iter().find(|(line, _)| fits(line));
        found.map(|(line, operation)| (line.clone(), operation.clone()))
    }

    fn refusal(&self, status: u16, message: &str) -> Answer {
        if self.problems {
            return (status, json!({"title": "Refused", "status": status, "detail": message}));
        }
        let code = if status == 404 { 5 } else { 2 };
        (status, json!({"code": code, "message": message, "details": []}))
    }

    fn carry_out(&mut self, method: &str, path: &str, query: &str, body: &[u8]) -> Answer {
        let Some((line, operation)) = self.operation(method, path) else {
            return self.refusal(404, "Not Found");
        };
        let content: Value = serde_json::from_slice(body).unwrap_or_default();
        let names = content.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        if content.as_object().into_iter().flatten().any(|(_, value)| value.is_null()) && self.problems {
            self.complaints.push(format!("{line} takes no null"));
        }
        let unknown = names.filter(|name| !operation.body.iter().any(|known| known == name));
        let asked =
            query.split('&').filter(|part| !part.is_empty()).map(|part| part.split('=').next().unwrap());
        let odd = asked.filter(|name| !operation.query.iter().any(|known| known == name));
        if let Some(name) = unknown.chain(odd).next() {
            self.complaints.push(format!("{line} has no {name:?}"));
            return self.refusal(400, "unknown field");
        }
        self.act(&line, path, &content)
    }

    fn act(&mut self, line: &str, path: &str, content: &Value) -> Answer {
        let id = path.split('/').nth(4).unwrap_or_default().to_owned();
        if line.contains("{nodeId}") && self.node["id"] != id.as_str() {
            return self.refusal(404, "node not found");
        }
        match line {
            "GET /api/v1/apikey" => (200, json!({"apiKeys": self.api_keys})),
            "DELETE /api/v1/apikey/{prefix}" => {
                self.api_keys.retain(|key| key["prefix"] != id.as_str());
                (200, json!({}))
            }
            "POST /api/v1/apikey/expire" => {
                let found = self.api_keys.iter_mut().find(|key| key["prefix"] == content["prefix"]);
                match found {
                    Some(key) => {
                        key["expiration"] = "now".into();
                        (200, json!({}))
                    }
                    None => self.refusal(404, "no such key"),
                }
            }
            "GET /api/v1/policy" => match &self.policy {
                Some(policy) => (200, json!({"policy": policy, "updatedAt": "2026-11-01T00:00:00Z"})),
                None => self.refusal(500, "loading ACL from database: acl policy not found"),
            },
            "PUT /api/v1/policy" => {
                self.policy = content["policy"].as_str().map(str::to_owned);
                (200, json!({"policy": self.policy, "updatedAt": "2026-11-01T00:00:00Z"}))
            }
            "POST /api/v1/policy/check" => (200, json!({})),
            "GET /api/v1/user" => (200, json!({"users": [{"id": "1", "name": "ops"}]})),
            "GET /api/v1/preauthkey" => (200, json!({"preAuthKeys": self.keys})),
            "POST /api/v1/preauthkey" => {
                let mut key = content.clone();
                let number = (self.keys.len() + 1).to_string();
                key["id"] = number.into();
                key["createdAt"] = "2026-11-01T00:00:00Z".into();
                self.keys.push(key.clone());
                key["key"] = "hskey-auth-test".into();
                (200, json!({"preAuthKey": key}))
            }
            "POST /api/v1/preauthkey/expire" => {
                let found = self.keys.iter_mut().find(|key| key["id"] == content["id"]);
                if let Some(key) = found {
                    key["expiration"] = "2026-11-01T00:00:01Z".into();
                    return (200, json!({}));
                }
                self.refusal(if self.problems { 404 } else { 500 }, "pre auth key not found")
            }
            "GET /api/v1/node" => (200, json!({"nodes": [self.node]})),
            "POST /api/v1/node/{nodeId}/tags" => self.set_node("tags", content["tags"].clone()),
            "POST /api/v1/node/{nodeId}/approve_routes" => {
                self.set_node("approvedRoutes", content["routes"].clone())
            }
            "POST /api/v1/node/{nodeId}/rename/{newName}" => {
                let name = path.rsplit('/').next().unwrap_or_default().to_owned();
                self.set_node("givenName", name.into())
            }
            "GET /api/v1/node/{nodeId}" | "POST /api/v1/node/{nodeId}/expire" => {
                (200, json!({"node": self.node}))
            }
            "DELETE /api/v1/node/{nodeId}" => {
                self.node["id"] = "gone".into();
                (200, json!({}))
            }
            line => {
                self.complaints.push(format!("{line} is asked by nobody"));
                self.refusal(501, "not made")
            }
        }
    }

    fn set_node(&mut self, name: &str, value: Value) -> Answer {
        self.node[name] = value;
        (200, json!({"node": self.node}))
    }
}
