//! Who is approved without anybody's doing: `autoApprovers`.

use super::canonical::section;
use crate::hujson::Node;

/// Whether `services` of it has one of `tags` for `service`. What it has for tags of services counts as
/// well: which tags a service has only the server knows.
pub(super) fn may_host(root: &Node, service: &str, tags: &[String]) -> bool {
    let Some(approvers) = section(root, "autoApprovers") else { return false };
    let services = approvers.members().iter().filter(|member| member.name.eq_ignore_ascii_case("services"));
    let entries = services.flat_map(|services| services.node.members());
    let fitting = entries.filter(|entry| entry.name == service || entry.name.starts_with("tag:"));
    fitting
        .flat_map(|entry| entry.node.elements())
        .filter_map(Node::as_str)
        .any(|approved| tags.iter().any(|tag| tag == approved))
}

#[cfg(test)]
mod tests {
    use crate::policy::Policy;

    #[test]
    fn a_tag_is_let_stand_behind_a_service() {
        let may = |approvers: &str| {
            let policy = Policy::parse(&format!("{{\"autoApprovers\": {approvers}}}")).unwrap();
            policy.may_host("svc:api", &["tag:prod".to_owned(), "tag:web".to_owned()])
        };
        assert!(may(r#"{"services": {"svc:api": ["tag:web"]}}"#));
        assert!(may(r#"{"services": {"tag:apis": ["tag:prod"]}}"#), "the service may have that tag");
        assert!(!may(r#"{"services": {"svc:other": ["tag:prod"], "svc:api": ["tag:db"]}}"#));
        assert!(!may(r#"{"routes": {"svc:api": ["tag:prod"]}}"#) && !may("{}"));
        assert!(!Policy::parse("{}").unwrap().may_host("svc:api", &["tag:prod".to_owned()]));
    }
}
