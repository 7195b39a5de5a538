//! What is defined, and names that are used and not defined.

use super::{Check, section};
use crate::{
    Kind,
    hujson::{Node, Position, Value},
    policy::selector::{Selector, is_addresses},
};

/// `groups`, `hosts`, `tagOwners` and `autoApprovers`.
pub(super) fn definitions(check: &mut Check<'_>) {
    let root = check.root;
    for group in section(root, "groups").map(Node::members).unwrap_or_default() {
        if !group.name.starts_with("group:") {
            check.error(
                group.at,
                format!("the name of a group begins with \"group:\", {:?} does not", group.name),
            );
        }
        for member in group.node.elements() {
            match member.as_str().map(Selector::of) {
                Some(Selector::Group(name)) => {
                    check.error(
                        member.at,
                        format!("{name} is in {}: a group cannot have groups in it", group.name),
                    );
                }
                Some(Selector::Tag(name)) => {
                    check.error(member.at, format!("{name} is in {}: a group has users in it", group.name));
                }
                _ => {}
            }
        }
    }
    for host in section(root, "hosts").map(Node::members).unwrap_or_default() {
        match &host.node.value {
            Value::String(text) if is_addresses(text) => {}
            _ => check
                .error(host.node.at, format!("{:?} of \"hosts\" must be an address or a range", host.name)),
        }
    }
    for tag in section(root, "tagOwners").map(Node::members).unwrap_or_default() {
        let letters = tag.name.strip_prefix("tag:").unwrap_or_default();
        if !letters.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            check.error(
                tag.at,
                format!("a tag is \"tag:\" and a name that begins with a letter, {:?} is not", tag.name),
            );
        }
        for owner in tag.node.elements() {
            reference(check, owner);
        }
    }
    if let Some(approvers) = section(root, "autoApprovers") {
        for kind in approvers.members() {
            let lists =
                std::iter::once(&kind.node).chain(kind.node.members().iter().map(|member| &member.node));
            for approver in lists.flat_map(Node::elements) {
                reference(check, approver);
            }
        }
    }
}

/// A text that names somebody or something: a tag and a group must be defined.
pub(super) fn reference(check: &mut Check<'_>, node: &Node) {
    if let Some(text) = node.as_str() {
        reference_to(check, node.at, text);
    }
}

/// As [`reference`], for a part of a text.
pub(super) fn reference_to(check: &mut Check<'_>, at: Position, text: &str) {
    match Selector::of(text) {
        Selector::Tag(tag) if !check.names.tags.contains(tag) => {
            check.error(at, format!("{tag} is used and not in \"tagOwners\", so that nobody can have it"));
        }
        Selector::Group(group) if !check.names.groups.contains(group) => {
            let what = format!("{group} is used and not in \"groups\"");
            match check.kind {
                Kind::Headscale => check.error(at, what),
                Kind::Tailscale => check
                    .warning(at, format!("{what}; that is right only for one of a synchronised directory")),
            }
        }
        Selector::Host(name) if !check.names.hosts.contains(name) => {
            let what = format!(
                "{name:?} is not an address, and not in \"hosts\"; a rule with it would do nothing. (A user has an @ in it, a \
                 DNS name has to stand in \"hosts\" with its address.)"
            );
            check.error(at, what);
        }
        _ => {}
    }
}
