//! Keys by which machines join.

use std::time::Duration;

use secret::Secret;

/// What a key shall be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySpec {
    /// What it is for; only Tailscale has a place for it.
    pub description: String,
    /// The tags that machines get by it.
    pub tags: Vec<String>,
    /// Whose machines they become where there are no tags: the name of a user. Headscale only.
    pub user: Option<String>,
    /// Whether it can be used more than once.
    pub reusable: bool,
    /// Whether machines that come by it go by themselves.
    pub ephemeral: bool,
    /// Whether machines that come by it need no approval.
    pub preauthorized: bool,
    /// For how long it is good.
    pub expiry: Duration,
}

/// A key that was made. The secret is never told again.
#[derive(Clone, Debug)]
pub struct CreatedKey {
    /// The key itself.
    pub secret: Secret,
    /// What is known about it.
    pub info: KeyInfo,
}

/// What is known about a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyInfo {
    /// By what the server knows it.
    pub id: String,
    /// When it was made, in RFC 3339.
    pub created: String,
    /// Until when it is good, in RFC 3339.
    pub expires: String,
    /// What has become of it.
    pub status: KeyStatus,
}

/// What has become of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyStatus {
    /// A machine can join by it.
    #[default]
    Usable,
    /// It was for one machine, and that has joined.
    Spent,
    /// Its time is over.
    Expired,
    /// Somebody took it back.
    Revoked,
}
