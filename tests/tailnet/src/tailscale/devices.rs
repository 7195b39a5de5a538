//! Machines.

use serde_json::{Value, json};

use super::{Request, answer::Answer, state::State};

impl State {
    pub(super) fn list_devices(&mut self, request: &Request, query: &str) -> Answer {
        if !["", "fields=all", "fields=default"].contains(&query) {
            return self.complain(request, "devices has no such query");
        }
        Answer::json(&json!({"devices": self.devices}))
    }

    /// The calls below `device/`.
    pub(super) fn of_device(&mut self, request: &Request, rest: &str, query: &str) -> Answer {
        let (id, part) = rest.split_once('/').unwrap_or((rest, ""));
        let Some(index) = self.devices.iter().position(|device| device["nodeId"] == id || device["id"] == id)
        else {
            return Answer::refusal(404, "device not found");
        };
        match (request.method.as_str(), part) {
            ("GET", "") => Answer::json(&told(&self.devices[index], query)),
            ("DELETE", "") => {
                self.devices.remove(index);
                Answer::nothing()
            }
            ("POST", part) => match self.change_device(index, part, &request.body) {
                Ok(()) => Answer::nothing(),
                Err(Some(refusal)) => Answer::refusal(400, &refusal),
                Err(None) => self.complain(request, "a device has no such call, or it has another body"),
            },
            _ => self.complain(request, "a device has no such call"),
        }
    }

    fn change_device(&mut self, index: usize, part: &str, body: &str) -> Result<(), Option<String>> {
        let body: Value = serde_json::from_str(body).map_err(|_| None)?;
        let only = |name: &str| {
            let fields = body.as_object().filter(|fields| fields.len() == 1);
            fields.and_then(|fields| fields.get(name)).cloned().ok_or(None)
        };
        let texts = |value: &Value| -> Result<Vec<String>, Option<String>> {
            let list = value.as_array().ok_or(None)?;
            list.iter().map(|text| text.as_str().map(str::to_owned).ok_or(None)).collect()
        };
        match part {
            "tags" => {
                let tags = texts(&only("tags")?)?;
                let owned = |tag: &String| self.policy.contains(&format!("{tag:?}"));
                if let Some(tag) = tags.iter().find(|tag| !owned(tag)) {
                    return Err(Some(format!("requested tags [{tag}] are invalid or not permitted")));
                }
                if tags.is_empty()
                    && self.devices[index]["tags"].as_array().is_some_and(|tags| !tags.is_empty())
                {
                    return Err(Some("a tagged device cannot lose all of its tags".to_owned()));
                }
                self.devices[index]["tags"] = tags.into();
            }
            "name" => {
                let name = only("name")?.as_str().ok_or(None)?.to_owned();
                let taken = |device: &Value| {
                    device["name"].as_str().is_some_and(|fqdn| fqdn.split('.').next() == Some(&name))
                };
                let other = |(other, device): (usize, &Value)| other != index && taken(device);
                if self.devices.iter().enumerate().any(other) {
                    return Err(Some(format!("name {name:?} is already in use")));
                }
                let fqdn = self.devices[index]["name"].as_str().unwrap_or_default().to_owned();
                let domain = fqdn.split_once('.').map(|(_, domain)| domain.to_owned()).unwrap_or_default();
                self.devices[index]["name"] = format!("{name}.{domain}").into();
            }
            "key" => {
                let disabled = only("keyExpiryDisabled")?;
                self.devices[index]["keyExpiryDisabled"] = disabled.as_bool().ok_or(None)?.into();
            }
            "routes" => self.devices[index]["enabledRoutes"] = texts(&only("routes")?)?.into(),
            _ => return Err(None),
        }
        Ok(())
    }
}

/// Without `fields=all`, routes are left out.
fn told(device: &Value, query: &str) -> Value {
    let mut told = device.clone();
    if query != "fields=all"
        && let Some(fields) = told.as_object_mut()
    {
        fields.retain(|name, _| !name.ends_with("Routes"));
    }
    told
}
