//! `ssh`: who may log in over Tailscale SSH.

use super::{Check, references::reference, section};
use crate::{
    hujson::Node,
    policy::{
        canonical::{field, texts},
        selector::Selector,
    },
};

pub(super) fn rules(check: &mut Check<'_>) {
    for rule in section(check.root, "ssh").map(Node::elements).unwrap_or_default() {
        one(check, rule);
    }
}

fn one(check: &mut Check<'_>, rule: &Node) {
    let action = field("ssh", rule, "action").and_then(Node::as_str).unwrap_or_default();
    if !["accept", "check"].contains(&action) {
        check.error(rule.at, "the action of a rule in \"ssh\" is \"accept\" or \"check\"");
    }
    if action != "check"
        && let Some(period) = field("ssh", rule, "checkperiod")
    {
        check.error(period.at, "\"checkPeriod\" belongs to the action \"check\"");
    }
    if texts("ssh", rule, "users").is_empty() {
        check.error(rule.at, "a rule in \"ssh\" names the users that may be logged in as, in \"users\"");
    }
    let sources = field("ssh", rule, "src").map(Node::elements).unwrap_or_default();
    for source in sources {
        reference(check, source);
        let tagged = is_tagged(source);
        if tagged && action == "check" {
            let what = "a machine with a tag has nobody who could confirm: \"check\" never lets it in, use \"accept\"";
            check.error(source.at, what);
        }
    }
    let tagged = sources.iter().any(is_tagged);
    for target in field("ssh", rule, "dst").map(Node::elements).unwrap_or_default() {
        reference(check, target);
        match target.as_str().map(Selector::of) {
            Some(Selector::Everything) => {
                check.error(
                    target.at,
                    "\"*\" cannot be the \"dst\" of a rule in \"ssh\"; name tags or autogroup:self",
                );
            }
            Some(Selector::AutoGroup("autogroup:self" | "autogroup:member") | Selector::User) if tagged => {
                check.error(target.at, "a machine with a tag cannot log in to the machines of users");
            }
            _ => {}
        }
    }
}

fn is_tagged(node: &Node) -> bool {
    matches!(
        node.as_str().map(Selector::of),
        Some(Selector::Tag(_) | Selector::AutoGroup("autogroup:tagged"))
    )
}
