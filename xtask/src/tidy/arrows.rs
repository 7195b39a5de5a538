//! Which crate may use which: the table, and the check against it.

use super::Violation;
use super::workspace::Member;

/// What one crate may use of ours.
#[derive(Debug, Clone, Copy)]
pub enum Allowed {
    /// These and no others.
    Only(&'static [&'static str]),
    /// Every library except these.
    AllBut(&'static [&'static str]),
}

/// The table of ARCHITECTURE.md; what is not in it is forbidden.
const ARROWS: &[(&str, Allowed)] = &[
    ("tfvalue", Allowed::Only(&[])),
    ("tfplugin5", Allowed::Only(&[])),
    ("secret", Allowed::Only(&[])),
    ("framework-derive", Allowed::Only(&[])),
    ("framework", Allowed::Only(&["tfvalue", "framework-derive", "secret"])),
    ("remote", Allowed::Only(&["secret"])),
    ("http", Allowed::Only(&["remote", "secret"])),
    ("tree", Allowed::Only(&["remote", "secret"])),
    ("ssh", Allowed::Only(&["remote", "secret"])),
    ("docker", Allowed::Only(&["remote", "http", "tree", "secret"])),
    ("compose", Allowed::Only(&["remote", "docker", "tree", "secret"])),
    ("stack", Allowed::Only(&["remote", "docker", "compose", "tree", "http", "secret"])),
    ("swarm", Allowed::Only(&["remote", "docker", "compose", "stack", "tree", "secret"])),
    ("sops", Allowed::Only(&["secret"])),
    ("tailnet", Allowed::Only(&["remote", "http", "secret"])),
    ("backup", Allowed::Only(&["remote", "docker", "stack", "tree", "http", "secret", "sops"])),
    ("provider", Allowed::AllBut(&[])),
    ("cli", Allowed::AllBut(&["tfvalue", "tfplugin5", "framework", "framework-derive"])),
];

/// Crates of the wire protocol, and the only ones that may have them: the
/// binding crate, and the provider for its adapter.
const WIRE: &[&str] = &["tonic", "prost"];
const WIRE_USERS: &[&str] = &["tfplugin5", "provider"];

/// The rows as the document spells them: a crate and what it may use.
pub fn table() -> impl Iterator<Item = (&'static str, String)> {
    ARROWS.iter().map(|(name, allowed)| {
        let text = match allowed {
            Allowed::Only([]) => "none of ours".to_owned(),
            Allowed::Only(names) => names.join(", "),
            Allowed::AllBut([]) => "every library".to_owned(),
            Allowed::AllBut(names) => format!("every library but {}", names.join(", ")),
        };
        (*name, text)
    })
}

/// Compares every member with its row.
pub fn check(members: &[Member]) -> Vec<Violation> {
    members.iter().flat_map(|m| check_one(m, members)).collect()
}

fn check_one(member: &Member, members: &[Member]) -> Vec<Violation> {
    // Tests and developers' tools look at everything.
    if is_tooling(member) {
        return Vec::new();
    }
    let row = ARROWS.iter().find(|(name, _)| *name == member.name);
    let Some((_, allowed)) = row else {
        let text = "has no row in the table of allowed arrows (xtask/src/tidy/arrows.rs)";
        return vec![Violation::new(&member.name, text)];
    };
    let mut violations = Vec::new();
    for used in &member.ours {
        let tooling = members.iter().any(|m| m.name == *used && is_tooling(m));
        if tooling {
            violations.push(Violation::new(
                &member.name,
                format!("uses {used}, which only tests and xtask may use"),
            ));
        } else if !permits(allowed, used) {
            violations.push(Violation::new(
                &member.name,
                format!("uses {used}; it may use {}", row_text(&member.name)),
            ));
        }
    }
    violations.extend(wire(member));
    violations
}

fn is_tooling(member: &Member) -> bool {
    member.name == "xtask" || member.directory.starts_with("tests/")
}

fn permits(allowed: &Allowed, used: &str) -> bool {
    match allowed {
        Allowed::Only(names) => names.contains(&used),
        Allowed::AllBut(names) => !names.contains(&used) && !is_binary(used),
    }
}

fn is_binary(name: &str) -> bool {
    matches!(name, "provider" | "cli")
}

fn row_text(name: &str) -> String {
    let row = table().find(|(row, _)| *row == name);
    row.map_or_else(String::new, |(_, text)| text)
}

fn wire(member: &Member) -> Vec<Violation> {
    if WIRE_USERS.contains(&member.name.as_str()) {
        return Vec::new();
    }
    member
        .foreign
        .iter()
        .filter(|name| {
            let family = name.split('-').next().unwrap_or(name);
            WIRE.contains(&family)
        })
        .map(|name| {
            Violation::new(
                &member.name,
                format!("depends on {name}; only tfplugin5 and the provider's adapter may"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, directory: &str, ours: &[&str], foreign: &[&str]) -> Member {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Member {
            name: name.to_owned(),
            directory: directory.to_owned(),
            ours: owned(ours),
            foreign: owned(foreign),
        }
    }

    fn texts(members: &[Member]) -> Vec<String> {
        check(members).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn arrows_of_the_table_are_allowed() {
        let members = [
            member("secret", "crates/secret", &[], &["zeroize"]),
            member("remote", "crates/remote", &["secret"], &["tokio"]),
            member("docker", "crates/docker", &["remote", "secret"], &[]),
            member("compose", "crates/compose", &["docker", "remote"], &[]),
            member("stack", "crates/stack", &["compose", "docker", "remote"], &[]),
            member("tfplugin5", "crates/tfplugin5", &[], &["tonic", "prost"]),
            member("provider", "provider", &["docker", "tfplugin5"], &["tonic"]),
            member("lab", "tests/lab", &["docker"], &["tonic"]),
            member("xtask", "xtask", &["provider", "lab"], &[]),
        ];
        assert_eq!(texts(&members), Vec::<String>::new());
    }

    #[test]
    fn an_arrow_that_is_not_in_the_table_is_named() {
        let members = [
            member("ssh", "crates/ssh", &["remote"], &[]),
            member("docker", "crates/docker", &["remote", "ssh"], &[]),
        ];
        assert_eq!(texts(&members), ["docker: uses ssh; it may use remote, http, tree, secret"]);
    }

    #[test]
    fn the_command_line_tool_knows_nothing_of_terraform() {
        let members = [member("cli", "cli", &["docker", "framework"], &[])];
        assert_eq!(
            texts(&members),
            [
                "cli: uses framework; it may use every library but tfvalue, tfplugin5, framework, framework-derive"
            ]
        );
    }

    #[test]
    fn a_crate_without_a_row_is_refused() {
        let members = [member("extra", "crates/extra", &[], &[])];
        assert_eq!(
            texts(&members),
            ["extra: has no row in the table of allowed arrows (xtask/src/tidy/arrows.rs)"]
        );
    }

    #[test]
    fn no_library_uses_the_test_kit_or_a_binary() {
        let members =
            [member("provider", "provider", &["lab", "cli"], &[]), member("lab", "tests/lab", &[], &[])];
        assert_eq!(
            texts(&members),
            [
                "provider: uses lab, which only tests and xtask may use",
                "provider: uses cli; it may use every library"
            ]
        );
    }

    #[test]
    fn the_wire_libraries_stay_in_the_wire_crate() {
        let members = [member("framework", "crates/framework", &[], &["tonic-prost"])];
        assert_eq!(
            texts(&members),
            ["framework: depends on tonic-prost; only tfplugin5 and the provider's adapter may"]
        );
    }
}
