//! The policy, which Headscale keeps in its database if `policy.mode` says so.
//!
//! It knows no guard, so that ours is a look before the change: whoever writes between the two is
//! overwritten. That is a matter of milliseconds.

use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Headscale, Release};
use crate::{
    Error, Expected, PolicyVersion, StoredPolicy, Verdict,
    transport::{Call, Client},
};

/// What stands for no policy at all, which cannot be had back: everybody reaches everything.
pub(super) const OPEN: &str = "// No policy: everybody reaches everything.\n{\"acls\": [{\"action\": \"accept\", \"src\": [\"*\"], \"dst\": [\"*:*\"]}]}\n";

/// Headscale's words for a database without a policy, which it tells as a failure.
const NONE: &str = "acl policy not found";
/// Its words where the policy is a file.
const FILE_MODE: &str = "update is disabled";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    #[serde(default)]
    policy: String,
    #[serde(default)]
    updated_at: Option<String>,
}

impl Stored {
    fn policy(self) -> StoredPolicy {
        let digest = Sha256::digest(self.policy.as_bytes());
        let version = format!("{} {}", self.updated_at.unwrap_or_default(), secret::hex(&digest[..16]));
        StoredPolicy { text: self.policy, version: PolicyVersion(version) }
    }
}

impl Headscale {
    pub(super) async fn stored_policy(&self) -> Result<Option<StoredPolicy>, Error> {
        let call = Call::get("read the policy", "/api/v1/policy");
        match self.answer_if_there::<Stored>(&call).await {
            Ok(stored) => Ok(stored.map(Stored::policy)),
            Err(Error::Refused { answered, .. }) if answered.message.contains(NONE) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn replace_policy(
        &self,
        text: &str,
        expected: &Expected,
    ) -> Result<StoredPolicy, Error> {
        let current = self.stored_policy().await?;
        let as_expected = match (expected, &current) {
            (Expected::Untouched, None) => true,
            (Expected::Version(version), Some(current)) => *version == current.version,
            _ => false,
        };
        if !as_expected {
            return match current {
                Some(current) if current.text == text => Ok(current),
                current => {
                    Err(Error::Conflict { server: self.wire.server(), current: current.map(Box::new) })
                }
            };
        }
        let call =
            Call::with_method("PUT", "set the policy", "/api/v1/policy").json(&json!({"policy": text}));
        match self.answer::<Stored>(&call).await {
            Ok(stored) => Ok(stored.policy()),
            Err(Error::Refused { answered, .. }) if answered.message.contains(FILE_MODE) => {
                let what = "this Headscale takes its policy from a file, and lets nobody change it by its interface; set \
                            `policy.mode: database` in its configuration";
                Err(Error::Unsupported { what: what.to_owned() })
            }
            Err(error) => Err(error),
        }
    }

    /// 0.28 cannot tell without taking the policy.
    pub(super) async fn verdict(&self, text: &str) -> Result<Verdict, Error> {
        if self.release().await? < Release::V29 {
            return Ok(Verdict::default());
        }
        let call = Call::with_method("POST", "check the policy", "/api/v1/policy/check")
            .json(&json!({"policy": text}))
            .repeatable();
        match self.carry_out(&call).await {
            Ok(()) => Ok(Verdict::default()),
            Err(Error::Refused { answered, .. }) if answered.status == 400 => {
                Ok(Verdict { errors: vec![answered.words()], warnings: Vec::new() })
            }
            Err(error) => Err(error),
        }
    }
}
