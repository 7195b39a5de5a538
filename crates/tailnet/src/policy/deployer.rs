//! Whether a policy lets a deployer in: who joins the tailnet under a tag, and works on hosts by SSH.
//!
//! Only what certainly lets it in counts: a rule for groups or addresses, or under conditions of a
//! device's posture, may or may not, and is none.

use super::{
    canonical::{field, section, texts},
    ports,
    selector::with_ports,
};
use crate::hujson::Node;

/// What must be reachable for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployer {
    /// The tag that the deployer has.
    pub tag: String,
    /// The tags of the machines it works on.
    pub to: Vec<String>,
    /// Whom it logs in as over Tailscale SSH; empty where the machines' own sshd is used.
    pub users: Vec<String>,
    /// The port of SSH.
    pub port: u16,
}

/// Why a deployer would not get in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lockout {
    /// A tag that nobody may give any more.
    NoOwner {
        /// The tag.
        tag: String,
    },
    /// No rule of `acls` or `grants` lets it reach the port there.
    NoNetwork {
        /// The tag of the machines.
        to: String,
    },
    /// No rule of `ssh` lets it log in as this user there without a person.
    NoLogin {
        /// The tag of the machines.
        to: String,
        /// The user.
        user: String,
    },
}

pub(super) fn lockout(root: &Node, deployer: &Deployer) -> Option<Lockout> {
    let owners = section(root, "tagOwners").map(Node::members).unwrap_or_default();
    for tag in std::iter::once(&deployer.tag).chain(&deployer.to) {
        if !owners.iter().any(|owner| owner.name == *tag) {
            return Some(Lockout::NoOwner { tag: tag.clone() });
        }
    }
    for to in &deployer.to {
        if !reaches(root, &deployer.tag, to, deployer.port) {
            return Some(Lockout::NoNetwork { to: to.clone() });
        }
        for user in &deployer.users {
            if !logs_in(root, &deployer.tag, to, user) {
                return Some(Lockout::NoLogin { to: to.clone(), user: user.clone() });
            }
        }
    }
    None
}

fn rules<'n>(root: &'n Node, name: &str) -> &'n [Node] {
    section(root, name).map(Node::elements).unwrap_or_default()
}

/// Whether `selector` certainly has the machines with `tag` in it.
fn covers(selector: &str, tag: &str) -> bool {
    [tag, "*", "autogroup:tagged"].contains(&selector)
}

fn from(section: &str, rule: &Node, tag: &str) -> bool {
    let conditional = field(section, rule, "srcposture").is_some_and(|node| !node.elements().is_empty());
    !conditional && texts(section, rule, "src").iter().any(|selector| covers(selector, tag))
}

fn reaches(root: &Node, tag: &str, to: &str, port: u16) -> bool {
    let by_acl = rules(root, "acls").iter().filter(|rule| from("acls", rule, tag)).any(|rule| {
        let protocol = field("acls", rule, "proto").and_then(Node::as_str).unwrap_or_default();
        let is_tcp = ["", "tcp", "6"].contains(&protocol);
        let leads = |target: &&str| {
            with_ports(target).is_some_and(|(target, list)| covers(target, to) && ports::contains(list, port))
        };
        is_tcp && texts("acls", rule, "dst").iter().any(leads)
    });
    let by_grant = || {
        rules(root, "grants").iter().filter(|rule| from("grants", rule, tag)).any(|rule| {
            let through = field("grants", rule, "via").is_some_and(|node| !node.elements().is_empty());
            let is_port = |text: &&str| match text.split_once(':') {
                Some((protocol, list)) => {
                    ["tcp", "6", "*"].contains(&protocol) && ports::contains(list, port)
                }
                None => ports::contains(text, port),
            };
            !through
                && texts("grants", rule, "dst").iter().any(|target| covers(target, to))
                && texts("grants", rule, "ip").iter().any(is_port)
        })
    };
    by_acl || by_grant()
}

