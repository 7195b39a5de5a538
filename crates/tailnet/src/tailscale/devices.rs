//! The machines of the tailnet.

use serde::Deserialize;
use serde_json::json;

use super::{Tailscale, segment};
use crate::{
    Device, DeviceChange, Error,
    time_text::told_moment,
    transport::{Call, Client},
};

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    devices: Vec<Found>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Found {
    id: String,
    node_id: String,
    name: String,
    hostname: String,
    addresses: Vec<String>,
    user: String,
    tags: Vec<String>,
    os: String,
    authorized: bool,
    key_expiry_disabled: bool,
    expires: String,
    created: String,
    last_seen: Option<String>,
    connected_to_control: bool,
    is_ephemeral: bool,
    enabled_routes: Vec<String>,
    advertised_routes: Vec<String>,
}

impl Found {
    fn device(self) -> Device {
        let fqdn = self.name.trim_end_matches('.').to_owned();
        let name = fqdn.split('.').next().unwrap_or_default().to_owned();
        let offered = |route: &&String| self.advertised_routes.contains(*route);
        let routes = self.enabled_routes.iter().filter(offered).cloned().collect();
        let is_tagged = !self.tags.is_empty();
        let expires = Some(self.expires).filter(|_| !self.key_expiry_disabled && !is_tagged);
        Device {
            id: if self.node_id.is_empty() { self.id } else { self.node_id },
            hostname: self.hostname,
            name,
            fqdn,
            addresses: self.addresses,
            tags: self.tags,
            // Of a machine with tags, the server names who had set them.
            user: if is_tagged { String::new() } else { self.user },
            os: self.os,
            online: self.connected_to_control,
            authorized: self.authorized,
            ephemeral: self.is_ephemeral,
            created: told_moment(self.created),
            last_seen: if self.connected_to_control {
                String::new()
            } else {
                told_moment(self.last_seen.unwrap_or_default())
            },
            key_expires: told_moment(expires.unwrap_or_default()),
            key_expiry_disabled: self.key_expiry_disabled || is_tagged,
            routes,
            approved_routes: self.enabled_routes,
        }
        .settled()
    }
}

fn of_device(id: &str) -> String {
    format!("/api/v2/device/{}", segment(id))
}

impl Tailscale {
    pub(super) async fn list_devices(&self) -> Result<Vec<Device>, Error> {
        let call = Call::get("list the devices", self.path("devices?fields=all"));
        let listed: Listed = self.answer(&call).await?;
        Ok(Device::by_name(listed.devices.into_iter().map(Found::device)))
    }

    pub(super) async fn find_device(&self, id: &str) -> Result<Option<Device>, Error> {
        let call = Call::get("read the device", format!("{}?fields=all", of_device(id)));
        Ok(self.answer_if_there::<Found>(&call).await?.map(Found::device))
    }

    /// Every change says how it shall be, so that asking twice does no harm.
    pub(super) async fn set_device(&self, id: &str, change: &DeviceChange) -> Result<(), Error> {
        let (part, operation, body) = match change {
            DeviceChange::Tags(tags) => ("tags", "set the device's tags", json!({"tags": tags})),
            DeviceChange::Name(name) => ("name", "name the device", json!({"name": name})),
            DeviceChange::KeyExpiryDisabled(disabled) => {
                ("key", "set the device's key expiry", json!({"keyExpiryDisabled": disabled}))
            }
            DeviceChange::ApprovedRoutes(routes) => {
                ("routes", "approve the device's routes", json!({"routes": routes}))
            }
        };
        let path = format!("{}/{part}", of_device(id));
        self.carry_out(&Call::with_method("POST", operation, path).json(&body).repeatable()).await
    }

    pub(super) async fn delete_device(&self, id: &str) -> Result<(), Error> {
        self.remove(&Call::with_method("DELETE", "remove the device", of_device(id))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_told_in_our_words() {
        let found: Found = serde_json::from_str(
            r#"{"id":"92960230385","nodeId":"nAbC","name":"web.tail1.ts.net","hostname":"web","user":"a@b",
            "addresses":["fd7a::1","100.64.0.1"],"tags":["tag:prod","tag:a"],"authorized":true,"expires":"2026-12-01T00:00:00Z",
            "created":"2026-11-01T00:00:00Z","lastSeen":"2026-11-02T00:00:00Z","connectedToControl":false,"os":"linux",
            "enabledRoutes":["10.1.0.0/16","10.0.0.0/16"],"advertisedRoutes":["10.0.0.0/16"],"unknownField":1}"#,
        )
        .unwrap();
        let device = found.device();
        assert_eq!(
            (device.id.as_str(), device.name.as_str(), device.fqdn.as_str()),
            ("nAbC", "web", "web.tail1.ts.net")
        );
        assert_eq!((device.ipv4(), device.ipv6()), (Some("100.64.0.1"), Some("fd7a::1")));
        assert_eq!(device.tags, ["tag:a", "tag:prod"]);
        assert_eq!((device.user.as_str(), device.key_expires.as_str()), ("", ""));
        assert_eq!(device.routes, ["10.0.0.0/16"]);
    }
}
