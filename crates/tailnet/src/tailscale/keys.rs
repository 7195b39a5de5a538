//! Keys by which machines join.

use serde::Deserialize;
use serde_json::json;

use super::{Tailscale, credentials::Sealed, segment};
use crate::{
    CreatedKey, Error, KeyInfo, KeySpec, KeyStatus, moment_after, parse_moment,
    time_text::Moment,
    transport::{Call, Client, lost},
};

/// How far the server's clock may be behind ours.
const SKEW: time::Duration = time::Duration::minutes(2);

#[derive(Deserialize)]
struct Made {
    id: String,
    key: Sealed,
    #[serde(default)]
    created: String,
    #[serde(default)]
    expires: String,
}

#[derive(Deserialize)]
struct Found {
    id: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    created: String,
    #[serde(default)]
    expires: String,
    #[serde(default)]
    revoked: String,
    #[serde(default)]
    invalid: bool,
    #[serde(default)]
    capabilities: Capabilities,
}

#[derive(Default, Deserialize)]
struct Capabilities {
    #[serde(default)]
    devices: Devices,
}

#[derive(Default, Deserialize)]
struct Devices {
    #[serde(default)]
    create: Create,
}

#[derive(Default, Deserialize)]
struct Create {
    #[serde(default)]
    reusable: bool,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    keys: Vec<Found>,
}

impl Found {
    fn info(&self, now: Moment) -> KeyInfo {
        let is_over = parse_moment(&self.expires).is_some_and(|end| end <= now);
        let status = match () {
            () if parse_moment(&self.revoked).is_some() => KeyStatus::Revoked,
            () if is_over => KeyStatus::Expired,
            () if !self.invalid => KeyStatus::Usable,
            () if self.capabilities.devices.create.reusable => KeyStatus::Revoked,
            () => KeyStatus::Spent,
        };
        KeyInfo { id: self.id.clone(), created: self.created.clone(), expires: self.expires.clone(), status }
    }
}

impl Tailscale {
    pub(super) async fn make_key(&self, spec: &KeySpec) -> Result<CreatedKey, Error> {
        if spec.user.is_some() {
            let what =
                "Tailscale makes keys for tags, or for who the credentials belong to, not for another user";
            return Err(Error::Unsupported { what: what.to_owned() });
        }
        let create = json!({
            "reusable": spec.reusable,
            "ephemeral": spec.ephemeral,
            "preauthorized": spec.preauthorized,
            "tags": spec.tags,
        });
        let body = json!({
            "keyType": "auth",
            "capabilities": {"devices": {"create": create}},
            "expirySeconds": spec.expiry.as_secs(),
            "description": spec.description,
        });
        let call = Call::with_method("POST", "make a key", self.path("keys")).json(&body);
        let asked = Moment::now_utc();
        match self.answer::<Made>(&call).await {
            Ok(made) => {
                let expires =
                    if made.expires.is_empty() { moment_after(asked, spec.expiry) } else { made.expires };
                let created = if made.created.is_empty() {
                    moment_after(asked, Default::default())
                } else {
                    made.created
                };
                let info = KeyInfo { id: made.id, created, expires, status: KeyStatus::Usable };
                Ok(CreatedKey { secret: made.key.into_secret(), info })
            }
            Err(error) => Err(self.lost_key(spec, asked, error).await),
        }
    }

    /// What it means that there is no answer: the key may have been made. Those are looked for that
    /// may be it.
    async fn lost_key(&self, spec: &KeySpec, asked: Moment, error: Error) -> Error {
        let (server, why) = match lost(error, 500) {
            Ok(lost) => lost,
            Err(error) => return error,
        };
        let listed = self.list_keys().await.ok();
        let candidates = listed.map(|keys| {
            let is_it = |key: &&Found| {
                let created = parse_moment(&key.created);
                !key.invalid
                    && key.description == spec.description
                    && created.is_none_or(|moment| moment >= asked - SKEW)
            };
            keys.iter().filter(is_it).map(|key| key.id.clone()).collect()
        });
        Error::KeyLost { server, why, candidates }
    }

    async fn list_keys(&self) -> Result<Vec<Found>, Error> {
        let call = Call::get("list keys", self.path("keys?all=true"));
        Ok(self.answer::<Listed>(&call).await?.keys)
    }

    pub(super) async fn find_key(&self, id: &str) -> Result<Option<KeyInfo>, Error> {
        let call = Call::get("read a key", self.path(&format!("keys/{}", segment(id))));
        let found = self.answer_if_there::<Found>(&call).await?;
        Ok(found.map(|found| found.info(Moment::now_utc())))
    }

    pub(super) async fn delete_key(&self, id: &str) -> Result<(), Error> {
        let call = Call::with_method("DELETE", "revoke a key", self.path(&format!("keys/{}", segment(id))));
        self.remove(&call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_a_key_is_told_by_its_dates() {
        let now = parse_moment("2026-11-29T10:00:00Z").unwrap();
        for (text, expected) in [
            (r#"{"id":"k","expires":"2026-12-01T00:00:00Z"}"#, KeyStatus::Usable),
            (r#"{"id":"k","expires":"2026-11-01T00:00:00Z","invalid":true}"#, KeyStatus::Expired),
            (r#"{"id":"k","expires":"2026-12-01T00:00:00Z","invalid":true}"#, KeyStatus::Spent),
            (
                r#"{"id":"k","expires":"2026-12-01T00:00:00Z","invalid":true,"revoked":"2026-11-20T00:00:00Z"}"#,
                KeyStatus::Revoked,
            ),
            (
                r#"{"id":"k","expires":"2026-12-01T00:00:00Z","invalid":true,"revoked":"",
                    "capabilities":{"devices":{"create":{"reusable":true}}}}"#,
                KeyStatus::Revoked,
            ),
        ] {
            let found: Found = serde_json::from_str(text).unwrap();
            assert_eq!(found.info(now).status, expected, "{text}");
        }
    }
}
