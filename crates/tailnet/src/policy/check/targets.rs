//! `acls`, `grants` and `nodeAttrs`: who may reach what.

use super::{
    Check,
    references::{reference, reference_to},
    section,
};
use crate::{
    Kind,
    hujson::Node,
    policy::{
        canonical::field,
        ports,
        selector::{Selector, with_ports},
    },
};

/// The groups that a server makes itself.
const AUTOGROUPS: [&str; 15] = [
    "autogroup:admin",
    "autogroup:auditor",
    "autogroup:billing-admin",
    "autogroup:danger-all",
    "autogroup:internet",
    "autogroup:it-admin",
    "autogroup:member",
    "autogroup:members",
    "autogroup:network-admin",
    "autogroup:nonroot",
    "autogroup:owner",
    "autogroup:self",
    "autogroup:shared",
    "autogroup:tagged",
    "autogroup:tagowners",
];

pub(super) fn rules(check: &mut Check<'_>) {
    let root = check.root;
    for rule in section(root, "acls").map(Node::elements).unwrap_or_default() {
        if let Some(action) = field("acls", rule, "action").filter(|action| action.as_str() != Some("accept"))
        {
            check.error(action.at, "the only action of a rule in \"acls\" is \"accept\"");
        }
        for name in ["src", "dst"] {
            if field("acls", rule, name).is_none() {
                check.error(rule.at, format!("a rule in \"acls\" needs {name:?}"));
            }
        }
        sources(check, "acls", rule);
        for target in field("acls", rule, "dst").map(Node::elements).unwrap_or_default() {
            target_with_ports(check, target);
        }
    }
    for rule in section(root, "grants").map(Node::elements).unwrap_or_default() {
        sources(check, "grants", rule);
        for target in field("grants", rule, "dst").map(Node::elements).unwrap_or_default() {
            reference(check, target);
            autogroup(check, target, "dst");
        }
        if field("grants", rule, "ip").is_none() && field("grants", rule, "app").is_none() {
            check.error(rule.at, "a grant needs \"ip\" or \"app\"");
        }
        for list in field("grants", rule, "ip").map(Node::elements).unwrap_or_default() {
            let text = list.as_str().unwrap_or_default();
            let list_of_ports = text.split_once(':').map_or(text, |(_, ports)| ports);
            if !ports::is_valid(list_of_ports)
                && !text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-')
            {
                check.error(
                    list.at,
                    format!("{text:?} is not a list of ports such as \"tcp:22\" or \"80-90\""),
                );
            }
        }
        for router in field("grants", rule, "via").map(Node::elements).unwrap_or_default() {
            if !matches!(router.as_str().map(Selector::of), Some(Selector::Tag(_))) {
                check.error(router.at, "\"via\" has only tags in it");
            }
            reference(check, router);
        }
    }
    for rule in section(root, "nodeAttrs").map(Node::elements).unwrap_or_default() {
        for target in field("nodeAttrs", rule, "target").map(Node::elements).unwrap_or_default() {
            reference(check, target);
        }
    }
}

fn sources(check: &mut Check<'_>, section: &str, rule: &Node) {
    for source in field(section, rule, "src").map(Node::elements).unwrap_or_default() {
        reference(check, source);
        autogroup(check, source, "src");
    }
}

/// A `dst` of a rule in `acls`: something, a colon, ports.
fn target_with_ports(check: &mut Check<'_>, node: &Node) {
    let Some(text) = node.as_str() else { return };
    let Some((target, list)) = with_ports(text) else {
        check.error(
            node.at,
            format!("{text:?} has no ports: write {:?} or {:?}", format!("{text}:22"), format!("{text}:*")),
        );
        return;
    };
    if !ports::is_valid(list) {
        check.error(
            node.at,
            format!(
                "{list:?} in {text:?} is not a list of ports such as \"22\", \"80,443\", \"8000-8999\" or \"*\""
            ),
        );
    }
    reference_to(check, node.at, target);
    autogroup_named(check, node, target, "dst");
}

fn autogroup(check: &mut Check<'_>, node: &Node, side: &str) {
    if let Some(text) = node.as_str() {
        autogroup_named(check, node, text, side);
    }
}

fn autogroup_named(check: &mut Check<'_>, node: &Node, text: &str, side: &str) {
    let Selector::AutoGroup(name) = Selector::of(text) else { return };
    let only = match name {
        "autogroup:self" | "autogroup:internet" => "dst",
        "autogroup:danger-all" => "src",
        name if !AUTOGROUPS.contains(&name) && !name.contains('@') => {
            check.warning(node.at, format!("{name} is not a group of the server's that is known here"));
            return;
        }
        _ => return,
    };
    if side != only {
        check.error(node.at, format!("{name} can only stand in {only:?}"));
    }
    if name == "autogroup:danger-all" && check.kind == Kind::Tailscale {
        check.warning(node.at, "autogroup:danger-all lets in also who is not in the tailnet");
    }
}
