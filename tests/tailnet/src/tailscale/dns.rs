//! DNS and settings.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::{Request, answer::Answer, state::State};

/// What the server keeps, and of what kind.
const SETTINGS: [(&str, Value); 3] = [
    ("httpsEnabled", Value::Bool(false)),
    ("devicesApprovalOn", Value::Bool(false)),
    ("usersApprovalOn", Value::Bool(false)),
];

impl State {
    /// The calls below `dns/`.
    pub(super) fn of_dns(&mut self, request: &Request, part: &str) -> Answer {
        if self.dns.is_null() {
            self.dns = json!({"magicDNS": true, "dns": [], "searchPaths": [], "split": {}});
        }
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let is_list = |list: &Value| list.as_array().is_some_and(|list| list.iter().all(Value::is_string));
        let is_servers = |list: &Value| {
            let is_address =
                |server: &Value| server.as_str().is_some_and(|text| text.parse::<IpAddr>().is_ok());
            list.as_array().is_some_and(|list| list.iter().all(is_address))
        };
        let fields = body.as_object().map_or(0, serde_json::Map::len);
        match (request.method.as_str(), part) {
            ("GET", "preferences") => Answer::json(&json!({"magicDNS": self.dns["magicDNS"]})),
            ("GET", "nameservers") => Answer::json(&json!({"dns": self.dns["dns"]})),
            ("GET", "searchpaths") => Answer::json(&json!({"searchPaths": self.dns["searchPaths"]})),
            ("GET", "split-dns") => Answer::json(&self.dns["split"]),
            ("POST", "preferences") if fields == 1 && body["magicDNS"].is_boolean() => {
                self.dns["magicDNS"] = body["magicDNS"].clone();
                Answer::json(&body)
            }
            ("POST", "nameservers") if fields == 1 && is_servers(&body["dns"]) => {
                self.dns["dns"] = body["dns"].clone();
                if body["dns"] == json!([]) {
                    self.dns["magicDNS"] = false.into();
                }
                Answer::json(&json!({"dns": self.dns["dns"], "magicDNS": self.dns["magicDNS"]}))
            }
            ("POST", "searchpaths") if fields == 1 && is_list(&body["searchPaths"]) => {
                self.dns["searchPaths"] = body["searchPaths"].clone();
                Answer::json(&body)
            }
            ("PATCH" | "PUT", "split-dns") if body.is_object() => {
                let fits = |(_, servers): (&String, &Value)| is_servers(servers) || servers.is_null();
                if !body.as_object().unwrap().iter().all(fits) {
                    return self.complain(request, "servers of a domain are addresses");
                }
                if request.method == "PUT" {
                    self.dns["split"] = json!({});
                }
                for (domain, servers) in body.as_object().unwrap() {
                    self.dns["split"][domain] = servers.clone();
                }
                let split = self.dns["split"].as_object_mut().unwrap();
                split.retain(|_, servers| !servers.is_null());
                Answer::json(&self.dns["split"])
            }
            _ => self.complain(request, "DNS has no such call, or it has another body"),
        }
    }

    pub(super) fn of_settings(&mut self, request: &Request) -> Answer {
        if self.settings.is_null() {
            self.settings = SETTINGS.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            self.settings["devicesKeyDurationDays"] = 180.into();
        }
        if request.method == "PATCH" {
            let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
            for (name, value) in body.as_object().cloned().unwrap_or_default() {
                let known = &self.settings[&name];
                if known.is_null() || known.is_boolean() != value.is_boolean() {
                    return self.complain(request, "there is no such setting");
                }
                self.settings[&name] = value;
            }
        } else if request.method != "GET" {
            return self.complain(request, "settings have no such call");
        }
        Answer::json(&self.settings)
    }
}
