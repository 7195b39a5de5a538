//! Failures between us and the control server of a tailnet.

use framework::Diagnostic;
use tailnet::{Answered, Error};

use super::sentence;

/// The diagnostic of a failed operation at a control server.
pub(super) fn tailnet_error(title: &str, error: &Error, world: &str) -> Diagnostic {
    let (happened, next) = story(error);
    Diagnostic::error(title).detail(happened).detail(world).detail(next)
}

/// Whether the server is not there (now).
pub(super) fn is_unreachable(error: &Error) -> bool {
    matches!(error, Error::Unreachable { .. })
}

fn story(error: &Error) -> (String, String) {
    match error {
        Error::Unreachable { .. } => (
            sentence(&error.to_string()),
            "Check `base_url` of the provider's `tailnet` block, and that the server is up and can be reached from here \
             (for Headscale on a host: from that host)."
                .to_owned(),
        ),
        Error::Lost { .. } | Error::Garbled { .. } => (
            sentence(&error.to_string()),
            "Run the same command again: it looks at what is there before it changes anything.".to_owned(),
        ),
        Error::KeyLost { candidates, .. } => (sentence(&error.to_string()), lost_key(candidates.as_deref())),
        Error::Credentials { server, answered } => (
            format!("{server} does not accept the credentials: {}", quoted(answered)),
            "Check the provider's `tailnet` block, or the TAILSCALE_* or HEADSCALE_* environment: a key of the interface \
             is good for 90 days at most, a federated identity only for the subject that it names, an OAuth client for \
             the scopes that it has."
                .to_owned(),
        ),
        Error::Forbidden { server, answered } => (
            format!("{server} does not allow to {}: {}", answered.operation, quoted(answered)),
            "Give the credentials the right to do that. Of an OAuth client these are its scopes: `policy_file` for the \
             policy (`policy_file:read` is enough to plan), `auth_keys` for keys, `devices:core` for devices."
                .to_owned(),
        ),
        Error::NotFound { server, answered } => (
            format!("{server} has nothing to {} by: {}", answered.operation, quoted(answered)),
            "Check `base_url` and `tailnet` of the provider's `tailnet` block.".to_owned(),
        ),
        Error::Conflict { server, .. } => (
            format!("The policy at {server} has been changed by somebody else meanwhile."),
            "Plan again, which shows what they changed.".to_owned(),
        ),
        Error::Busy { server, answered } => (
            format!("{server} had too many requests to {}, also after waiting: {}", answered.operation, quoted(answered)),
            "Run the same command again in a few minutes, with a lower `-parallelism`.".to_owned(),
        ),
        Error::Refused { server, answered } => {
            (format!("{server} refused to {}: {}", answered.operation, quoted(answered)), hint_for(answered).to_owned())
        }
        Error::Unsupported { what } | Error::Configuration { what } => {
            (sentence(what), "Correct what it names, or the provider's `tailnet` block.".to_owned())
        }
        // Failures of a host have words of their own.
        Error::Host(error) => (sentence(&error.to_string()), String::new()),
    }
}

fn quoted(answered: &Answered) -> String {
    format!("status {}, in its own words:\n{}", answered.status, answered.words())
}

fn lost_key(candidates: Option<&[String]>) -> String {
    match candidates {
        Some([]) => "No key was made, as the list of keys shows. Run the same command again.".to_owned(),
        Some(ids) => format!(
            "A key may have been made that nobody has. One of these may be it, if nobody else made it just now: {}. Revoke \
             it at the control server, then run the same command again, which makes another one.",
            ids.join(", ")
        ),
        None => "A key may have been made that nobody has. Look at the list of keys at the control server, revoke one that \
                 was made just now by nobody else, then run the same command again."
            .to_owned(),
    }
}

/// What to do about a refusal, as far as the server's own words tell.
fn hint_for(answered: &Answered) -> &'static str {
    let words = answered.words();
    let says = |text: &str| words.contains(text);
    if says("invalid or not permitted") || (says("tag") && says("not owned")) {
        "Who makes a key may give only tags that it owns. An OAuth client owns the tags that it was made with, all of them \
         together, and the tags that `tagOwners` of the policy gives to one of them: make the client with one tag, such as \
         `tag:deployer`, and let that own the others (`\"tagOwners\": {\"tag:prod\": [\"tag:deployer\"]}`)."
    } else if says("tag") && says("not found") {
        "Put the tag into `tagOwners` of the policy, and let this depend on the `windlass_tailnet_policy`."
    } else {
        "Correct what its words name, then apply again."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(error: &Error) -> String {
        tailnet_error("Could not create tailnet key", error, "Nothing was changed.").detail
    }

    fn refused(message: &str) -> Error {
        let answered =
            Answered { operation: "make a key", status: 400, message: message.into(), details: vec![] };
        Error::Refused { server: "https://api".into(), answered }
    }

    #[test]
    fn tags_that_may_not_be_given_explain_who_owns_tags() {
        let text = told(&refused("requested tags [tag:prod] are invalid or not permitted"));
        assert_eq!(
            text,
            "https://api refused to make a key: status 400, in its own words:\nrequested tags [tag:prod] are invalid or \
             not permitted\n\nNothing was changed.\n\nWho makes a key may give only tags that it owns. An OAuth client \
             owns the tags that it was made with, all of them together, and the tags that `tagOwners` of the policy gives \
             to one of them: make the client with one tag, such as `tag:deployer`, and let that own the others \
             (`\"tagOwners\": {\"tag:prod\": [\"tag:deployer\"]}`)."
        );
    }

    #[test]
    fn a_key_that_may_have_been_made_is_named() {
        let lost = |candidates| {
            told(&Error::KeyLost { server: "https://api".into(), why: "cut".into(), candidates })
        };
        assert!(
            lost(Some(vec!["k1".into(), "k2".into()]))
                .contains("may be it, if nobody else made it just now: k1, k2.")
        );
        assert!(lost(Some(vec![])).contains("No key was made"));
        assert!(lost(None).contains("Look at the list of keys"));
    }

    #[test]
    fn every_story_has_what_happened_the_world_and_a_next_step() {
        let answered =
            || Answered { operation: "read the policy", status: 400, message: "m".into(), details: vec![] };
        let server = || "https://api".to_owned();
        for error in [
            Error::Unreachable { server: server(), operation: "read the policy", why: "refused".into() },
            Error::Lost { server: server(), operation: "read the policy", why: "cut".into() },
            Error::Garbled { server: server(), operation: "read the policy", why: "it is not JSON".into() },
            Error::Credentials { server: server(), answered: answered() },
            Error::Forbidden { server: server(), answered: answered() },
            Error::NotFound { server: server(), answered: answered() },
            Error::Conflict { server: server(), current: None },
            Error::Busy { server: server(), answered: answered() },
            Error::Unsupported { what: "this is Headscale 0.20".into() },
        ] {
            let text = told(&error);
            let paragraphs: Vec<_> = text.split("\n\n").collect();
            assert_eq!((paragraphs.len(), paragraphs[1]), (3, "Nothing was changed."), "{text}");
        }
    }
}
