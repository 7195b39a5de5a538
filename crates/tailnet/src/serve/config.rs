//! The configuration that the daemon keeps, as it tells it, and the handlers in it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Handler, Protocol, handler::problems};

/// What somebody serves in a terminal.
const FOREGROUND: &str = "Foreground";
/// What is open to everybody on the internet, which is nobody's business here.
const FUNNEL: &str = "AllowFunnel";

/// Names that a configuration is written with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The machine's, in full.
    pub machine: String,
    /// What stands behind the names of services.
    pub suffix: String,
}

impl Names {
    fn of(&self, service: Option<&str>) -> String {
        match service {
            Some(service) => format!("{}.{}", service.trim_start_matches("svc:"), self.suffix),
            None => self.machine.clone(),
        }
    }

    /// The address of what `handler` serves, as people type it.
    pub fn url(&self, handler: &Handler) -> String {
        let name = self.of(handler.service.as_deref());
        let (scheme, usual) = match handler.protocol {
            Protocol::Https => ("https", 443),
            Protocol::Http => ("http", 80),
            Protocol::TlsTerminatedTcp => ("tls", 0),
            Protocol::Tcp | Protocol::Tun => ("tcp", 0),
        };
        let port = if handler.listen == usual { String::new() } else { format!(":{}", handler.listen) };
        format!("{scheme}://{name}{port}{}", handler.path)
    }
}

/// A configuration of the daemon.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServeConfig(Map<String, Value>);

impl ServeConfig {
    /// The one that the daemon tells; `null` is none.
    pub fn new(told: Value) -> Self {
        match told {
            Value::Object(map) => Self(map),
            _ => Self::default(),
        }
    }

    /// As the daemon takes it.
    pub fn to_value(&self) -> Value {
        Value::Object(self.0.clone())
    }

    /// Without what somebody serves in a terminal, and without what says nothing.
    fn background(&self) -> BTreeMap<&str, &Value> {
        let says = |value: &Value| value.as_object().is_none_or(|map| !map.is_empty()) && !value.is_null();
        let parts = self.0.iter().filter(|(name, value)| *name != FOREGROUND && says(value));
        parts.map(|(name, value)| (name.as_str(), value)).collect()
    }

    /// Whether nothing is served but what somebody serves in a terminal.
    pub fn is_empty(&self) -> bool {
        self.background().is_empty()
    }

    /// Names this version, whatever is served in terminals.
    pub fn version(&self) -> String {
        let text = json!(self.background()).to_string();
        secret::hex(&Sha256::digest(text.as_bytes())[..16])
    }

    /// The handlers for these names. What is there for other names, such as one that the machine had
    /// before, answers nobody.
    pub fn handlers(&self, names: &Names) -> BTreeSet<Handler> {
        let mut found = BTreeSet::new();
        collect(&self.0, None, names, &mut found);
        for (service, part) in members(self.0.get("Services")) {
            if part["Tun"] == true {
                found.insert(Handler {
                    service: Some(service.to_owned()),
                    listen: 0,
                    protocol: Protocol::Tun,
                    path: String::new(),
                    target: String::new(),
                    proxy_protocol: 0,
                });
            }
            if let Value::Object(part) = part {
                collect(part, Some(service), names, &mut found);
            }
        }
        found
    }

    /// Why `wanted` cannot be served beside what somebody serves in a terminal, and beside itself.
    pub fn conflicts(&self, wanted: &BTreeSet<Handler>) -> Vec<String> {
        let mut conflicts = problems(wanted);
        for (_, session) in members(self.0.get(FOREGROUND)) {
            let taken: BTreeSet<u16> =
                members(session.get("TCP")).filter_map(|(port, _)| port.parse().ok()).collect();
            let hit = wanted.iter().filter(|one| one.service.is_none() && taken.contains(&one.listen));
            let ports: BTreeSet<u16> = hit.map(|handler| handler.listen).collect();
            conflicts.extend(ports.into_iter().map(|port| {
                format!(
                    "The port {port} is served by somebody in a terminal (`tailscale serve` without `--bg`)."
                )
            }));
        }
        conflicts
    }

    /// What the daemon has to be told, one after the other, so that it serves `wanted` and nothing else.
    /// It refuses to answer a port in another way at once: what is answered otherwise goes first.
    pub fn steps(&self, wanted: &BTreeSet<Handler>, names: &Names) -> Vec<Self> {
        let end = self.with(wanted, names);
        if end.background() == self.background() {
            return Vec::new();
        }
        let ways = self.ways();
        let turned = end.ways().iter().any(|(port, way)| ways.get(port).is_some_and(|old| old != way));
        if !turned {
            return vec![end];
        }
        let stays: BTreeSet<Handler> = wanted
            .iter()
            .filter(|one| {
                let port = (one.service.clone().unwrap_or_default(), one.listen.to_string());
                ways.get(&port).is_none_or(|way| *way == one.protocol.word())
            })
            .cloned()
            .collect();
        vec![self.with(&stays, names), end]
    }

