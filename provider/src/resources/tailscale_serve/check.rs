//! What has to be so before anything is served, each with what to do where it is not.

use std::collections::BTreeSet;

use tailnet::{
    Control, Kind,
    node::NodeState,
    policy::Policy,
    serve::{Handler, Names, ServeConfig},
};

use super::model::ServeModel;
use crate::{
    failure::{Failure, Stop},
    hosted::Host,
};

/// Why not with Headscale, and what to do instead.
pub(super) const HEADSCALE: (&str, &str) = (
    "The tailnet's control server is Headscale, which has neither certificates for HTTPS nor Tailscale Services: `tailscale \
     serve` is not supported there.",
    "Let the product listen on the host's address in the tailnet (`ipv4` of the windlass_tailnet_member), or put a proxy \
     such as Caddy there.",
);

/// Whether all is ready that `wanted` needs, as the machine and the control server say.
pub(super) async fn ready(
    host: &Host,
    control: &dyn Control,
    node: &NodeState,
    wanted: &BTreeSet<Handler>,
) -> Result<(), Failure> {
    if control.kind() == Kind::Headscale {
        return Err(Stop::new(HEADSCALE.0, HEADSCALE.1).at("tailnet").into());
    }
    machine(host.name(), node, wanted)?;
    let services = ServeModel::services_of(wanted);
    let open: Vec<&String> = services.iter().filter(|name| !node.hosted_services.contains(name)).collect();
    if open.is_empty() {
        return Ok(());
    }
    let text = control.policy().await?.map(|stored| stored.text).unwrap_or_default();
    // A policy that cannot be read is the server's business: approval is waited for in any case.
    let Ok(policy) = Policy::parse(&text) else { return Ok(()) };
    let uncovered: Vec<&String> =
        open.into_iter().filter(|name| !policy.may_host(name, &node.tags)).collect();
    match uncovered.first() {
        Some(first) => Err(not_approved(host.name(), node, &uncovered, first).into()),
        None => Ok(()),
    }
}

/// What the machine itself has to be.
fn machine(host: &str, node: &NodeState, wanted: &BTreeSet<Handler>) -> Result<(), Stop> {
    if !node.has_joined() {
        return Err(Stop::new(
            format!("{host} is in no tailnet, so that there is nobody to serve."),
            "Let it join first, and this depend on it: `windlass_tailnet_member`.",
        ));
    }
    if node.fqdn.is_empty() {
        return Err(Stop::new(
            format!("{host} has no name in its tailnet, and what it serves is told apart by names."),
            "Switch MagicDNS on: `magic_dns = true` of a `windlass_tailnet_dns`.",
        ));
    }
    let secure: Vec<&Handler> = wanted.iter().filter(|one| one.protocol.needs_certificate()).collect();
    if let Some(one) = secure.first()
        && node.cert_domains.is_empty()
    {
        return Err(Stop::new(
            format!("The {} needs a certificate, and the tailnet has HTTPS switched off.", one.port()),
            "Switch it on, and let this depend on it: `https_enabled = true` of a `windlass_tailnet_settings`. Or serve \
             `http` or `tcp`.",
        )
        .at("handler"));
    }
    let service = wanted.iter().find_map(|handler| handler.service.as_ref());
    if let Some(service) = service.filter(|_| node.tags.is_empty()) {
        return Err(Stop::new(
            format!("{host} has no tags, and only a machine with tags can stand behind {service}."),
            "Give it one: `tags` of its `windlass_tailnet_member`.",
        )
        .at("handler"));
    }
    Ok(())
}

fn not_approved(host: &str, node: &NodeState, services: &[&String], first: &str) -> Stop {
    let tag = node.tags.first().map(String::as_str).unwrap_or_default();
    let names: Vec<&str> = services.iter().map(|name| name.as_str()).collect();
    Stop::new(
        format!(
            "No approver of the policy lets {host}, whose tags are {:?}, stand behind {}.",
            node.tags,
            names.join(", ")
        ),
        format!(
            "Add it to the policy, and let this depend on that: `\"autoApprovers\": {{\"services\": {{{first:?}: [{tag:?}]}}}}`. \
             (Or approve the host in Tailscale's console after it was offered by hand: `tailscale serve --service={first} …`.)"
        ),
    )
    .at("handler")
}

