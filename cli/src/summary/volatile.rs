//! Changes of what changes by itself: versions that a machine upgrades, times of the last run. They
//! are no drift.

use serde_json::Value;

use super::action::Action;
use super::read::plan::{Plan, ResourceChange};
use super::values::{Marked, differences};

/// What changes by itself, of resources of our own.
const OURS: [&str; 12] = [
    "windlass_host.docker_version",
    "windlass_host.compose_version",
    "windlass_host.os_version",
    "windlass_host.memory_bytes",
    "windlass_swarm_node.engine_version",
    "windlass_swarm_node.leader",
    "windlass_swarm_node.reachability",
    "windlass_corpus_backup.verified_at",
    "windlass_corpus_backup.copies_verified_at",
    "windlass_corpus_restore.duration_seconds",
    "windlass_tailnet_device.last_seen",
    "windlass_tailnet_device.client_version",
];

impl Plan {
    /// Takes out what is volatile: by ours, and by `more` (`type.attribute`, `address.attribute` or
    /// `output.name`, with `*` for anything). How many changes went.
    pub fn without_volatile(&mut self, more: &[String]) -> usize {
        let patterns: Vec<&str> = OURS.into_iter().chain(more.iter().map(String::as_str)).collect();
        let before = self.resource_changes.len() + self.output_changes.len();
        self.resource_changes.retain(|change| !is_volatile(change, &patterns));
        self.resource_drift.retain(|change| !is_volatile(change, &patterns));
        self.output_changes.retain(|name, change| {
            let is_change = Action::of_words(&change.actions).is_some();
            !is_change || !matches(&patterns, &format!("output.{name}"))
        });
        before - self.resource_changes.len() - self.output_changes.len()
    }
}

/// Whether a change in place is of nothing but what is volatile.
fn is_volatile(of: &ResourceChange, patterns: &[&str]) -> bool {
    if Action::of_words(&of.change.actions) != Some(Action::Update) {
        return false;
    }
    let marked = |value, unknown| Marked { value: Some(value), unknown, sensitive: None };
    let found = differences(
        marked(&of.change.before, None),
        marked(&of.change.after, Some(&of.change.after_unknown)),
        &[],
    );
    let is_one = |path: &str| {
        let attribute = path.split(['.', '[']).next().unwrap_or_default();
        matches(patterns, &format!("{}.{attribute}", of.r#type))
            || matches(patterns, &format!("{}.{attribute}", of.address))
    };
    !found.is_empty() && found.iter().all(|one| is_one(&one.path)) && of.change.after != Value::Null
}

fn matches(patterns: &[&str], text: &str) -> bool {
    patterns.iter().any(|pattern| is_like(pattern, text))
}

/// Whether a text is like a pattern, in which `*` stands for anything.
fn is_like(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(start) else { return false };
    let mut pieces = rest.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return left.len() >= piece.len() && left.ends_with(piece);
        }
        let Some(at) = left.find(piece) else { return false };
        left = &left[at + piece.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plan() -> Plan {
        let update = |address: &str, before: Value, after: Value| {
            let kind = address.split('.').next().unwrap();
            json!({ "address": address, "type": kind, "change": { "actions": ["update"], "before": before, "after": after } })
        };
        serde_json::from_value(json!({
            "resource_changes": [
                update("windlass_host.a", json!({ "docker_version": "27" }), json!({ "docker_version": "28" })),
                update("windlass_host.b", json!({ "docker_version": "27", "user": "a" }), json!({ "docker_version": "28", "user": "b" })),
                update("t.n", json!({ "last_run": { "at": 1 } }), json!({ "last_run": { "at": 2 } })),
                { "address": "windlass_host.c", "type": "windlass_host", "change": { "actions": ["create"], "after": { "docker_version": "28" } } },
            ],
            "output_changes": { "version": { "actions": ["update"], "before": 1, "after": 2 } },
        }))
        .unwrap()
    }

    #[test]
    fn only_what_changes_by_itself_and_nothing_else_is_passed_over() {
        let left = |patterns: &[&str]| {
            let mut plan = plan();
            let more: Vec<String> = patterns.iter().map(|&pattern| pattern.into()).collect();
            let gone = plan.without_volatile(&more);
            let mut names: Vec<String> =
                plan.resource_changes.iter().map(|one| one.address.clone()).collect();
            names.extend(plan.output_changes.into_keys());
            (gone, names.join(" "))
        };
        assert_eq!(left(&[]), (1, "windlass_host.b t.n windlass_host.c version".into()));
        assert_eq!(left(&["t.*.last_run"]), (2, "windlass_host.b windlass_host.c version".into()));
        assert_eq!(left(&["t.last_*", "output.v*", "windlass_host.b.*"]), (4, "windlass_host.c".into()));
    }

    #[test]
    fn patterns_are_matched_from_end_to_end() {
        assert!(is_like("a*c*e", "abcde") && is_like("*", "x") && is_like("a", "a") && is_like("a*", "a"));
        assert!(!is_like("a*c", "abcd") && !is_like("ab*ba", "aba") && !is_like("a", "ab"));
    }
}
