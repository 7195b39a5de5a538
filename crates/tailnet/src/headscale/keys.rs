//! Keys by which machines join.

use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::Headscale;
use crate::{
    CreatedKey, Error, KeyInfo, KeySpec, KeyStatus, moment_after, parse_moment,
    tailscale::segment,
    time_text::Moment,
    transport::{Call, Client, lost},
};

/// How far the server's clock may be behind ours.
const SKEW: time::Duration = time::Duration::minutes(2);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct One {
    pre_auth_key: Found,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    #[serde(default)]
    pre_auth_keys: Vec<Found>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Found {
    #[serde(deserialize_with = "id")]
    id: String,
    key: String,
    reusable: bool,
    used: bool,
    #[serde(deserialize_with = "text")]
    expiration: String,
    #[serde(deserialize_with = "text")]
    created_at: String,
    acl_tags: Vec<String>,
}

/// Ids are numbers, and texts in JSON.
pub(super) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// A text, empty where there is none.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_default())
}

impl Found {
    fn info(&self, now: Moment) -> KeyInfo {
        let is_over = parse_moment(&self.expiration).is_some_and(|end| end <= now);
        let status = match () {
            () if self.used && !self.reusable => KeyStatus::Spent,
            () if is_over => KeyStatus::Expired,
            () => KeyStatus::Usable,
        };
        let (created, expires) = (self.created_at.clone(), self.expiration.clone());
        KeyInfo { id: self.id.clone(), created, expires, status }
    }
}

#[derive(Deserialize)]
struct Users {
    #[serde(default)]
    users: Vec<User>,
}

#[derive(Deserialize)]
struct User {
    #[serde(deserialize_with = "id")]
    id: String,
}

impl Headscale {
    pub(super) async fn make_key(&self, spec: &KeySpec) -> Result<CreatedKey, Error> {
        let user = match &spec.user {
            Some(name) => Some(self.user_id(name).await?),
            None => None,
        };
        let asked = Moment::now_utc();
        let mut body = json!({
            "reusable": spec.reusable,
            "ephemeral": spec.ephemeral,
            "expiration": moment_after(asked, spec.expiry),
            "aclTags": spec.tags,
        });
        if let Some(user) = user {
            body["user"] = user.into();
        }
        let call = Call::with_method("POST", "make a key", "/api/v1/preauthkey").json(&body);
        match self.answer(&call).await {
            Ok(One { pre_auth_key: found }) => {
                let info = found.info(asked);
                Ok(CreatedKey { secret: found.key.into(), info })
            }
            Err(error) => Err(self.lost_key(spec, asked, error).await),
        }
    }

    /// What it means that there is no answer: the key may have been made. A status of 500 says that
    /// it was not: this server tells every mistake of ours by it.
    async fn lost_key(&self, spec: &KeySpec, asked: Moment, error: Error) -> Error {
        let (server, why) = match lost(error, 501) {
            Ok(lost) => lost,
            Err(error) => return error,
        };
        let candidates = self.list_keys().await.ok().map(|keys| {
            let is_it = |key: &&Found| {
                let created = parse_moment(&key.created_at);
                key.acl_tags == spec.tags && created.is_none_or(|moment| moment >= asked - SKEW)
            };
            keys.iter().filter(is_it).map(|key| key.id.clone()).collect()
        });
        Error::KeyLost { server, why, candidates }
    }

    async fn user_id(&self, name: &str) -> Result<String, Error> {
        let call = Call::get("find the user", format!("/api/v1/user?name={}", segment(name)));
        let users = self.answer::<Users>(&call).await?.users;
        users.into_iter().next().map(|user| user.id).ok_or_else(|| Error::Configuration {
            what: format!("there is no user {name:?} at {}", self.wire.server()),
        })
    }

    async fn list_keys(&self) -> Result<Vec<Found>, Error> {
        let call = Call::get("list keys", "/api/v1/preauthkey");
        Ok(self.answer::<Listed>(&call).await?.pre_auth_keys)
    }

    /// There is no way to ask for one key.
    pub(super) async fn find_key(&self, id: &str) -> Result<Option<KeyInfo>, Error> {
        let keys = self.list_keys().await?;
        Ok(keys.iter().find(|key| key.id == id).map(|key| key.info(Moment::now_utc())))
    }

    /// Expires a key, so that it stays in the list of who used it.
    pub(super) async fn expire_key(&self, id: &str) -> Result<(), Error> {
        let is_usable = |info: KeyInfo| info.status == KeyStatus::Usable;
        if !self.find_key(id).await?.is_some_and(is_usable) {
            return Ok(());
        }
        let call = Call::with_method("POST", "revoke a key", "/api/v1/preauthkey/expire")
            .json(&json!({"id": id}))
            .repeatable();
        self.remove(&call).await
    }
}