/// Whether `wanted` may be served as things are there: by itself, and beside terminals.
pub(super) fn conflicts(config: &ServeConfig, wanted: &BTreeSet<Handler>) -> Result<(), Stop> {
    match config.conflicts(wanted) {
        conflicts if conflicts.is_empty() => Ok(()),
        conflicts => Err(Stop::new(
            conflicts.join("\n"),
            "End what is served in a terminal, or choose another `listen`; then apply again.",
        )
        .at("handler")),
    }
}

/// Why nothing is served in place of what is there, which is nobody's that we know.
pub(super) fn occupied(host: &Host, found: &ServeConfig, names: &Names, id: &str) -> Stop {
    Stop::new(
        format!(
            "{} serves something already that was not set up by this configuration:\n{}",
            host.name(),
            lines(found, names)
        ),
        format!(
            "Adopt it: `import` it with the id {id:?}. Or clear it on the host: `tailscale serve reset`."
        ),
    )
}

/// Why a change is not made: it was planned for something else.
pub(super) fn changed(host: &Host, found: &ServeConfig, names: &Names) -> Stop {
    Stop::new(
        format!(
            "What {} serves has been changed by somebody else meanwhile. It is now:\n{}",
            host.name(),
            lines(found, names)
        ),
        "Plan again, which shows what they changed.",
    )
}

/// The handlers, one a line.
fn lines(config: &ServeConfig, names: &Names) -> String {
    let handlers = config.handlers(names);
    let lines: Vec<String> =
        handlers.iter().map(|handler| format!("{} to {}", names.url(handler), handler.target)).collect();
    if lines.is_empty() { "nothing under its present name".to_owned() } else { lines.join("\n") }
}

#[cfg(test)]
mod tests {
    use tailnet::{node::State, serve::Protocol};

    use super::*;

    fn node() -> NodeState {
        NodeState {
            state: State::Running,
            id: "n1".into(),
            fqdn: "web.tail.ts.net".into(),
            tags: vec!["tag:prod".into()],
            cert_domains: vec!["web.tail.ts.net".into()],
            ..NodeState::default()
        }
    }

    fn wanted() -> BTreeSet<Handler> {
        BTreeSet::from([Handler {
            service: Some("svc:api".into()),
            listen: 443,
            protocol: Protocol::Https,
            path: "/".into(),
            target: "http://127.0.0.1:1".into(),
            proxy_protocol: 0,
        }])
    }

    fn told(node: &NodeState) -> String {
        match machine("web", node, &wanted()) {
            Ok(()) => String::new(),
            Err(stop) => Failure::from(stop).into_diagnostics("t", "w").to_string(),
        }
    }

    #[test]
    fn what_is_missing_is_said_with_what_to_do() {
        assert_eq!(told(&node()), "");
        for (node, happened, next) in [
            (NodeState { id: String::new(), ..node() }, "is in no tailnet", "windlass_tailnet_member"),
            (NodeState { fqdn: String::new(), ..node() }, "has no name", "MagicDNS"),
            (
                NodeState { cert_domains: vec![], ..node() },
                "The port 443 of svc:api needs a certificate",
                "https_enabled",
            ),
            (NodeState { tags: vec![], ..node() }, "has no tags", "`tags`"),
        ] {
            let told = told(&node);
            assert!(told.contains(happened) && told.contains(next), "{told}");
        }
    }

    #[test]
    fn who_is_not_approved_learns_what_the_policy_needs() {
        let service = "svc:api".to_owned();
        let stop = not_approved("web", &node(), &[&service], &service);
        let told = Failure::from(stop).into_diagnostics("t", "w").to_string();
        assert!(told.contains("\"autoApprovers\": {\"services\": {\"svc:api\": [\"tag:prod\"]}}"), "{told}");
    }
}
