//! The machines of the tailnet, which Headscale calls nodes.

use serde::Deserialize;
use serde_json::json;

use super::{
    Headscale, Release,
    keys::{id, text},
};
use crate::{
    Device, DeviceChange, Error,
    tailscale::segment,
    time_text::told_moment,
    transport::{Call, Client},
};

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct One {
    node: Node,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Node {
    #[serde(deserialize_with = "id")]
    id: String,
    name: String,
    given_name: String,
    ip_addresses: Vec<String>,
    user: Option<User>,
    online: bool,
    tags: Vec<String>,
    #[serde(deserialize_with = "text")]
    created_at: String,
    #[serde(deserialize_with = "text")]
    last_seen: String,
    #[serde(deserialize_with = "text")]
    expiry: String,
    pre_auth_key: Option<PreAuthKey>,
    approved_routes: Vec<String>,
    available_routes: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct User {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PreAuthKey {
    ephemeral: bool,
}

impl Node {
    fn device(self) -> Device {
        let is_tagged = !self.tags.is_empty();
        let offered = |route: &&String| self.available_routes.contains(*route);
        let routes = self.approved_routes.iter().filter(offered).cloned().collect();
        let key_expires = if is_tagged { String::new() } else { told_moment(self.expiry) };
        Device {
            id: self.id,
            hostname: self.name,
            name: self.given_name,
            fqdn: String::new(),
            addresses: self.ip_addresses,
            tags: self.tags,
            user: self.user.filter(|_| !is_tagged).map(|user| user.name).unwrap_or_default(),
            os: String::new(),
            online: self.online,
            authorized: true,
            ephemeral: self.pre_auth_key.is_some_and(|key| key.ephemeral),
            created: told_moment(self.created_at),
            last_seen: if self.online { String::new() } else { told_moment(self.last_seen) },
            key_expiry_disabled: key_expires.is_empty(),
            key_expires,
            routes,
            approved_routes: self.approved_routes,
        }
        .settled()
    }
}

fn of_node(id: &str) -> String {
    format!("/api/v1/node/{}", segment(id))
}

impl Headscale {
    pub(super) async fn list_nodes(&self) -> Result<Vec<Device>, Error> {
        let call = Call::get("list the devices", "/api/v1/node");
        let listed: Listed = self.answer(&call).await?;
        Ok(Device::by_name(listed.nodes.into_iter().map(Node::device)))
    }

    pub(super) async fn find_node(&self, id: &str) -> Result<Option<Device>, Error> {
        let call = Call::get("read the device", of_node(id));
        Ok(self.answer_if_there::<One>(&call).await?.map(|one| one.node.device()))
    }

    /// Every change says how it shall be, so that asking twice does no harm.
    pub(super) async fn set_node(&self, id: &str, change: &DeviceChange) -> Result<(), Error> {
        let post = |part: String, operation| {
            Call::with_method("POST", operation, format!("{}/{part}", of_node(id))).repeatable()
        };
        let call = match change {
            DeviceChange::Tags(tags) => {
                post("tags".into(), "set the device's tags").json(&json!({"tags": tags}))
            }
            DeviceChange::Name(name) => post(format!("rename/{}", segment(name)), "name the device"),
            DeviceChange::KeyExpiryDisabled(disabled) => {
                self.can_set_expiry(*disabled).await?;
                // It reads this from the query alone.
                post("expire?disableExpiry=true".into(), "set the device's key expiry")
            }
            DeviceChange::ApprovedRoutes(routes) => {
                post("approve_routes".into(), "approve the device's routes").json(&json!({"routes": routes}))
            }
        };
        self.carry_out(&call).await
    }

    /// 0.28 would end the key at once, for it does not know what it is asked.
    async fn can_set_expiry(&self, disabled: bool) -> Result<(), Error> {
        let unsupported = |what: &str| Err(Error::Unsupported { what: what.to_owned() });
        if self.release().await? < Release::V29 {
            return unsupported("Headscale 0.28 cannot let the key of a device never expire; 0.29 can");
        }
        if !disabled {
            return unsupported(
                "Headscale gives a device an expiry only when it logs in; let the device log in again",
            );
        }
        Ok(())
    }

    pub(super) async fn delete_node(&self, id: &str) -> Result<(), Error> {
        self.remove(&Call::with_method("DELETE", "remove the device", of_node(id))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_told_in_our_words() {
        let node: Node = serde_json::from_str(
            r#"{"id":"7","name":"Web-1","givenName":"web-1","ipAddresses":["fd7a::1","100.64.0.1"],
            "user":{"id":"1","name":"tagged-devices"},"online":false,"tags":["tag:prod"],"createdAt":"2026-11-01T00:00:00Z",
            "lastSeen":"2026-11-02T00:00:00Z","expiry":null,"preAuthKey":{"ephemeral":true},
            "approvedRoutes":["10.0.0.0/16"],"availableRoutes":[]}"#,
        )
        .unwrap();
        let device = node.device();
        assert_eq!(
            (device.id.as_str(), device.name.as_str(), device.hostname.as_str()),
            ("7", "web-1", "Web-1")
        );
        assert_eq!((device.ipv4(), device.user.as_str()), (Some("100.64.0.1"), ""));
        assert_eq!((device.ephemeral, device.routes.len()), (true, 0));
    }
}
