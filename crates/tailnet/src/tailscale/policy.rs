//! The policy: guarded by its ETag, which is never computed here.

use serde::Deserialize;

use super::Tailscale;
use crate::{
    Error, Expected, PolicyVersion, StoredPolicy, Verdict,
    transport::{Call, Client, Reply, refusal_in},
};

/// Comments are kept only in this form.
const HUJSON: &str = "application/hujson";
/// What the server calls the policy that nobody has touched.
const DEFAULT: &str = "\"ts-default\"";

/// What a validation answers: nothing, or this, always with status 200.
#[derive(Default, Deserialize)]
struct Validated {
    #[serde(default)]
    message: String,
    #[serde(default)]
    data: Vec<ValidatedFor>,
}

#[derive(Default, Deserialize)]
struct ValidatedFor {
    #[serde(default)]
    user: String,
    #[serde(default)]
    errors: Vec<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

impl Tailscale {
    pub(super) async fn stored_policy(&self) -> Result<StoredPolicy, Error> {
        const OPERATION: &str = "read the policy";
        let mut call = Call::get(OPERATION, self.path("acl"));
        call.accept = HUJSON;
        let reply = self.demand(&call).await?;
        self.stored(OPERATION, &reply)
    }

    fn stored(&self, operation: &'static str, reply: &Reply) -> Result<StoredPolicy, Error> {
        let garbled =
            |why: &str| Error::Garbled { server: self.wire.server(), operation, why: why.to_owned() };
        let text = std::str::from_utf8(&reply.body).map_err(|_| garbled("it is not UTF-8 text"))?.to_owned();
        let version = reply.etag.clone().ok_or_else(|| garbled("it has no ETag"))?;
        Ok(StoredPolicy { text, version: PolicyVersion(version) })
    }

    /// The guard makes asking twice harmless: what was done by a request whose answer was lost is a
    /// conflict with ourselves, and its text shows that.
    pub(super) async fn replace_policy(
        &self,
        text: &str,
        expected: &Expected,
    ) -> Result<StoredPolicy, Error> {
        const OPERATION: &str = "set the policy";
        let mut call =
            Call::with_method("POST", OPERATION, self.path("acl")).content(HUJSON, text).repeatable();
        call.accept = HUJSON;
        call.if_match = Some(match expected {
            Expected::Untouched => DEFAULT.to_owned(),
            Expected::Version(PolicyVersion(etag)) => quoted(etag),
        });
        match self.demand(&call).await {
            Ok(reply) if reply.etag.is_some() => self.stored(OPERATION, &reply),
            Ok(_) => self.stored_policy().await,
            Err(Error::Conflict { server, .. }) => {
                let current = self.stored_policy().await.ok();
                match current {
                    Some(current) if current.text == text => Ok(current),
                    current => Err(Error::Conflict { server, current: current.map(Box::new) }),
                }
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn verdict(&self, text: &str) -> Result<Verdict, Error> {
        const OPERATION: &str = "check the policy";
        let call = Call::with_method("POST", OPERATION, self.path("acl/validate"))
            .content(HUJSON, text)
            .repeatable();
        let reply = match self.demand(&call).await {
            Ok(reply) => reply,
            // What it cannot even read.
            Err(Error::Refused { answered, .. }) if answered.status == 400 => {
                let errors = vec![answered.words()];
                return Ok(Verdict { errors, warnings: Vec::new() });
            }
            Err(error) => return Err(error),
        };
        if reply.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Verdict::default());
        }
        let validated: Validated = self.wire.read(&call, &reply)?;
        Ok(verdict_of(&validated, &reply))
    }
}

/// A message with warnings alone is no refusal.
fn verdict_of(validated: &Validated, reply: &Reply) -> Verdict {
    let about = |one: &ValidatedFor, text: &String| {
        if one.user.is_empty() { text.clone() } else { format!("{}: {text}", one.user) }
    };
    let all = |lines: fn(&ValidatedFor) -> &Vec<String>| -> Vec<String> {
        validated.data.iter().flat_map(|one| lines(one).iter().map(|text| about(one, text))).collect()
    };
    let (mut errors, warnings) = (all(|one| &one.errors), all(|one| &one.warnings));
    if errors.is_empty() && warnings.is_empty() && !validated.message.is_empty() {
        errors.push(refusal_in(reply).0);
    }
    Verdict { errors, warnings }
}

/// An ETag as `If-Match` wants it.
fn quoted(etag: &str) -> String {
    format!("\"{}\"", etag.trim_start_matches("W/").trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(body: &str) -> Verdict {
        let reply = Reply { status: 200, etag: None, retry_after: None, body: body.as_bytes().to_vec() };
        verdict_of(&serde_json::from_str(body).unwrap(), &reply)
    }

    #[test]
    fn a_warning_stays_a_warning() {
        let told =
            verdict(r#"{"message":"warning(s) found","data":[{"user":"group:x","warnings":["not found"]}]}"#);
        assert!(told.is_fine());
        assert_eq!(told.warnings, ["group:x: not found"]);
    }

    #[test]
    fn what_failed_is_told_in_the_servers_words() {
        let told = verdict(
            r#"{"message":"test(s) failed","data":[{"user":"a@b","errors":["address \"x:22\": want: Accept, got: Drop"]}]}"#,
        );
        assert_eq!(told.errors, ["a@b: address \"x:22\": want: Accept, got: Drop"]);
        assert_eq!(
            verdict(r#"{"message":"line 3, column 4: src=tag not found"}"#).errors,
            ["line 3, column 4: src=tag not found"]
        );
        assert_eq!(verdict("{}"), Verdict::default());
    }

    #[test]
    fn an_etag_is_sent_in_quotes() {
        for etag in ["abc", "\"abc\"", "W/\"abc\""] {
            assert_eq!(quoted(etag), "\"abc\"");
        }
    }
}
