//! What the server knows.

use serde_json::Value;

use super::{Fault, Request, answer::Answer};

/// What a tailnet has before anybody writes a policy.
pub(super) const DEFAULT: &str = "// Everybody reaches everything.\n{\n\t\"acls\": [{\"action\": \"accept\", \"src\": [\"*\"], \
                                  \"dst\": [\"*:*\"]}],\n}\n";

/// A key by which machines join.
pub(super) struct Key {
    /// All but the secret.
    pub(super) told: Value,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) policy: String,
    /// Whether somebody has written the policy.
    pub(super) touched: bool,
    pub(super) missing: Vec<(String, bool)>,
    pub(super) keys: Vec<Key>,
    pub(super) devices: Vec<Value>,
    pub(super) dns: Value,
    pub(super) settings: Value,
    pub(super) tokens: Vec<String>,
    pub(super) granted: usize,
    pub(super) faults: Vec<(String, Fault)>,
    pub(super) requests: Vec<Request>,
    pub(super) complaints: Vec<String>,
}

impl State {
    /// Refuses a call that the real one would refuse, and remembers it.
    pub(super) fn complain(&mut self, request: &Request, why: &str) -> Answer {
        self.complaints.push(format!("{}: {why}", request.line()));
        Answer::refusal(400, why)
    }
}
