//! `tests` and `sshTests`: what the server tries before it takes a policy.

use super::{
    Check,
    references::{reference, reference_to},
    section,
};
use crate::{
    hujson::Node,
    policy::{
        canonical::field,
        selector::{Selector, with_ports},
    },
};

pub(super) fn tests(check: &mut Check<'_>) {
    for test in section(check.root, "tests").map(Node::elements).unwrap_or_default() {
        match field("tests", test, "src") {
            Some(source) => reference(check, source),
            None => check.error(test.at, "a test needs \"src\""),
        }
        let lists = ["accept", "deny"].map(|name| field("tests", test, name));
        let targets: Vec<&Node> = lists.into_iter().flatten().flat_map(Node::elements).collect();
        if targets.is_empty() {
            check.error(test.at, "a test needs \"accept\" or \"deny\", and something in it");
        }
        for target in targets {
            one_target(check, target);
        }
    }
    for test in section(check.root, "sshTests").map(Node::elements).unwrap_or_default() {
        let source = field("sshTests", test, "src");
        if let Some(source) = source {
            if matches!(source.as_str().map(Selector::of), Some(Selector::AutoGroup(_))) {
                check.error(source.at, "the \"src\" of a test of SSH cannot be an autogroup");
            }
            reference(check, source);
        }
    }
}

fn one_target(check: &mut Check<'_>, node: &Node) {
    let Some(text) = node.as_str() else { return };
    let Some((target, port)) = with_ports(text) else {
        check.error(node.at, format!("{text:?} needs one port: {:?}", format!("{text}:22")));
        return;
    };
    if port.parse::<u16>().is_err() {
        check.error(node.at, format!("{text:?} needs one port, and has {port:?}"));
    }
    if target == "*" || target.contains('/') {
        check.error(node.at, format!("{text:?} must be one machine, tag, group or user"));
    }
    reference_to(check, node.at, target);
}
