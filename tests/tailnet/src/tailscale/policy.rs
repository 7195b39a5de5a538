//! The policy.

use serde_json::json;
use sha2::{Digest, Sha256};
use tailnet::{hujson, policy::Policy};

use super::{
    Request,
    answer::Answer,
    state::{DEFAULT, State},
};

const HUJSON: &str = "application/hujson";

/// The version of a text. (The real one's is of the text as it formats it, which is its own business.)
pub fn etag_of(text: &str) -> String {
    format!("\"{}\"", secret::hex(&Sha256::digest(text.as_bytes())))
}

impl State {
    pub(super) fn set_policy(&mut self, text: &str) {
        self.policy = text.to_owned();
        self.touched = true;
    }

    pub(super) fn get_policy(&mut self, request: &Request) -> Answer {
        if request.header("accept") != Some(HUJSON) {
            return self.complain(request, "the policy is read as HuJSON, or its comments are lost");
        }
        self.stored()
    }

    fn stored(&self) -> Answer {
        let headers = vec![("etag", etag_of(&self.policy)), ("content-type", HUJSON.to_owned())];
        Answer::Whole { status: 200, headers, body: self.policy.clone() }
    }

    pub(super) fn post_policy(&mut self, request: &Request) -> Answer {
        if request.header("content-type") != Some(HUJSON) {
            return self.complain(request, "the policy is sent as HuJSON, or its comments are lost");
        }
        let Some(expected) = request.header("if-match") else {
            return self.complain(request, "a change without If-Match overwrites what nobody has seen");
        };
        let current = etag_of(&self.policy);
        let is_expected = expected == current || (expected == "\"ts-default\"" && !self.touched);
        if !is_expected {
            return Answer::refusal(412, "precondition failed, invalid old hash");
        }
        if request.body.is_empty() {
            self.policy = DEFAULT.to_owned();
            self.touched = false;
            return self.stored();
        }
        if let Some(problem) = self.problem(&request.body) {
            return Answer::refusal(400, &problem);
        }
        self.set_policy(&request.body);
        self.stored()
    }

    /// Always status 200 for what can be read.
    pub(super) fn validate(&mut self, request: &Request) -> Answer {
        if let Err(error) = hujson::parse(&request.body) {
            return Answer::refusal(400, &error.to_string());
        }
        if let Some(problem) = self.problem(&request.body) {
            let data = json!([{"user": "tag:gha-deployer", "errors": [problem]}]);
            let message = if problem.contains("want:") { "test(s) failed" } else { problem.as_str() };
            return Answer::json(&json!({"message": message, "data": data}));
        }
        let warned =
            self.missing.iter().find(|(name, is_error)| !is_error && request.body.contains(name.as_str()));
        match warned {
            Some((name, _)) => Answer::json(
                &json!({"message": "warning(s) found", "data": [{"user": name, "warnings": ["user not found"]}]}),
            ),
            None => Answer::json(&json!({})),
        }
    }

    /// What the server finds wrong. It runs `tests` as far as these need no set algebra: a test that
    /// is told to fail fails.
    fn problem(&self, text: &str) -> Option<String> {
        let policy = match Policy::parse(text) {
            Ok(policy) => policy,
            Err(error) => return Some(error.to_string()),
        };
        if let Some((name, _)) =
            self.missing.iter().find(|(name, is_error)| *is_error && text.contains(name.as_str()))
        {
            return Some(format!("src={name} not found"));
        }
        let failing =
            policy.rules().get("tests").into_iter().flatten().any(|test| test.contains("deny: tag:prod:22"));
        failing.then(|| "address \"tag:prod:22\": want: Drop, got: Accept".to_owned())
    }
}
