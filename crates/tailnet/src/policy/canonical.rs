//! The names that policies have, and finding what stands under them.
//!
//! The servers read names without regard to case, and know old names for some.

use crate::hujson::Node;

/// Every section that one of the servers knows, as the documentation spells it.
pub(super) const SECTIONS: [&str; 19] = [
    "acls",
    "grants",
    "ssh",
    "groups",
    "hosts",
    "tagOwners",
    "autoApprovers",
    "nodeAttrs",
    "tests",
    "sshTests",
    "postures",
    "ipsets",
    "derpMap",
    "attrConfig",
    "disableIPv4",
    "OneCGNATRoute",
    "randomizeClientPort",
    "defaultSrcPosture",
    "nodeVisibility",
];

/// The sections that Headscale knows.
pub(super) const HEADSCALE: [&str; 11] = [
    "acls",
    "grants",
    "ssh",
    "groups",
    "hosts",
    "tagOwners",
    "autoApprovers",
    "nodeAttrs",
    "tests",
    "sshTests",
    "randomizeClientPort",
];

/// The name of a section as the documentation spells it; as written, where it is none of those.
pub(super) fn section_name(written: &str) -> &str {
    SECTIONS.iter().find(|name| name.eq_ignore_ascii_case(written)).copied().unwrap_or(written)
}

/// Old names of fields: the section, the old and the new one.
const RENAMED: [(&str, &str, &str); 4] = [
    ("acls", "users", "src"),
    ("acls", "ports", "dst"),
    ("tests", "user", "src"),
    ("tests", "allow", "accept"),
];

/// The name of a field of a rule in lower case, old names as new ones.
pub(super) fn field_name(section: &str, written: &str) -> String {
    let lower = written.to_lowercase();
    let renamed = RENAMED.iter().find(|(of, old, _)| *of == section && *old == lower);
    renamed.map_or(lower, |(.., new)| (*new).to_owned())
}

/// Whether a field of a rule, as it is written, is the one that [`field_name`] calls `name`, which is ASCII.
/// Every rule is asked for every field: nothing is made anew for that.
fn is_field(section: &str, written: &str, name: &str) -> bool {
    let renamed = RENAMED.iter().find(|(of, old, _)| *of == section && old.eq_ignore_ascii_case(written));
    match renamed {
        Some((.., new)) => *new == name,
        None => written.eq_ignore_ascii_case(name),
    }
}

/// A section of a policy. Of one that is there twice, the last counts.
pub(super) fn section<'n>(root: &'n Node, name: &str) -> Option<&'n Node> {
    let members = root.members().iter().rev();
    members.filter(|member| section_name(&member.name) == name).map(|member| &member.node).next()
}

/// A field of a rule of `section`.
pub(super) fn field<'n>(section: &str, rule: &'n Node, name: &str) -> Option<&'n Node> {
    let members = rule.members().iter().rev();
    members.filter(|member| is_field(section, &member.name, name)).map(|member| &member.node).next()
}

/// The texts in a field that is a list of texts.
pub(super) fn texts<'n>(section: &str, rule: &'n Node, name: &str) -> Vec<&'n str> {
    let elements = field(section, rule, name).map(Node::elements).unwrap_or_default();
    elements.iter().filter_map(Node::as_str).collect()
}
