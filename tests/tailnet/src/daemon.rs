//! The interface of Tailscale's daemon, as far as what is served goes: for what the real one does only at
//! Tailscale's own control server, certificates and services. It is strict: what the real one would not
//! take is refused and fails the test when this is dropped.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http_body_util::{BodyExt, Full};
use hyper::{Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::{net::UnixListener, runtime::Runtime};

/// A daemon that has joined, as the machine `web` with the tag `tag:prod`.
pub struct Daemon {
    directory: TempDir,
    state: Arc<Mutex<State>>,
    runtime: Option<Runtime>,
}

struct State {
    status: Value,
    prefs: Value,
    served: Value,
    /// Whether the control server lets it stand behind what it offers.
    approves: bool,
    /// What is served in place of what was, between a look and the next change.
    intruder: Option<Value>,
    complaints: Vec<String>,
}

impl Default for Daemon {
    fn default() -> Self {
        Self::start()
    }
}

impl Daemon {
    /// Starts one that serves nothing, in a tailnet that has HTTPS and approves every service.
    pub fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("windlass-daemon-").tempdir().unwrap();
        let listener = std::os::unix::net::UnixListener::bind(directory.path().join("socket")).unwrap();
        listener.set_nonblocking(true).unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let state = Arc::new(Mutex::new(State {
            status: json!({
                "BackendState": "Running", "TailscaleIPs": ["100.64.0.7"], "CertDomains": ["web.tail.ts.net"],
                "CurrentTailnet": {"Name": "example.org", "MagicDNSSuffix": "tail.ts.net", "MagicDNSEnabled": true},
                "Self": {"ID": "n7", "HostName": "web", "DNSName": "web.tail.ts.net.", "Tags": ["tag:prod"], "CapMap": {}},
            }),
            prefs: json!({"ControlURL": "https://controlplane.tailscale.com", "AdvertiseServices": null}),
            served: Value::Null,
            approves: true,
            intruder: None,
            complaints: Vec::new(),
        }));
        let shared = state.clone();
        runtime.spawn(async move {
            let listener = UnixListener::from_std(listener).unwrap();
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
        Self { directory, state, runtime: Some(runtime) }
    }

    /// Its socket.
    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }

    /// What it serves.
    pub fn served(&self) -> Value {
        self.state().served.clone()
    }

    /// Serves something else behind everybody's back.
    pub fn serve(&self, config: Value) {
        self.state().served = config;
    }

    /// Serves this as soon as somebody has looked at what is served.
    pub fn intrude(&self, config: Value) {
        self.state().intruder = Some(config);
    }

    /// The services that it offers.
    pub fn offered(&self) -> Value {
        self.state().prefs["AdvertiseServices"].clone()
    }

    /// Offers these services from now on.
    pub fn offer(&self, services: Value) {
        self.state().prefs["AdvertiseServices"] = services;
    }

    /// Whether the control server lets it stand behind services from now on.
    pub fn approve(&self, approves: bool) {
        self.state().approves = approves;
    }

    /// Changes a part of what it says of itself.
    pub fn set(&self, pointer: &str, value: Value) {
        *self.state().status.pointer_mut(pointer).unwrap() = value;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        let complaints = std::mem::take(&mut self.state().complaints);
        if !std::thread::panicking() {
            assert!(complaints.is_empty(), "the daemon would not have taken this: {complaints:#?}");
        }
    }
}

type Answer = (u16, Option<String>, String);

async fn answer(request: hyper::Request<Incoming>, state: &Mutex<State>) -> Response<Full<bytes::Bytes>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let line = format!("{} {}", parts.method, parts.uri);
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let (status, etag, text) = if header("host") == Some("local-tailscaled.sock") {
        state.carry_out(&line, header("if-match"), &body)
    } else {
        state.complain(&line, "the host is another one")
    };
    let mut builder = Response::builder().status(status);
    if let Some(etag) = etag {
        builder = builder.header("Etag", etag);
    }
    builder.body(Full::from(text)).unwrap()
}

impl State {
    fn complain(&mut self, line: &str, why: &str) -> Answer {
        self.complaints.push(format!("{line}: {why}"));
        (400, None, why.to_owned())
    }

    fn etag(&self) -> String {
        secret::hex(&Sha256::digest(self.served.to_string().as_bytes()))
    }