fn logs_in(root: &Node, tag: &str, to: &str, user: &str) -> bool {
    // The first rule that fits decides, and a person has to be there for `check`.
    let fits = |rule: &&Node| {
        let users = texts("ssh", rule, "users");
        let named = users.contains(&user) || (users.contains(&"autogroup:nonroot") && user != "root");
        from("ssh", rule, tag) && texts("ssh", rule, "dst").iter().any(|target| covers(target, to)) && named
    };
    let first = rules(root, "ssh").iter().find(fits);
    first.and_then(|rule| field("ssh", rule, "action")).and_then(Node::as_str) == Some("accept")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    const OWNERS: &str = r#""tagOwners": {"tag:ci": [], "tag:prod": [], "tag:drill": []},"#;

    fn lockout(rest: &str, users: &[&str]) -> Option<Lockout> {
        let text = format!("{{{OWNERS}{rest}}}");
        let deployer = Deployer {
            tag: "tag:ci".into(),
            to: vec!["tag:prod".into(), "tag:drill".into()],
            users: users.iter().map(ToString::to_string).collect(),
            port: 22,
        };
        Policy::parse(&text).unwrap().locks_out(&deployer)
    }

    #[test]
    fn a_rule_for_each_machine_lets_it_in() {
        for rest in [
            r#""acls": [{"action": "accept", "src": ["tag:ci"], "dst": ["tag:prod:22", "tag:drill:20-30"]}]"#,
            r#""ACLs": [{"Action": "accept", "Users": ["*"], "Ports": ["*:*"]}]"#,
            r#""grants": [{"src": ["autogroup:tagged"], "dst": ["tag:prod", "tag:drill"], "ip": ["tcp:22", "80"]}]"#,
            r#""grants": [{"src": ["tag:ci"], "dst": ["tag:prod"], "ip": ["*"]}, {"src": ["tag:ci"], "dst": ["*"], "ip": ["22"]}]"#,
        ] {
            assert_eq!(lockout(rest, &[]), None, "{rest}");
        }
    }

    #[test]
    fn what_may_let_it_in_does_not_count() {
        let prod = Some(Lockout::NoNetwork { to: "tag:prod".into() });
        for rest in [
            r#""acls": []"#,
            r#""acls": [{"action": "accept", "src": ["group:ci"], "dst": ["*:*"]}]"#,
            r#""acls": [{"action": "accept", "src": ["tag:ci"], "dst": ["tag:prod:80", "tag:drill:22"]}]"#,
            r#""acls": [{"action": "accept", "proto": "udp", "src": ["tag:ci"], "dst": ["*:*"]}]"#,
            r#""acls": [{"action": "accept", "src": ["tag:ci"], "dst": ["*:*"], "srcPosture": ["posture:x"]}]"#,
            r#""grants": [{"src": ["tag:ci"], "dst": ["*"], "app": {"x": []}}]"#,
            r#""grants": [{"src": ["tag:ci"], "dst": ["*"], "ip": ["*"], "via": ["tag:router"]}]"#,
        ] {
            assert_eq!(lockout(rest, &[]), prod, "{rest}");
        }
        let drill = r#""acls": [{"action": "accept", "src": ["tag:ci"], "dst": ["tag:prod:22"]}]"#;
        assert_eq!(lockout(drill, &[]), Some(Lockout::NoNetwork { to: "tag:drill".into() }));
    }

    #[test]
    fn tailscale_ssh_needs_a_rule_without_a_person() {
        let network = r#""acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}], "ssh": "#;
        let rule = |action: &str, users: &str| {
            format!(
                r#"{{"action": "{action}", "src": ["tag:ci"], "dst": ["tag:prod", "tag:drill"], "users": [{users}]}}"#
            )
        };
        let told =
            |rules: &[String], user: &str| lockout(&format!("{network}[{}]", rules.join(",")), &[user]);
        let none = |user: &str| Some(Lockout::NoLogin { to: "tag:prod".into(), user: user.into() });
        assert_eq!(told(&[rule("accept", "\"deploy\"")], "deploy"), None);
        assert_eq!(told(&[rule("accept", "\"autogroup:nonroot\"")], "deploy"), None);
        assert_eq!(told(&[rule("accept", "\"autogroup:nonroot\"")], "root"), none("root"));
        assert_eq!(
            told(&[rule("check", "\"deploy\""), rule("accept", "\"deploy\"")], "deploy"),
            none("deploy")
        );
        assert_eq!(told(&[], "deploy"), none("deploy"));
    }

    #[test]
    fn a_tag_that_nobody_owns_cannot_be_had() {
        let deployer = Deployer { tag: "tag:gone".into(), to: vec![], users: vec![], port: 22 };
        let policy = Policy::parse("{}").unwrap();
        assert_eq!(policy.locks_out(&deployer), Some(Lockout::NoOwner { tag: "tag:gone".into() }));
    }
}