    /// How each port is answered, by service and port.
    fn ways(&self) -> BTreeMap<(String, String), &'static str> {
        let mut ways = BTreeMap::new();
        let mut add = |service: &str, part: Option<&Value>| {
            for (port, entry) in members(part) {
                if let Some(protocol) = protocol(entry) {
                    ways.insert((service.to_owned(), port.to_owned()), protocol.word());
                }
            }
        };
        add("", self.0.get("TCP"));
        for (service, part) in members(self.0.get("Services")) {
            add(service, part.get("TCP"));
        }
        ways
    }

    /// With these handlers and no others. What a handler that stays has besides (capabilities that are
    /// passed on), what is open to the internet of it, and terminals stay as they are.
    fn with(&self, wanted: &BTreeSet<Handler>, names: &Names) -> Self {
        let mut made = json!({});
        for handler in wanted.iter().filter(|handler| handler.protocol != Protocol::Tun) {
            let part = match &handler.service {
                Some(service) => &mut made["Services"][service.as_str()],
                None => &mut made,
            };
            self.put(part, handler, names);
        }
        if let Some(foreground) = self.0.get(FOREGROUND) {
            made[FOREGROUND] = foreground.clone();
        }
        let served = |key: &str| {
            let port = key.rsplit(':').next().unwrap_or_default();
            made.get("TCP").is_some_and(|ports| ports.get(port).is_some())
        };
        let open: Map<String, Value> = members(self.0.get(FUNNEL))
            .filter(|(key, _)| served(key))
            .map(|(key, value)| (key.to_owned(), value.clone()))
            .collect();
        if !open.is_empty() {
            made[FUNNEL] = Value::Object(open);
        }
        Self::new(made)
    }

    fn put(&self, part: &mut Value, handler: &Handler, names: &Names) {
        let (port, name) = (handler.listen.to_string(), names.of(handler.service.as_deref()));
        let entry = match handler.protocol {
            Protocol::Https => json!({"HTTPS": true}),
            Protocol::Http => json!({"HTTP": true}),
            Protocol::Tcp | Protocol::TlsTerminatedTcp | Protocol::Tun => {
                let mut entry = json!({"TCPForward": handler.target});
                if handler.protocol == Protocol::TlsTerminatedTcp {
                    entry["TerminateTLS"] = name.clone().into();
                }
                if handler.proxy_protocol != 0 {
                    entry["ProxyProtocol"] = handler.proxy_protocol.into();
                }
                entry
            }
        };
        part["TCP"][port.as_str()] = entry;
        if handler.protocol.is_web() {
            let place = format!("{name}:{port}");
            let current = match &handler.service {
                None => self.0.get("Web"),
                Some(service) => self.0.get("Services").and_then(|all| all.get(service)?.get("Web")),
            };
            let current = current.and_then(|web| web.get(&place)?.get("Handlers")?.get(&handler.path));
            let entry = current.filter(|entry| target(entry).as_deref() == Some(handler.target.as_str()));
            let entry = entry.cloned().unwrap_or_else(|| web_entry(&handler.target));
            part["Web"][place.as_str()]["Handlers"][handler.path.as_str()] = entry;
        }
    }
}

fn members(value: Option<&Value>) -> impl Iterator<Item = (&str, &Value)> {
    let map = value.and_then(Value::as_object);
    map.into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn protocol(entry: &Value) -> Option<Protocol> {
    match () {
        () if entry["HTTPS"] == true => Some(Protocol::Https),
        () if entry["HTTP"] == true => Some(Protocol::Http),
        () if entry.get("TCPForward").is_none() => None,
        () if entry["TerminateTLS"].as_str().is_some_and(|name| !name.is_empty()) => {
            Some(Protocol::TlsTerminatedTcp)
        }
        () => Some(Protocol::Tcp),
    }
}

fn collect(part: &Map<String, Value>, service: Option<&str>, names: &Names, found: &mut BTreeSet<Handler>) {
    let name = names.of(service);
    for (port, entry) in members(part.get("TCP")) {
        let (Ok(listen), Some(protocol)) = (port.parse(), protocol(entry)) else { continue };
        let handler = Handler {
            service: service.map(str::to_owned),
            listen,
            protocol,
            path: String::new(),
            target: String::new(),
            proxy_protocol: 0,
        };
        if !protocol.is_web() {
            if protocol == Protocol::TlsTerminatedTcp && entry["TerminateTLS"] != name.as_str() {
                continue;
            }
            let version = entry["ProxyProtocol"].as_u64().and_then(|version| u8::try_from(version).ok());
            let target = entry["TCPForward"].as_str().unwrap_or_default().to_owned();
            found.insert(Handler { target, proxy_protocol: version.unwrap_or_default(), ..handler });
            continue;
        }
        let place = part.get("Web").and_then(|web| web.get(format!("{name}:{port}")));
        for (path, entry) in members(place.and_then(|place| place.get("Handlers"))) {
            let target = target(entry).unwrap_or_default();
            found.insert(Handler { path: path.to_owned(), target, ..handler.clone() });
        }
    }
}

/// What a handler of HTTP is, of which the daemon knows several kinds.
fn target(entry: &Value) -> Option<String> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let kinds = [("Proxy", ""), ("Path", ""), ("Text", TEXT), ("Redirect", REDIRECT)];
    kinds.into_iter().find_map(|(kind, prefix)| text(kind).map(|text| format!("{prefix}{text}")))
}

const TEXT: &str = "text:";
const REDIRECT: &str = "redirect:";

fn web_entry(target: &str) -> Value {
    if let Some(text) = target.strip_prefix(TEXT) {
        json!({"Text": text})
    } else if let Some(to) = target.strip_prefix(REDIRECT) {
        json!({"Redirect": to})
    } else if target.starts_with('/') {
        json!({"Path": target})
    } else {
        json!({"Proxy": target})
    }
}

#[cfg(test)]
mod tests;