    fn carry_out(&mut self, line: &str, if_match: Option<&str>, body: &[u8]) -> Answer {
        match line {
            "GET /localapi/v0/status?peers=false" => (200, None, self.status().to_string()),
            "GET /localapi/v0/prefs" => (200, None, self.prefs.to_string()),
            "GET /localapi/v0/serve-config" => {
                let answer = (200, Some(self.etag()), self.served.to_string());
                if let Some(intruder) = self.intruder.take() {
                    self.served = intruder;
                }
                answer
            }
            "POST /localapi/v0/serve-config" => {
                let Some(expected) = if_match else {
                    return self.complain(line, "a change without If-Match overwrites what nobody has seen");
                };
                if expected != self.etag() {
                    return (412, None, "etag mismatch".to_owned());
                }
                let Ok(config) = serde_json::from_slice::<Value>(body) else {
                    return self.complain(line, "the content is no JSON");
                };
                if let Some(why) = wrong(&config) {
                    return self.complain(line, &why);
                }
                if let Some(why) = turned(&self.served, &config) {
                    return self.complain(line, &why);
                }
                self.served = config;
                (200, None, String::new())
            }
            "PATCH /localapi/v0/prefs" => {
                let Ok(Value::Object(change)) = serde_json::from_slice::<Value>(body) else {
                    return self.complain(line, "the content is no object");
                };
                let names: Vec<&str> = change.keys().map(String::as_str).collect();
                if names != ["AdvertiseServices", "AdvertiseServicesSet"] {
                    return self.complain(line, "other settings are not to be changed");
                }
                self.prefs["AdvertiseServices"] = change["AdvertiseServices"].clone();
                (200, None, self.prefs.to_string())
            }
            line => self.complain(line, "there is no such call"),
        }
    }

    fn status(&self) -> Value {
        let mut status = self.status.clone();
        let offered = self.prefs["AdvertiseServices"].as_array().cloned().unwrap_or_default();
        if self.approves && !offered.is_empty() {
            let names = offered.iter().filter_map(Value::as_str);
            let addresses = names.map(|name| (name.to_owned(), json!(["100.65.0.1"]))).collect();
            status["Self"]["CapMap"]["service-host"] = json!([Value::Object(addresses)]);
        }
        status
    }
}

/// What of a configuration the daemon would not know, or not take together.
fn wrong(config: &Value) -> Option<String> {
    let unknown = |value: &Value, known: &[&str]| -> Option<String> {
        let names = value.as_object().into_iter().flatten().map(|(name, _)| name);
        names.filter(|name| !known.contains(&name.as_str())).map(|name| format!("{name} is unknown")).next()
    };
    let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let part = |part: &Value| -> Option<String> {
        let ports = members(&part["TCP"]);
        for (port, entry) in &ports {
            let known = ["HTTPS", "HTTP", "TCPForward", "TerminateTLS", "ProxyProtocol"];
            let kinds =
                ["HTTPS", "HTTP", "TCPForward"].iter().filter(|kind| entry.get(**kind).is_some()).count();
            if let Some(why) = unknown(entry, &known) {
                return Some(why);
            }
            if kinds != 1 || port.parse::<u16>().is_err() {
                return Some(format!("port {port} is {entry}"));
            }
        }
        for (place, entry) in members(&part["Web"]) {
            let port = place.rsplit_once(':').map(|(_, port)| port.to_owned()).unwrap_or_default();
            let is_web =
                ports.get(&port).is_some_and(|entry| entry["HTTPS"] == true || entry["HTTP"] == true);
            if !is_web {
                return Some(format!("{place} is no port of HTTP"));
            }
            for (_, handler) in members(&entry["Handlers"]) {
                let known = ["Path", "Proxy", "Text", "Redirect", "AcceptAppCaps"];
                if let Some(why) = unknown(&handler, &known) {
                    return Some(why);
                }
            }
        }
        None
    };
    let services = members(&config["Services"]);
    unknown(config, &["TCP", "Web", "Services", "AllowFunnel", "Foreground"])
        .or_else(|| part(config))
        .or_else(|| {
            services
                .values()
                .find_map(|service| unknown(service, &["TCP", "Web", "Tun"]).or_else(|| part(service)))
        })
}

/// The port that would be answered in another way at once, which the daemon refuses.
fn turned(old: &Value, new: &Value) -> Option<String> {
    let way = |entry: &Value| {
        let ends = entry["TerminateTLS"].as_str().is_some();
        (entry["HTTPS"] == true, entry["HTTP"] == true, ends)
    };
    let ports = |config: &Value| {
        let of = |part: &Value, name: &str| -> Vec<(String, (bool, bool, bool))> {
            let ports = part["TCP"].as_object().cloned().unwrap_or_default();
            ports.iter().map(|(port, entry)| (format!("{name}{port}"), way(entry))).collect()
        };
        let mut all = of(config, "");
        for (name, service) in config["Services"].as_object().into_iter().flatten() {
            all.extend(of(service, name));
        }
        all
    };
    let old = ports(old);
    let other =
        ports(new).into_iter().find(|(port, way)| old.iter().any(|(one, was)| one == port && was != way));
    other.map(|(port, _)| format!("port {port} is served in another way already"))
}
